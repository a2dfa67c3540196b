//! What is promised in `docs/reliability.md`: nothing leaks and nothing hangs, whatever goes wrong and whoever dies.
//!
//! The real program, in jobs as GitLab Runner runs them, against the stand-in for AWS and its faults.

#![cfg(test)]

mod kill;
mod matrix;
mod parallel;
mod runner_process;
mod scenario;
mod soak;
mod warm;
mod watched_process;

use testing::{Job, ManagerHost};

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}

/// A job of the tests here. In TaskDefinition mode its image does not count.
fn job(manager: &ManagerHost, id: u64) -> Job<'_> {
    let asked = serde_json::json!({ "variables": null, "image": { "name": "ruby:3.3" } });
    Job::new(manager, id, &asked)
}
