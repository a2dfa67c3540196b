//! The stand-in with real containers behind its tasks.
//!
//! Needs Docker, or Podman and the right to run it as root; without both it fails. Images are made on this machine of
//! Debian's static busybox, and no registry is asked for anything.

#![cfg(test)]

mod busybox;
mod cleanup;
// Shared with the driver's tests, which use more of it.
#[allow(dead_code)]
mod engine;
mod faults;
mod images;
mod logs;
mod pulls;
mod registry;
mod settings;
mod sharing;
mod stand_in;
mod starts;
mod stops;
