//! The stand-in with real containers behind its tasks.
//!
//! Needs Docker, or Podman and the right to run it as root; without both it fails. Images are made on this machine of
//! Debian's static busybox, and no registry is asked for anything.

#![cfg(test)]

mod cleanup;
mod engine;
mod faults;
mod logs;
mod registry;
mod settings;
mod sharing;
mod stand_in;
mod starts;
mod stops;
