//! `fargate try` as a person types it: the real program, whose tasks run the real agent in a stand-in for AWS, its
//! own or one of the test's.

#![cfg(test)]

// Shared with the tests of the stages, which use more of it.
#[allow(dead_code)]
#[path = "../stages/aws.rs"]
mod aws;
mod files;
mod jobs;
mod keep;
mod terminal;
mod trial;
mod with_config;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
