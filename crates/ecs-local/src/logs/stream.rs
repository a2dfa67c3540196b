//! A log stream: what a container wrote, as events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::task::Timestamp;

/// How much of a stream is kept.
const KEPT: usize = 4 * 1024 * 1024;

/// What an event counts beside its message (CloudWatch Logs: PutLogEvents).
pub(super) const OVERHEAD: usize = 26;

/// A stream, whoever writes to it or reads it.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    events: Arc<Mutex<Events>>,
    /// What passes until an event can be read: the log driver gathers what is written.
    delay: Duration,
}

/// The events of a stream. They are numbered from 0, also where the first ones are gone.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) created: Timestamp,
    first: u64,
    kept: VecDeque<Event>,
    size: usize,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) written: Timestamp,
    pub(super) ingested: Timestamp,
    pub(super) message: String,
}

impl Event {
    pub(super) fn size(&self) -> usize {
        self.message.len() + OVERHEAD
    }
}

impl Stream {
    pub(super) fn new(delay: Duration) -> Self {
        let events = Events {
            created: Timestamp::now(),
            first: 0,
            kept: VecDeque::new(),
            size: 0,
        };
        Self {
            events: Arc::new(Mutex::new(events)),
            delay,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut events = self.lock();
        // Clocks can be set back; a stream is in the order of its times.
        let last = events.kept.back().map(|event| event.written);
        let written = Timestamp::now().max(last.unwrap_or_default());
        let event = Event {
            written,
            ingested: written.after(self.delay),
            message: String::from_utf8_lossy(line).into_owned(),
        };
        events.size += event.size();
        events.kept.push_back(event);
        while events.size > KEPT
            && let Some(oldest) = events.kept.pop_front()
        {
            events.size -= oldest.size();
            events.first += 1;
        }
    }
}

impl Events {
    /// What can be read at `now`, each with its number.
    pub(super) fn readable(&self, now: Timestamp) -> impl Iterator<Item = (u64, &Event)> {
        (self.first..)
            .zip(&self.kept)
            .take_while(move |(_, event)| event.ingested <= now)
    }
}
