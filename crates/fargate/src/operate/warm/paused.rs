//! Pools that rest, because their task did not get ready.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Their pauses.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(15), Duration::from_secs(10 * 60));

/// When each tries again, by the hash of its starts.
#[derive(Debug, Default)]
pub(super) struct Paused(BTreeMap<String, (Instant, Backoff)>);

impl Paused {
    /// Whether it rests now.
    pub(super) fn has(&self, hash: &str) -> bool {
        self.0
            .get(hash)
            .is_some_and(|(until, _)| *until > Instant::now())
    }

    /// Lets it rest, longer each time; returns for how long.
    pub(super) fn begin(&mut self, hash: String) -> Duration {
        let (until, backoff) = self
            .0
            .entry(hash)
            .or_insert_with(|| (Instant::now(), PAUSES));
        let pause = backoff.pause();
        *until = Instant::now() + pause;
        pause
    }

    /// Lets it go on.
    pub(super) fn end(&mut self, hash: &str) {
        self.0.remove(hash);
    }

    /// Lets all go on.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
