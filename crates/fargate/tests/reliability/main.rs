//! What is promised in `docs/reliability.md`: nothing leaks and nothing hangs, whatever goes wrong and whoever dies.
//!
//! The real program, in jobs as GitLab Runner runs them, against the stand-in for AWS and its faults.

#![cfg(test)]

// Shared with the tests of the stages, which use more of it.
#[allow(dead_code)]
#[path = "../stages/aws.rs"]
mod aws;
mod control;
mod crowd;
mod job;
mod kill;
#[allow(dead_code)]
#[path = "../stages/manager.rs"]
mod manager;
mod matrix;
mod runner;
mod soak;
mod stage;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
