//! What has come of a script's log and has not been passed on.
//!
//! Everything that comes is taken in at once, so that a slow reader of the job's output does not keep us from hearing
//! the agent's other words. The agent sends only so much ahead ([`fargate_wire::script::WINDOW`]).

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use fargate_wire::script::{Decoder, FromAgent, Malformed, Stream};

/// What comes in messages shorter than this is put together: each costs more than its bytes.
const CRUMB: usize = 4 * 1024;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Pass this on.
    Output(Stream, Bytes),
    /// The script has ended, and no output of it is missing.
    Ended(End),
    /// Wait for more.
    Wait,
}

/// How the script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Exited(u32),
    Signalled(u32),
    Failed(String),
}

/// The log as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Intake {
    waiting: VecDeque<Bytes>,
    /// What came after those.
    crumbs: BytesMut,
    decoder: Decoder,
    received: u64,
    /// Bytes whose frames have been given out.
    given: u64,
}

impl Intake {
    /// How many bytes there were so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// How many of them have been given out.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Takes in what came.
    pub(super) fn push(&mut self, data: Bytes) {
        self.received += data.len() as u64;
        if data.len() < CRUMB {
            self.crumbs.extend_from_slice(&data);
        } else {
            self.bake();
            self.waiting.push_back(data);
        }
    }

    /// Makes one piece of the crumbs.
    fn bake(&mut self) {
        if !self.crumbs.is_empty() {
            self.waiting.push_back(self.crumbs.split().freeze());
        }
    }

    /// Gives out what is next.
    ///
    /// # Errors
    ///
    /// When the agent sent what it may not.
    pub(super) fn next(&mut self) -> Result<Step, Malformed> {
        loop {
            if self.waiting.is_empty() {
                self.bake();
            }
            let Some(piece) = self.waiting.front_mut() else {
                return Ok(Step::Wait);
            };
            let mut rest = piece.as_ref();
            let step = match self.decoder.from_agent(&mut rest)? {
                None => None,
                Some(FromAgent::Output(stream, output)) => {
                    Some(Step::Output(stream, piece.slice_ref(output)))
                }
                Some(FromAgent::Exited(status)) => Some(Step::Ended(End::Exited(status))),
                Some(FromAgent::Signalled(number)) => Some(Step::Ended(End::Signalled(number))),
                Some(FromAgent::Failed(why)) => Some(Step::Ended(End::Failed(why))),
                Some(FromAgent::Attached { .. } | FromAgent::Refused(_)) => {
                    let why = "the agent answered twice".to_owned();
                    Some(Step::Ended(End::Failed(why)))
                }
            };
            let used = piece.len() - rest.len();
            self.given += used as u64;
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
        let long = vec![b'x'; 3 * CRUMB];
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
        for length in [1, 7, 100, CRUMB, 2 * CRUMB, log.len()] {
            let mut intake = Intake::default();
            for piece in log.chunks(length) {
                intake.push(Bytes::copy_from_slice(piece));
            }
            assert_eq!(intake.received(), log.len() as u64);
            let mut outputs = [Vec::new(), Vec::new()];
            let end = loop {
                match intake.next().unwrap() {
                    Step::Output(Stream::Stdout, piece) => outputs[0].extend_from_slice(&piece),
                    Step::Output(Stream::Stderr, piece) => outputs[1].extend_from_slice(&piece),
                    Step::Ended(end) => break end,
                    Step::Wait => panic!("it waits for more than there is"),
                }
            };
            assert!(outputs == expected, "in pieces of {length}");
            assert_eq!(end, End::Exited(7));
            assert_eq!(intake.given(), intake.received());
            assert_eq!(intake.next(), Ok(Step::Wait));
        }
    }
}
