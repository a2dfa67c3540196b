//! `fargate doctor`: the real program, on a manager host whose set-up is right, or wrong in one way.

#![cfg(test)]

mod choice;
mod coverage;
mod misconfigurations;
mod report;
mod set_up;
mod start;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
