//! Log groups and streams: the state of CloudWatch Logs, which containers write to and callers read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::MutexGuard;
use std::time::Duration;

use crate::guarded::Guarded;
use crate::timestamp::Timestamp;

/// Most bytes of a stream that are kept.
const MAX_STREAM: usize = 4 * 1024 * 1024;

/// The size of an event beside its message (CloudWatch Logs: PutLogEvents).
pub(crate) const EVENT_OVERHEAD: usize = 26;

/// The log groups of all regions.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogGroups(Guarded<BTreeMap<String, RegionLogGroups>>);

/// The log groups of a region, by name.
pub(crate) type RegionLogGroups = BTreeMap<String, LogGroup>;

/// A log group: its streams, by name.
#[derive(Debug, Default)]
pub(crate) struct LogGroup {
    pub(crate) streams: BTreeMap<String, LogStream>,
}

impl LogGroups {
    /// Reads or changes the log groups of a region.
    pub(crate) fn in_region<T>(
        &self,
        region: &str,
        act: impl FnOnce(&mut RegionLogGroups) -> T,
    ) -> T {
        act(self.0.lock().entry(region.to_owned()).or_default())
    }
}

/// A log stream: the output of one container, as events.
#[derive(Clone, Debug)]
pub(crate) struct LogStream {
    events: Guarded<LogEvents>,
    /// The time until readers see an event: the log driver collects output before it sends it.
    delay: Duration,
}

/// The events of a stream. They are numbered from 0; the numbers of dropped events are not used again.
#[derive(Debug)]
pub(crate) struct LogEvents {
    pub(crate) created: Timestamp,
    first: u64,
    kept: VecDeque<LogEvent>,
    size: usize,
}

/// A line of output.
#[derive(Clone, Debug)]
pub(crate) struct LogEvent {
    pub(crate) written: Timestamp,
    pub(crate) ingested: Timestamp,
    pub(crate) message: String,
}

impl LogEvent {
    /// Its size, as CloudWatch Logs counts.
    pub(crate) fn size(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD
    }
}

impl LogStream {
    pub(crate) fn new(delay: Duration) -> Self {
        Self {
            events: Guarded::new(LogEvents {
                created: Timestamp::now(),
                first: 0,
                kept: VecDeque::new(),
                size: 0,
            }),
            delay,
        }
    }

    /// Its events.
    pub(crate) fn events(&self) -> MutexGuard<'_, LogEvents> {
        self.events.lock()
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut events = self.events.lock();
        // Clocks can be set back, but a stream is in the order of its times.
        let last = events.kept.back().map(|event| event.written);
        let written = Timestamp::now().max(last.unwrap_or_default());
        let event = LogEvent {
            written,
            ingested: written.after(self.delay),
            message: String::from_utf8_lossy(line).into_owned(),
        };
        events.size += event.size();
        events.kept.push_back(event);
        while events.size > MAX_STREAM
            && let Some(oldest) = events.kept.pop_front()
        {
            events.size -= oldest.size();
            events.first += 1;
        }
    }
}

impl LogEvents {
    /// The events that readers see at `now`, each with its number.
    pub(crate) fn readable(&self, now: Timestamp) -> impl Iterator<Item = (u64, &LogEvent)> {
        (self.first..)
            .zip(&self.kept)
            .take_while(move |(_, event)| event.ingested <= now)
    }
}
