//! Gives claimed tasks the tags of their jobs: keep has the time that a job's prepare has not.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::setup::Setup;

/// How long after a task was taken its job's record may come to name it: races and proof of a claim last ten seconds
/// at most (`start/claim`).
const CLAIM: Duration = Duration::from_secs(12);

/// How often records are read without a sign of a claim: another keeper's tasks, and calls without an answer.
const LOOK: Duration = Duration::from_secs(60);

/// Pause after each call. AWS takes ten such calls a second of all callers of an account (API throttling of ECS: tag
/// modify actions), so this leaves others half of them.
const PAUSE: Duration = Duration::from_millis(200);

/// When keep looks for tasks that lack tags of their jobs.
#[derive(Debug, Default)]
pub(super) struct Tagging {
    is_under_way: bool,
    looked_at: Option<Instant>,
    /// When somebody last took a task.
    taken_at: Option<Instant>,
}

impl Tagging {
    /// Takes note that somebody has taken a task.
    pub(super) fn expect(&mut self) {
        self.taken_at = Some(Instant::now());
    }

    /// Whether to look now. The caller says when it has [done](Self::done) so.
    pub(super) fn begins(&mut self) -> bool {
        let within = |at: Option<Instant>, time| at.is_some_and(|at| at.elapsed() < time);
        let is_due = within(self.taken_at, CLAIM) || !within(self.looked_at, LOOK);
        let begins = is_due && !self.is_under_way;
        if begins {
            self.is_under_way = true;
            self.looked_at = Some(Instant::now());
        }
        begins
    }

    pub(super) fn done(&mut self) {
        self.is_under_way = false;
    }
}

/// Gives all claimed tasks the tags that they lack.
pub(super) async fn add_missing_tags(setup: Rc<Setup>) {
    let entries = setup.records.all().unwrap_or_else(|error| {
        tracing::debug!("no claimed task gets tags: {error}");
        Vec::new()
    });
    let records = entries.into_iter().filter_map(|entry| entry.record.ok());
    // The end of a job sends what is missing itself.
    for record in records.filter(|record| !record.missing_tags.is_empty() && !record.ends) {
        setup.teardown().add_missing_tags(&record).await;
        sleep(PAUSE).await;
    }
}
