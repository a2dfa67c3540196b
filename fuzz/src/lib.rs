//! Fuzz targets: a client that sends the agent any bytes, and the frames that driver and agent decode.
//!
//! The agent is the real one, without its listener and with `shell` in place of its shells.

pub mod client;
pub mod frames;
