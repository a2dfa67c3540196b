//! JobImage mode in real containers: the real program's stages, against the stand-in for AWS with Docker or Podman
//! behind its tasks, with the real agent in images that have never heard of it.
//!
//! Needs what the stand-in's own tests in containers need, and debootstrap; without these it fails. All images are
//! made on this machine (`images`), and no registry is asked for anything but one of the tests' own.

#![cfg(test)]

mod early_ends;
mod git_server;
mod images;
mod job;
mod jobs;
mod late_image;
mod many_jobs;
mod neighbours;
mod static_agent;
mod trial;
mod unusable_images;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
