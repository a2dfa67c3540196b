//! The life of a task, from `PROVISIONING` to `STOPPED`.
//!
//! Each task has one lifecycle, which goes through the states in AWS's order. The first cause of a stop wins, and the
//! teardown is the same for every cause.

use std::sync::Arc;

use super::changes;
use super::local_task::LocalTask;
use super::runtime::Runtime;
use super::spec::TaskSpec;
use super::task_run::{StopCause, TaskRun};
use super::task_sandbox::TaskSandbox;
use crate::guarded::Guarded;
use crate::network::Network;

/// Starts a task, waits until something stops it, and tears it down.
pub(crate) async fn run(
    runtime: Arc<Runtime>,
    network: Guarded<Network>,
    task: Guarded<LocalTask>,
    spec: TaskSpec,
) {
    let mut stopping = task.lock().stopping();
    let pace = runtime.pace();
    let mut run = TaskRun {
        pace: pace.clone(),
        runtime,
        network,
        task,
        spec,
        containers: None,
        interface: None,
        sandbox: TaskSandbox::default(),
    };
    let cause = tokio::select! {
        biased;
        // The request for the stop set code and reason.
        _ = stopping.wait_for(|stopping| *stopping) => None,
        () = pace.shutdown() => Some(StopCause::new("TerminationNotice", "The local stand-in was ended.")),
        cause = live(&mut run) => cause,
    };
    if let Some(StopCause { code, reason }) = cause {
        run.task.lock().begin_stop(&code, &reason);
    }
    run.tear_down().await;
}

/// Starts and runs a task until something stops it. Returns the cause, unless the description already has it.
async fn live(run: &mut TaskRun) -> Option<StopCause> {
    let faults = run.task.lock().faults.clone();
    if let Some(code) = faults.dies_unseen {
        let id = run.spec.task_id.as_str();
        run.change(|description, now| changes::die_unseen(description, code, id, now));
        return None;
    }
    if let Err(cause) = run.start(&faults).await {
        return Some(cause);
    }
    Some(run.run_containers(faults.stop).await)
}
