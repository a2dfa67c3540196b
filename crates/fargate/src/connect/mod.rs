//! The one road to a task's SSH server, and the reasons when it leads nowhere.
//!
//! `road` is the loop, `policy` its parameters, `findings` what it knows. prepare (`start`), a stage's first connection
//! and a reconnection (`stage`), and the job's own container (`job_container`) take it.

mod connector;
mod ended_server;
mod findings;
pub(crate) mod inquiry;
pub(crate) mod job_container;
pub(crate) mod keep;
mod obstacle;
mod policy;
mod poll;
pub(crate) mod progress;
pub(crate) mod services;
pub(crate) mod stage;
pub(crate) mod start;
pub(crate) mod start_failure;
mod timeline;
