//! What a container writes: its end is kept for whoever looks, and all of it goes to a log stream if its definition
//! says so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::logs::Stream;

/// How much of a container's output is kept.
const KEPT: usize = 64 * 1024;

/// What becomes an event at most; longer lines become several (CloudWatch Logs: PutLogEvents, less what an event counts
/// beside its message).
const EVENT: usize = 256 * 1024 - 26;

/// The output of a container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    end: VecDeque<u8>,
    log: Option<Stream>,
}

/// One of the two streams that an output comes from: only there lines are whole.
#[derive(Debug)]
pub(crate) struct Writer {
    output: Output,
    line: Vec<u8>,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it written to a log stream, too, from now on.
    pub(super) fn log_to(&self, stream: Stream) {
        self.lock().log = Some(stream);
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer {
            output: self.clone(),
            line: Vec::new(),
        }
    }

    /// What is kept of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().end.iter().copied().collect()
    }
}

impl Writer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut kept = self.output.lock();
        kept.end.extend(bytes);
        let excess = kept.end.len().saturating_sub(KEPT);
        kept.end.drain(..excess);
        let Some(log) = &kept.log else {
            return;
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            self.line.extend(text);
            while self.line.len() > EVENT {
                log.push(&self.line.drain(..EVENT).collect::<Vec<_>>());
            }
            if ends {
                put(log, &mut self.line);
            }
        }
    }
}

/// As the log driver does it: a line that ends with its stream is one, too.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(log) = &self.output.lock().log {
            put(log, &mut self.line);
        }
    }
}

/// Makes a line an event. An empty one is none: CloudWatch takes no empty message.
fn put(log: &Stream, line: &mut Vec<u8>) {
    if !line.is_empty() {
        log.push(line);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_output_is_kept() {
        let output = Output::default();
        let mut writer = output.writer();
        for n in 0..20_000 {
            writer.push(format!("{n:09}\n").as_bytes());
        }
        let kept = output.bytes();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.ends_with(b"000019999\n"));
    }
}
