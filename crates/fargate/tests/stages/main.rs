//! The stages as GitLab Runner calls them: the real program, against the stand-in for AWS, with tasks that run
//! the agent or a real OpenSSH server.

#![cfg(test)]

mod aws;
mod bad_input;
mod connection;
mod hostile;
mod job_image;
mod job_image_refused;
mod job_services;
mod lifecycle;
mod losses;
mod manager;
mod many;
mod proxy;
mod reconnecting;
mod retiring;
mod scripts;
mod secrets;
mod service_log;
mod signals;
mod sweeping;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
