//! `fargate init`: the real program, against the stand-in for AWS.

#![cfg(test)]

mod files;
mod set_up;
mod stack;
mod terminal;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}

/// The runner's token, which nothing ever shows.
const TOKEN: &str = "glrt-t0psecret";
