//! What the tests of several crates share, and `bench`: a local AWS, a manager host, a project, containers.
//!
//! Everything here ends with the test that started it. Nothing here knows the crate `fargate`: whoever starts the
//! driver passes the path of its program, which cargo tells the driver's own tests only (`CARGO_BIN_EXE_fargate`).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test harness: a test stops at the first surprise"
)]

mod account;
pub mod busybox;
mod command;
mod container_engine;
mod docker_registry;
mod job;
pub mod ledger;
mod local_aws;
mod manager_host;
pub mod mutation;
pub mod process;
mod project;
mod schema;
mod ssh_server;
mod terminal;
mod wait;

pub use account::{Account, CLUSTER};
pub use command::{Outcome, RunningCommand};
pub use container_engine::ContainerEngine;
pub use docker_registry::DockerRegistry;
pub use job::{Job, age_leftovers, leftovers};
pub use local_aws::{LocalAws, REGION, Reply};
pub use manager_host::ManagerHost;
pub use project::Project;
pub use schema::follows_schema;
pub use ssh_server::SshServer;
pub use terminal::Terminal;
pub use wait::{SECOND, eventually, wait_for, wait_until};
