//! The queue of a manager's processes that call RunTask.
//!
//! AWS takes some twenty RunTask calls a second for an account, and refuses the others. Refused processes that try
//! again at random are mostly refused again. So a refused caller takes the next slot in a queue, and so does a new
//! caller while there is a queue; without refusals there is none. A slot is a time. The queue is a file with the first
//! free slot: a killed process leaves its slot empty, and nothing else. The queue is not for refusals of EC2, which
//! ECS calls for us: that limit is shared with others, and needs longer pauses.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::state::clock::{self, millis};
use crate::state::locks::{self, Lock};

/// Time between two slots: AWS's 20 calls a second (AWS: Fargate throttling quotas), and some room, as a call that
/// comes too early has to queue again.
const SPACING: Duration = Duration::from_millis(55);

/// Longest queue: a later slot was written before the clock was set back.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// Bound of the wait for the queue's file, whose holder only reads and writes it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Pauses of a caller that is refused in its slot: AWS has too many calls of others then.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// One process in the queue.
#[derive(Debug)]
pub(crate) struct Queue<'a> {
    directory: &'a Path,
    name: String,
    /// Whether a call was refused before.
    is_refused: bool,
    pauses: Backoff,
}

impl<'a> Queue<'a> {
    /// The queue for `region`, in the folder of the records.
    pub(crate) fn new(directory: &'a Path, region: &str) -> Self {
        Self {
            directory,
            name: format!("run-task-{region}"),
            is_refused: false,
            pauses: PAUSES,
        }
    }

    /// Whether callers wait in it. Read without the lock: mostly there is no queue, and nothing to write.
    pub(crate) fn has_callers(&self) -> bool {
        let file = std::fs::read_to_string(locks::path(self.directory, &self.name));
        let free_at = file.ok().and_then(|word| word.parse().ok());
        front(free_at, now()).is_some()
    }

    /// Returns the wait before the first call.
    pub(crate) async fn enter(&self) -> Duration {
        if self.has_callers() {
            self.take_slot(Duration::ZERO).await
        } else {
            Duration::ZERO
        }
    }

    /// Returns the wait before the next call, after one that was refused for its rate.
    pub(crate) async fn refused(&mut self) -> Duration {
        let pause = if self.is_refused {
            self.pauses.pause()
        } else {
            Duration::ZERO
        };
        self.is_refused = true;
        self.take_slot(pause).await
    }

    /// Takes a slot, and returns the wait for it. Trouble with the file means no queue.
    async fn take_slot(&self, pause: Duration) -> Duration {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        let taking = Lock::take(self.directory, &self.name, "queues for a task", deadline);
        let mut lock = match taking.await {
            Ok(lock) => lock,
            Err(error) => {
                tracing::debug!("asks for a task out of turn: {error}");
                return pause.max(SPACING);
            }
        };
        let free_at = lock.read(LONGEST).and_then(|word| word.parse().ok());
        let now = now();
        let (at, free_at) = slot(free_at, now, millis(pause));
        if let Some(free_at) = free_at {
            // Slots have one length, so that a concurrent reader sees the new one or the old one.
            lock.write(&format!("{free_at:020}"));
        }
        Duration::from_millis(at.saturating_sub(now))
    }
}

/// The first free slot, if there is a queue. Times are in milliseconds since 1970.
fn front(free_at: Option<u64>, now: u64) -> Option<u64> {
    free_at.filter(|at| *at > now && at - now <= millis(LONGEST))
}

/// The slot of a caller that comes `now` and waits for `pause` at least, and the next free slot if that changes.
///
/// A caller that waits longer than the queue does not lengthen it.
fn slot(free_at: Option<u64>, now: u64, pause: u64) -> (u64, Option<u64>) {
    let front = front(free_at, now).unwrap_or(now + millis(SPACING));
    if now + pause > front {
        (now + pause, None)
    } else {
        (front, Some(front + millis(SPACING)))
    }
}

fn now() -> u64 {
    millis(clock::now())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_queue_is_what_is_ahead_and_not_absurd() {
        for (free_at, queue) in [
            (None, false),
            (Some(0), false),
            (Some(NOW), false),
            (Some(NOW + 1), true),
            (Some(NOW + millis(LONGEST)), true),
            (Some(NOW + millis(LONGEST) + 1), false),
            (Some(u64::MAX), false),
        ] {
            assert_eq!(front(free_at, NOW).is_some(), queue, "{free_at:?}");
        }
    }

    #[test]
    fn pauses_begin_with_the_second_refusal_and_grow_to_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let mut queue = Queue::new(folder.path(), "eu-west-1");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        assert!(!queue.has_callers());
        // The first slot comes at once.
        assert!(runtime.block_on(queue.refused()) <= SPACING);
        let pauses = (0..9).map(|_| runtime.block_on(queue.refused()).as_millis());
        for (regular, pause) in [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]
            .into_iter()
            .zip(pauses)
        {
            let (least, most) = (regular * 3 / 4, regular * 5 / 4 + SPACING.as_millis());
            assert!(
                (least..=most).contains(&pause),
                "{pause}, not about {regular}"
            );
        }
        assert!(queue.has_callers());
    }

    proptest! {
        /// Slots are apart, none is taken twice, and none is left free, in whatever order callers come.
        #[test]
        fn places_follow_each_other(comings in prop::collection::vec((0_u64..200, 0_u64..500), 1..60)) {
            let (mut free_at, mut now, mut last) = (None, NOW, None::<u64>);
            for (after, pause) in comings {
                now += after;
                let (at, next) = slot(free_at, now, pause);
                prop_assert!(at >= now + pause);
                if let Some(next) = next {
                    prop_assert_eq!(next, at + millis(SPACING));
                    if let Some(last) = last {
                        let follows = last + millis(SPACING);
                        prop_assert!(at >= follows);
                        prop_assert!(at == follows || follows <= now);
                    }
                    (free_at, last) = (Some(next), Some(at));
                }
            }
        }
    }
}
