//! The stand-in with tasks of real containers.
//!
//! The tests need Docker, or Podman with the right to run it as root, and fail without either. They make their images
//! from Debian's static busybox, and use no registry.

#![cfg(test)]

mod cleanup;
mod cluster;
mod faults;
mod images;
mod logs;
mod pulls;
mod settings;
mod sharing;
mod silent_engine;
mod starts;
mod stops;
