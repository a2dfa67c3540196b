//! Finds frames in a stream of bytes.

use std::time::Duration;

use super::frame::{
    ATTACH, ATTACHED, CANCEL, EXITED, FAILED, HEAD, LONGEST_MESSAGE, LONGEST_PIECE, Malformed,
    RECEIVED, REFUSED, SCRIPT, SCRIPT_END, SIGNALLED, STDERR, STDOUT, is_piece,
};
use super::message::{Attach, FromAgent, Stream, ToAgent};

/// Finds the frames in the bytes that arrive, however they are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The bytes that have arrived of a head, or of a frame that is not a piece.
    gathered: Vec<u8>,
    /// Kind of the piece that is arriving, and how many bytes of it are missing.
    piece: Option<(u8, usize)>,
}

/// A frame's kind and payload.
enum Payload<'a> {
    Piece(u8, &'a [u8]),
    Message(u8, Vec<u8>),
}

impl Decoder {
    /// Takes the driver's next frame out of `input`; `None` when `input` is used up.
    ///
    /// # Errors
    /// When the driver may not send such a frame. Nothing after it can be decoded.
    pub fn to_agent<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<ToAgent<'a>>, Malformed> {
        let (kind, payload) = match self.next(input)? {
            None => return Ok(None),
            Some(Payload::Piece(SCRIPT, piece)) => return Ok(Some(ToAgent::Script(piece))),
            Some(Payload::Piece(kind, piece)) => return Err(malformed(kind, piece)),
            Some(Payload::Message(kind, payload)) => (kind, payload),
        };
        let mut fields = payload.as_slice();
        let frame = match kind {
            ATTACH => take_attach(&mut fields).map(ToAgent::Attach),
            SCRIPT_END => Some(ToAgent::ScriptEnd),
            RECEIVED => take_number(&mut fields).map(ToAgent::Received),
            CANCEL => take_duration(&mut fields).map(ToAgent::Cancel),
            _ => None,
        };
        match frame {
            Some(frame) if fields.is_empty() => Ok(Some(frame)),
            _ => Err(malformed(kind, &payload)),
        }
    }

    /// Takes the agent's next frame out of `input`; `None` when `input` is used up.
    ///
    /// # Errors
    /// When the agent may not send such a frame. Nothing after it can be decoded.
    pub fn from_agent<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<FromAgent<'a>>, Malformed> {
        let (kind, payload) = match self.next(input)? {
            None => return Ok(None),
            Some(Payload::Piece(STDOUT, piece)) => {
                return Ok(Some(FromAgent::Output(Stream::Stdout, piece)));
            }
            Some(Payload::Piece(STDERR, piece)) => {
                return Ok(Some(FromAgent::Output(Stream::Stderr, piece)));
            }
            Some(Payload::Piece(kind, piece)) => return Err(malformed(kind, piece)),
            Some(Payload::Message(kind, payload)) => (kind, payload),
        };
        let text = || String::from_utf8_lossy(&payload).into_owned();
        let number = || payload.as_slice().try_into().ok().map(u32::from_be_bytes);
        let frame = match kind {
            ATTACHED => payload.as_slice().try_into().ok().map(|bytes| {
                let received = u64::from_be_bytes(bytes);
                FromAgent::Attached { received }
            }),
            REFUSED => Some(FromAgent::Refused(text())),
            EXITED => number().map(FromAgent::Exited),
            SIGNALLED => number().map(FromAgent::Signalled),
            FAILED => Some(FromAgent::Failed(text())),
            _ => None,
        };
        frame.map(Some).ok_or_else(|| malformed(kind, &payload))
    }

    /// Takes the next frame, or the next part of a piece, out of `input`.
    fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Payload<'a>>, Malformed> {
        loop {
            if let Some((kind, missing)) = self.piece {
                let Some((piece, rest)) = input.split_at_checked(missing.min(input.len())) else {
                    return Ok(None);
                };
                if piece.is_empty() && missing > 0 {
                    return Ok(None);
                }
                *input = rest;
                self.piece =
                    Some((kind, missing - piece.len())).filter(|(_, missing)| *missing > 0);
                if !piece.is_empty() {
                    return Ok(Some(Payload::Piece(kind, piece)));
                }
            }
            if !self.gather(HEAD, input) {
                return Ok(None);
            }
            let Some([kind, length @ ..]) = self.gathered.first_chunk::<HEAD>().copied() else {
                return Ok(None);
            };
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if is_piece(kind) {
                if length > LONGEST_PIECE {
                    return Err(Malformed { kind, length });
                }
                self.gathered.clear();
                self.piece = Some((kind, length));
                continue;
            }
            if length > LONGEST_MESSAGE {
                return Err(Malformed { kind, length });
            }
            if !self.gather(HEAD + length, input) {
                return Ok(None);
            }
            let payload = self.gathered.split_off(HEAD);
            self.gathered.clear();
            return Ok(Some(Payload::Message(kind, payload)));
        }
    }

    /// Gathers bytes from `input` until there are `enough`; returns whether there are.
    fn gather(&mut self, enough: usize, input: &mut &[u8]) -> bool {
        let missing = enough.saturating_sub(self.gathered.len());
        if let Some((taken, rest)) = input.split_at_checked(missing.min(input.len())) {
            self.gathered.extend_from_slice(taken);
            *input = rest;
        }
        self.gathered.len() >= enough
    }
}

fn malformed(kind: u8, payload: &[u8]) -> Malformed {
    Malformed {
        kind,
        length: payload.len(),
    }
}

fn take_attach(fields: &mut &[u8]) -> Option<Attach> {
    Some(Attach {
        script: take(fields)?,
        resumed: match take(fields)? {
            [0] => false,
            [1] => true,
            _ => return None,
        },
        received: take_number(fields)?,
        patience: take_duration(fields)?,
    })
}

fn take_number(fields: &mut &[u8]) -> Option<u64> {
    take(fields).map(u64::from_be_bytes)
}

fn take_duration(fields: &mut &[u8]) -> Option<Duration> {
    take_number(fields).map(Duration::from_millis)
}

/// Takes the next field, of `LENGTH` bytes.
fn take<const LENGTH: usize>(fields: &mut &[u8]) -> Option<[u8; LENGTH]> {
    let (field, rest) = fields.split_first_chunk()?;
    *fields = rest;
    Some(*field)
}

#[cfg(test)]
mod tests;
