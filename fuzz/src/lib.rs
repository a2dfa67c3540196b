//! Fuzz targets: a client that sends the agent any bytes, the frames that driver and agent decode, and a
//! `.gitlab-ci.yml`.
//!
//! The agent is the real one, without its listener and with `shell` in place of its shells.

pub mod client;
pub mod configuration;
pub mod frames;
pub mod large;
