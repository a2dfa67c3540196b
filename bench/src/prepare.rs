//! The cost of a prepare, and the driver's size.

use std::time::Duration;

use serde_json::json;
use testing::{ManagerHost, SshServer};

use crate::cost::Cost;
use crate::fargate;
use crate::table::{megabytes, row, seconds};

/// How long the task needs until it can be reached.
const TASK_SECONDS: f64 = 8.0;

/// Prepares that are measured; each takes as long as the task.
const PREPARES: usize = 3;

pub(crate) fn measure() {
    let size = std::fs::metadata(fargate()).unwrap().len();
    row(
        "size of the driver",
        &megabytes(size as f64 / 1024.0),
        "-",
        "16 MB",
    );
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": TASK_SECONDS } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let costs = (0..PREPARES)
        .map(|_| {
            let cost = Cost::of(&manager.call(&["custom", "prepare"]), None);
            manager.custom("cleanup").exits(0);
            cost
        })
        .collect();
    let cost = Cost::median(costs);
    let overhead = cost
        .wall
        .saturating_sub(Duration::from_secs_f64(TASK_SECONDS));
    row(
        "prepare: time beyond a task that is reachable after 8 s",
        &seconds(overhead),
        "-",
        "0.1 s",
    );
    row("prepare: CPU time", &seconds(cost.cpu), "-", "0.04 s");
}
