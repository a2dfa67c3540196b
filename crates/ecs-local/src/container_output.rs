//! The output of a container. The stand-in keeps the end of it, and sends all of it to a log stream if the definition
//! names one.

use std::collections::VecDeque;

use crate::guarded::Guarded;
use crate::log_groups::{EVENT_OVERHEAD, LogStream};

/// The number of bytes that are kept.
const TAIL: usize = 64 * 1024;

/// The longest message of an event. A longer line becomes several events (CloudWatch Logs: PutLogEvents).
const MAX_MESSAGE: usize = 256 * 1024 - EVENT_OVERHEAD;

/// The output of a container.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContainerOutput(Guarded<OutputTail>);

#[derive(Debug, Default)]
struct OutputTail {
    bytes: VecDeque<u8>,
    log: Option<LogStream>,
}

/// Standard output or standard error: lines are whole only within one of them.
#[derive(Debug)]
pub(crate) struct OutputWriter {
    output: ContainerOutput,
    line: Vec<u8>,
}

impl ContainerOutput {
    /// Sends later output to a log stream as well.
    pub(crate) fn log_to(&self, stream: LogStream) {
        self.0.lock().log = Some(stream);
    }

    pub(crate) fn writer(&self) -> OutputWriter {
        OutputWriter {
            output: self.clone(),
            line: Vec::new(),
        }
    }

    /// The end of the output.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().bytes.iter().copied().collect()
    }
}

impl OutputWriter {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut tail = self.output.0.lock();
        tail.bytes.extend(bytes);
        let excess = tail.bytes.len().saturating_sub(TAIL);
        tail.bytes.drain(..excess);
        let Some(log) = &tail.log else {
            return;
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            self.line.extend(text);
            while self.line.len() > MAX_MESSAGE {
                log.push(&self.line.drain(..MAX_MESSAGE).collect::<Vec<_>>());
            }
            if ends {
                push_line(log, &mut self.line);
            }
        }
    }
}

/// The last line may have no line break. It becomes an event, as with the log driver.
impl Drop for OutputWriter {
    fn drop(&mut self) {
        if let Some(log) = &self.output.0.lock().log {
            push_line(log, &mut self.line);
        }
    }
}

/// Makes a line an event. CloudWatch takes no empty message, so an empty line makes none.
fn push_line(log: &LogStream, line: &mut Vec<u8>) {
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
        let output = ContainerOutput::default();
        let mut writer = output.writer();
        for n in 0..20_000 {
            writer.push(format!("{n:09}\n").as_bytes());
        }
        let kept = output.bytes();
        assert_eq!(kept.len(), TAIL);
        assert!(kept.ends_with(b"000019999\n"));
    }
}
