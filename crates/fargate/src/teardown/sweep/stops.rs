//! A sweep over stops that were cut short: tasks that no record names, and that the ledger may lack.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{AT_ONCE, Finding, Sweep};
use crate::error::Result;
use crate::state::records::stops::NotedStop;
use crate::task;
use crate::teardown::orphan::Verdict;

impl Sweep<'_> {
    /// Stops again what a process was about to stop that did not live to enter it in the ledger.
    pub(super) async fn stops(&self, noted: Vec<NotedStop>) -> Vec<Finding> {
        let findings = stream::iter(noted).map(|stop| self.noted_stop(stop));
        findings.buffer_unordered(AT_ONCE).collect().await
    }

    async fn noted_stop(&self, stop: NotedStop) -> Finding {
        let what = format!("task {}", task::id(&stop.task));
        let cause = stop.entry.outcome.cause.clone().unwrap_or_default();
        let finding = self.carry_out(what, Verdict::End(cause), async |_| {
            // AWS has listed it: it does not know the task only once that is over.
            let finished: Result<()> = self.teardown().finish_stop(&stop, Duration::ZERO).await;
            finished.map(|()| vec![stop.task.clone()])
        });
        finding.await
    }
}
