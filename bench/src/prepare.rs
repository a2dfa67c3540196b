//! The cost of a prepare, and the driver's size.

use std::time::Duration;

use serde_json::json;
use testing::{ManagerHost, SshServer};

use crate::cost::Cost;
use crate::fargate;
use crate::table::{megabytes, row, seconds};

/// How long the first task needs until it can be reached.
const TASK_SECONDS: f64 = 8.0;

/// Prepares that are measured; each takes as long as the task.
const PREPARES: u32 = 9;

/// How much longer each task needs than the one before. prepare tries the port every 100 ms: tasks that open it at the
/// same phase of that would measure the phase.
const SHIFT: Duration = Duration::from_millis(11);

pub(crate) fn measure() {
    let size = std::fs::metadata(fargate()).unwrap().len();
    row(
        "size of the driver",
        &megabytes(size as f64 / 1024.0),
        "-",
        "16 MB",
    );
    let costs = (0..PREPARES)
        .map(|number| overhead_of(Duration::from_secs_f64(TASK_SECONDS) + SHIFT * number))
        .collect();
    let cost = Cost::median(costs);
    row(
        "prepare: time beyond a task that is reachable after 8 s",
        &seconds(cost.wall),
        "-",
        "0.1 s",
    );
    row("prepare: CPU time", &seconds(cost.cpu), "-", "0.04 s");
}

/// The cost of a prepare whose task can be reached after `delay`, less that time.
fn overhead_of(delay: Duration) -> Cost {
    let seconds = delay.as_secs_f64();
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": seconds } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let cost = Cost::of(&manager.call(&["custom", "prepare"]), None);
    manager.custom("cleanup").exits(0);
    Cost {
        wall: cost.wall.saturating_sub(delay),
        ..cost
    }
}
