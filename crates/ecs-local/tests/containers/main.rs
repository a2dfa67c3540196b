//! The stand-in with tasks of real containers.
//!
//! The tests need Docker, or Podman with the right to run it as root, and fail without either. They make their images
//! from Debian's static busybox, and use no registry.

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
