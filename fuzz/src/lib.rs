//! What the fuzz targets share: the agent's own modules, which are private to it and shall be, compiled in here as they
//! are, with a client that says whatever the fuzzer likes.
//!
//! Only its shells are others: what a fuzzer makes up must not be run.

// Not all of the agent is needed here.
#![allow(dead_code, unfulfilled_lint_expectations)]

#[path = "../../crates/agent/src/attachment.rs"]
mod attachment;
#[path = "../../crates/agent/src/attendance.rs"]
mod attendance;
#[path = "../../crates/agent/src/authorized_key.rs"]
mod authorized_key;
#[path = "../../crates/agent/src/connection.rs"]
mod connection;
#[path = "../../crates/agent/src/execution.rs"]
mod execution;
#[path = "../../crates/agent/src/helper.rs"]
mod helper;
#[path = "../../crates/agent/src/host_key.rs"]
mod host_key;
#[path = "../../crates/agent/src/hosts.rs"]
mod hosts;
#[path = "../../crates/agent/src/log.rs"]
mod log;
#[path = "../../crates/agent/src/metadata.rs"]
mod metadata;
#[path = "../../crates/agent/src/processes.rs"]
mod processes;
#[path = "../../crates/agent/src/run.rs"]
mod run;
#[path = "../../crates/agent/src/scratch.rs"]
mod scratch;
#[path = "../../crates/agent/src/script.rs"]
mod script;
#[path = "../../crates/agent/src/server.rs"]
mod server;
#[path = "../../crates/agent/src/signals.rs"]
mod signals;
#[path = "../../crates/agent/src/spool.rs"]
mod spool;
#[path = "../../crates/agent/src/transport.rs"]
mod transport;
#[path = "../../crates/fargate/src/ssh/intake.rs"]
mod intake;
mod shell;

pub mod frames;
pub mod visit;
