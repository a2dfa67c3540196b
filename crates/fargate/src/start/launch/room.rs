//! Room for a job's task, where other tasks of this manager fill a limit of AWS.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Launcher;
use crate::aws::is_own_limit;
use crate::output::say;
use crate::task::placement::Placement;
use crate::teardown::Teardown;

/// How long a call is repeated that stops a task to make room.
const YIELD: Duration = Duration::from_secs(10);

/// How long a task takes to end, and then no longer counts in quotas and has no address.
const ENDING: Duration = Duration::from_secs(60);

impl Launcher<'_> {
    /// Has other tasks of this manager yield where AWS's reason is a limit that such tasks fill.
    /// Once in a round, as another place may have room, and not again before those that yielded have ended.
    pub(super) async fn make_room(&mut self, place: &Placement<'_>, reason: &str) {
        let is_making = self.yielded_at.is_some_and(|at| at.elapsed() < ENDING);
        if !place.is_last || is_making || !is_own_limit(reason) {
            return;
        }
        let made = async {
            let identity = self.context.identity()?;
            let teardown = Teardown {
                aws: self.aws,
                records: &self.context.records,
                identity: &identity,
                cluster: &self.context.config.fargate.cluster,
                patience: YIELD,
            };
            teardown.make_room(self.size()).await
        };
        // A sweep goes on with what this does not complete.
        match timeout(YIELD, self.context.shutdown.or(made)).await {
            Ok(Ok(Some(yielded))) => {
                self.yielded_at = Some(Instant::now());
                say(&format!("{reason}; stopped {yielded} to make room"));
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!("nothing makes room: {error}"),
            // Some may have ended: those must not be counted as none.
            Err(_) => {
                self.yielded_at = Some(Instant::now());
                tracing::debug!("AWS stops no waiting task in {} s", YIELD.as_secs());
            }
        }
    }

    /// CPU units of the task, where they are not those of an operator's definition.
    fn size(&self) -> Option<u32> {
        let composed = self.launch.composed.map(|definition| definition.cpu);
        let cpu = self.launch.request.overrides.cpu.or(composed)?;
        Some(cpu.0)
    }
}
