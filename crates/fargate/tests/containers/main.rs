//! JobImage mode in real containers: the real program's stages, against the stand-in for AWS with Docker or Podman behind
//! its tasks, with the real agent in images that have never heard of it.
//!
//! Needs what the stand-in's own tests in containers need, and debootstrap; without these it fails. All images are made on
//! this machine (`images`), and no registry is asked for anything but one of the tests' own.

#![cfg(test)]

mod agent;
mod crowd;
mod ends;
mod git;
mod images;
mod job;
mod jobs;
mod refused;
mod starts;
mod trials;

// Shared with tests that use more of it.
#[allow(dead_code)]
#[path = "../stages/aws.rs"]
mod aws;
#[path = "../../../ecs-local/tests/containers/busybox.rs"]
mod busybox;
#[allow(dead_code)]
#[path = "../../../ecs-local/tests/containers/engine.rs"]
mod engine;
#[allow(dead_code)]
#[path = "../stages/manager.rs"]
mod manager;
#[allow(dead_code)]
#[path = "../../../ecs-local/tests/containers/registry.rs"]
mod registry;
#[allow(dead_code)]
#[path = "../trial/trial.rs"]
mod trial;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
