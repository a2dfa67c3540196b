//! `fargate try` as a person types it: the real program, whose tasks run the real agent in a stand-in for AWS, its own
//! or one of the test's.

#![cfg(test)]

mod jobs;
mod keep;
mod killed;
mod other_users;
mod pipeline_file;
mod pipelines;
mod sources;
mod terminal;
mod with_config;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
