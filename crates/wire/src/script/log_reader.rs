//! The driver's end of a script's log: everything that has arrived and has not been passed on.
//!
//! It takes every byte as it arrives, so that a slow reader of the job's output does not delay the agent.
//! The agent sends no more than [`WINDOW`](super::message::WINDOW) bytes ahead.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::decoder::Decoder;
use super::frame::Malformed;
use super::message::{FromAgent, Stream};

/// Messages shorter than this are joined, because each costs more than its bytes.
const SHORT: usize = 4 * 1024;

/// The next thing that the log has for the driver.
#[derive(Debug, PartialEq, Eq)]
pub enum LogStep {
    /// Output to pass on.
    Output(Stream, Bytes),
    /// The script has ended, and its output is complete.
    Ended(ScriptEnd),
    /// Nothing until more bytes arrive.
    Pending,
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptEnd {
    /// With this status.
    Exited(u32),
    /// By the signal with this number.
    Signalled(u32),
    /// Unknown, for this reason.
    Failed(String),
}

/// Decodes a log and counts its bytes.
#[derive(Debug, Default)]
pub struct LogReader {
    waiting: VecDeque<Bytes>,
    /// Short messages, joined; they follow those in `waiting`.
    joined: BytesMut,
    decoder: Decoder,
    received: u64,
    decoded: u64,
}

impl LogReader {
    /// Bytes of the log that have arrived.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes of the log that [`LogReader::step`] has returned, heads of frames included.
    #[must_use]
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Adds bytes that have arrived.
    pub fn push(&mut self, data: Bytes) {
        self.received += data.len() as u64;
        if data.len() < SHORT {
            self.joined.extend_from_slice(&data);
        } else {
            self.queue_joined();
            self.waiting.push_back(data);
        }
    }

    fn queue_joined(&mut self) {
        if !self.joined.is_empty() {
            self.waiting.push_back(self.joined.split().freeze());
        }
    }

    /// Decodes the next step.
    ///
    /// # Errors
    /// When the agent sent a frame that it may not send.
    pub fn step(&mut self) -> Result<LogStep, Malformed> {
        loop {
            if self.waiting.is_empty() {
                self.queue_joined();
            }
            let Some(piece) = self.waiting.front_mut() else {
                return Ok(LogStep::Pending);
            };
            let mut rest = piece.as_ref();
            let step = match self.decoder.from_agent(&mut rest)? {
                None => None,
                Some(FromAgent::Output(stream, output)) => {
                    Some(LogStep::Output(stream, piece.slice_ref(output)))
                }
                Some(FromAgent::Exited(status)) => Some(LogStep::Ended(ScriptEnd::Exited(status))),
                Some(FromAgent::Signalled(number)) => {
                    Some(LogStep::Ended(ScriptEnd::Signalled(number)))
                }
                Some(FromAgent::Failed(reason)) => Some(LogStep::Ended(ScriptEnd::Failed(reason))),
                Some(FromAgent::Attached { .. } | FromAgent::Refused(_)) => {
                    let reason = "the agent answered twice".to_owned();
                    Some(LogStep::Ended(ScriptEnd::Failed(reason)))
                }
            };
            let used = piece.len() - rest.len();
            self.decoded += used as u64;
            piece.advance(used);
            if piece.is_empty() {
                self.waiting.pop_front();
            }
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_in_is_given_out_in_order_and_counted() {
        let long = vec![b'x'; 3 * SHORT];
        let frames = [
            FromAgent::Output(Stream::Stdout, b"one "),
            FromAgent::Output(Stream::Stderr, b"two "),
            FromAgent::Output(Stream::Stdout, &long),
            FromAgent::Output(Stream::Stderr, b"three"),
            FromAgent::Exited(7),
        ];
        let log: Vec<u8> = frames.iter().flat_map(FromAgent::encode).collect();
        let expected = {
            let mut both = [b"one ".to_vec(), b"two ".to_vec()];
            both[0].extend_from_slice(&long);
            both[1].extend_from_slice(b"three");
            both
        };
        for length in [1, 7, 100, SHORT, 2 * SHORT, log.len()] {
            let mut reader = LogReader::default();
            for piece in log.chunks(length) {
                reader.push(Bytes::copy_from_slice(piece));
            }
            assert_eq!(reader.received(), log.len() as u64);
            let mut outputs = [Vec::new(), Vec::new()];
            let end = loop {
                match reader.step().unwrap() {
                    LogStep::Output(Stream::Stdout, piece) => outputs[0].extend_from_slice(&piece),
                    LogStep::Output(Stream::Stderr, piece) => outputs[1].extend_from_slice(&piece),
                    LogStep::Ended(end) => break end,
                    LogStep::Pending => panic!("it waits although the log is complete"),
                }
            };
            assert!(outputs == expected, "in pieces of {length}");
            assert_eq!(end, ScriptEnd::Exited(7));
            assert_eq!(reader.decoded(), reader.received());
            assert_eq!(reader.step(), Ok(LogStep::Pending));
        }
    }
}
