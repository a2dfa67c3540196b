//! `fargate logs --follow`: the story and the output as they go on, until the task has stopped.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::attempt::Attempt;
use super::story::{Event, EventKind, story};
use super::streams::{Stream, streams};
use super::{find, look, print};
use crate::aws::Aws;
use crate::error::Result;
use crate::state::records::Records;

/// Pause between two looks at records and CloudWatch. AWS allows 25 calls a second for an account (GetLogEvents), and a
/// task has some containers.
const PAUSE: Duration = Duration::from_secs(3);

/// Pause between two looks at the task, whose limit the jobs share (DescribeTasks: 20 a second).
const LOOK_PAUSE: Duration = Duration::from_secs(6);

/// How long after it was printed AWS's log driver may send a line.
const FLUSH: Duration = Duration::from_secs(5);

/// How long after its job a task is waited for that AWS does not show as stopped.
const LONGEST_END: Duration = Duration::from_secs(5 * 60);

/// What tells an event from others: its words may change while more becomes known.
type Key = (u64, EventKind, Option<String>);

/// An attempt that is followed.
struct Followed {
    attempt: Attempt,
    /// What was printed of its story, and when it began.
    told: HashSet<Key>,
    begun: Option<u64>,
    streams: Vec<Stream>,
    /// How many tasks it had when its streams were looked up.
    tasks: usize,
    looked_at: Instant,
    /// Since when it has no record.
    over_since: Option<Instant>,
}

/// Follows an attempt whose story so far was printed.
pub(super) async fn follow(aws: &Aws, records: &Records, attempt: Attempt) -> Result<()> {
    let events = story(&attempt);
    let mut followed = Followed {
        begun: events.first().map(|event| event.at),
        told: events.iter().map(key).collect(),
        attempt,
        streams: Vec::new(),
        tasks: 0,
        looked_at: Instant::now(),
        over_since: None,
    };
    loop {
        followed.show(aws).await?;
        if followed.is_over() {
            sleep(FLUSH).await;
            followed.show(aws).await?;
            return print::unread(&followed.streams);
        }
        sleep(PAUSE).await;
        followed.renew(aws, records).await?;
    }
}

fn key(event: &Event) -> Key {
    (event.at, event.kind, event.task.clone())
}

impl Followed {
    fn is_over(&self) -> bool {
        let is_late = self
            .over_since
            .is_some_and(|since| since.elapsed() >= LONGEST_END);
        self.attempt.is_over() || is_late
    }

    /// Prints what is new.
    async fn show(&mut self, aws: &Aws) -> Result<()> {
        let mut events = story(&self.attempt);
        self.begun = self.begun.or(events.first().map(|event| event.at));
        events.retain(|event| self.told.insert(key(event)));
        print::events(&events, self.begun)?;
        let tasks = self.attempt.entry.tasks.len();
        if tasks > self.tasks {
            let (streams, unasked) = streams(aws, &self.attempt).await;
            let new = streams.into_iter().filter(|stream| {
                let mut known = self.streams.iter();
                !known.any(|known| known.stream == stream.stream)
            });
            let new: Vec<_> = new.collect();
            self.streams.extend(new);
            self.tasks = tasks;
            print::not_known(&unasked)?;
        }
        print::output(&mut self.streams).await
    }

    /// Reads the record again, or the line of the ledger in its place, and now and then asks AWS.
    async fn renew(&mut self, aws: &Aws, records: &Records) -> Result<()> {
        if self.attempt.is_recorded {
            let now = find::again(records, &self.attempt)?;
            let looks = std::mem::take(&mut self.attempt.looks);
            match now {
                Some(now) => self.attempt = now,
                // Without a ledger nothing is left of it.
                None => self.attempt.is_recorded = false,
            }
            looks.into_iter().for_each(|look| self.attempt.see(look));
        }
        if !self.attempt.is_recorded {
            self.over_since.get_or_insert_with(Instant::now);
        }
        let has_new_task = self.attempt.entry.tasks.len() > self.tasks;
        if has_new_task || self.looked_at.elapsed() >= LOOK_PAUSE {
            self.looked_at = Instant::now();
            if let Some(unasked) = look(aws, &mut self.attempt).await {
                tracing::debug!("{unasked}");
            }
        }
        Ok(())
    }
}
