//! SIGKILL among claims, keeps, second tasks and yields: no task serves two jobs, one sweep leaves nothing, and without
//! any sweep each task ends by itself.
//!
//! All that is chosen follows from the seed, though not the instants at which it meets the programs:
//!
//!     FARGATE_WARM_KILLS=300 FARGATE_WARM_SEED=7 cargo test --test reliability warm -- --nocapture

mod idle;
mod kind;
mod step;
mod sweep;
mod tally;
mod traces;
mod victim;

use std::str::FromStr;

use nix::sys::signal::Signal;
use serde_json::Value;
use testing::{ManagerHost, SshServer};

use crate::fargate;

/// Times between the states of tasks, as parts of Fargate's: half a second from RunTask to running.
const LATENCY: f64 = 0.02;

/// Where the choices begin, unless this variable says otherwise.
const SEED: u64 = 4711;
const SEED_VARIABLE: &str = "FARGATE_WARM_SEED";

/// How many processes are killed at least, where a test has no number of its own.
const KILLS_VARIABLE: &str = "FARGATE_WARM_KILLS";

/// A number that a variable may change.
fn number<T: FromStr<Err: std::fmt::Debug>>(variable: &str, otherwise: T) -> T {
    match std::env::var(variable) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => otherwise,
    }
}

/// The choices of one of many, by its number.
fn choices(seed: u64, number: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// A manager whose jobs bring their image, with more keys in `[JobImage]` and more sections.
fn host(faults: &Value, job_image: &str, sections: &str) -> ManagerHost {
    let manager = ManagerHost::with_latency(fargate(), SshServer::JobImage, faults, LATENCY);
    let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
    let providers = "[JobVariables]\nCapacityProviders = [\"FARGATE_SPOT\"]";
    manager.configure_job_image(
        &format!("{images}\n{job_image}"),
        &format!("{providers}\n{sections}"),
    );
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let hedges = "[Fargate]\nHedgeAfter = \"300ms\"\n";
    manager.write_config(&config.replacen("[Fargate]\n", hedges, 1));
    traces::prepare(&manager);
    manager
}

/// Has AWS refuse the next job that it may refuse, so that a task yields to it.
fn refuse_next(manager: &ManagerHost, seed: u64) {
    manager.aws.faults(&kind::faults(seed));
}

/// Has keep start tasks again: none is started for minutes after one has yielded.
fn forget_yields(manager: &ManagerHost) {
    // Before the first there is no such mark.
    drop(std::fs::remove_file(step::warm(manager).join("yielded")));
}

/// Lets the next start have a second task, however many there were.
fn fill_bucket(manager: &ManagerHost) {
    // Without second tasks there is no file.
    drop(std::fs::remove_file(manager.metadata().join("hedges.lock")));
}

/// Kills a keep.
fn kill_keep(
    manager: &ManagerHost,
    keep: &crate::watched_process::WatchedProcess,
) -> step::KeepStep {
    keep.signal(Signal::SIGKILL);
    step::KeepStep::look(manager)
}
