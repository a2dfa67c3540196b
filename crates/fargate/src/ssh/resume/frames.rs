//! Frames of a script: what is taken from the agent, and what is sent next.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::{Buf, Bytes};
use fargate_wire::script::{
    ACKNOWLEDGEMENT_STEP, Attach, Decoder, FromAgent, HEAD, ToAgent, WINDOW, script_head,
};

use super::{ResumableScript, unintelligible, unreadable};
use crate::error::Result;
use crate::ssh::ending::{STOP_GRACE, StopStep};
use crate::ssh::sending::{Sent, Upload};
use crate::text::plain;

/// Piece of the script that is sent at a time: with its head one SSH packet.
const PIECE: usize = 32 * 1024 - HEAD;

/// Most bytes that may have come and not been passed on. Our agent never comes near. A server that sends more would
/// fill the manager's memory.
const FLOOD: u64 = 2 * WINDOW;

impl ResumableScript<'_> {
    /// Takes in data; returns the agent's reason if it refuses.
    pub(super) fn take_in(
        &mut self,
        mut data: Bytes,
        answer: &mut Option<Decoder>,
        sent: &mut Sent,
    ) -> Result<Option<String>> {
        if let Some(decoder) = answer {
            let mut rest = data.as_ref();
            match decoder.from_agent(&mut rest).map_err(unintelligible)? {
                None => return Ok(None),
                Some(FromAgent::Attached { received }) => {
                    self.known = true;
                    if received > self.uploaded {
                        self.uploaded = received;
                        self.moved();
                    }
                    if sent.upload == Upload::Unknown {
                        let sought = self.script.seek(SeekFrom::Start(received));
                        sought.map_err(|error| unreadable(&error))?;
                        sent.upload = Upload::Next;
                    }
                }
                Some(FromAgent::Refused(why)) => return Ok(Some(plain(&why))),
                Some(_) => return Ok(Some("the agent answers something else".to_owned())),
            }
            data.advance(data.len() - rest.len());
            *answer = None;
        }
        if !data.is_empty() {
            self.moved();
        }
        self.log.push(data);
        if self.log.received() - self.passed_on() > FLOOD {
            return Err(unintelligible("it sends more than it may"));
        }
        Ok(None)
    }

    /// The next frame to send, the most urgent first.
    pub(super) fn next_frame(&mut self, sent: &mut Sent) -> Result<Option<Vec<u8>>> {
        if !sent.attach {
            sent.attach = true;
            let attach = Attach {
                script: self.id,
                resumed: self.known,
                received: self.log.received(),
                patience: self.patience,
            };
            return Ok(Some(ToAgent::Attach(attach).encode()));
        }
        if self.step > sent.step {
            sent.step = self.step;
            let grace = match self.step {
                StopStep::Kill => Duration::ZERO,
                StopStep::NotAsked | StopStep::Terminate => STOP_GRACE,
            };
            return Ok(Some(ToAgent::Cancel(grace).encode()));
        }
        let passed_on = self.passed_on();
        let is_due = match sent.acknowledged {
            // An acknowledgement on the previous connection may not have arrived.
            None => passed_on > 0,
            Some(acknowledged) => passed_on - acknowledged >= ACKNOWLEDGEMENT_STEP,
        };
        if is_due {
            sent.acknowledged = Some(passed_on);
            return Ok(Some(ToAgent::Received(passed_on).encode()));
        }
        if sent.upload != Upload::Next {
            return Ok(None);
        }
        // From a local file in small pieces: it needs no thread of its own.
        let mut frame = vec![0; HEAD + PIECE];
        let room = frame.get_mut(HEAD..).unwrap_or_default();
        let length = self.script.read(room).map_err(|error| unreadable(&error))?;
        if length == 0 {
            sent.upload = Upload::Complete;
            return Ok(Some(ToAgent::ScriptEnd.encode()));
        }
        frame.truncate(HEAD + length);
        if let Some(head) = frame.first_chunk_mut() {
            *head = script_head(length);
        }
        Ok(Some(frame))
    }
}
