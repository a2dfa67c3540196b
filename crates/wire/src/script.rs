//! Scripts that outlive their connection: what driver and agent say on a channel of the SSH subsystem [`SUBSYSTEM`].
//!
//! Both directions are sequences of frames: one byte for the kind, four for the length of what follows (the highest
//! first), and that.
//!
//! The driver begins with [`Attach`], which names the script by a number it has chosen. The agent starts it, or finds
//! that it already runs, and answers with [`FromAgent::Attached`] or [`FromAgent::Refused`]. What the agent sends
//! after that is the script's **log**: its output, and in the end how it ended. The bytes of the log, heads of frames
//! included, are numbered from 0, and the numbers go on over all connections of the script: `Attach` says how many the
//! driver has, and the agent goes on from there. [`ToAgent::Received`] says how many it has and has passed on; the
//! agent keeps all others. When that is all of them, end included, the agent forgets the script and closes.
//!
//! In the same way `Attached` says how many bytes of the script the agent has, and the driver goes on from there. Only
//! then may it send any, but at the first connection of all, where it knows that there are none.
//!
//! The agent sends no more than [`WINDOW`] bytes ahead of what was received, so the driver can take in all that comes
//! at any time without being flooded, and a connection on which nothing comes is a dead one, not a slow one.

use std::time::Duration;

/// Name of the SSH subsystem.
pub const SUBSYSTEM: &str = "script@fargate-agent";

/// Bytes of the log that the agent sends before they are acknowledged, but for the rest of a piece: enough for 50 MB/s
/// from 2 ms away, and what each of a manager's runs may have in memory.
pub const WINDOW: u64 = 128 * 1024;

/// Length of the head of a frame.
pub const HEAD: usize = 5;

/// Longest piece of a script or of output in one frame.
pub const LONGEST_PIECE: usize = 1024 * 1024;

/// Longest payload of any other frame.
const LONGEST_MESSAGE: usize = 1024;

/// Names a script: chosen at random by the driver, so that no two are the same.
pub type RunId = [u8; 16];

/// The driver's first frame on each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attach {
    /// Which script.
    pub run: RunId,
    /// Whether the agent has answered for this script before. It is not started then, should the agent not know it.
    pub resumed: bool,
    /// How many bytes of the log the driver has.
    pub received: u64,
    /// How long the script may go on without a connection.
    pub patience: Duration,
}

/// What the driver sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToAgent<'a> {
    /// Begins.
    Attach(Attach),
    /// The next piece of the script; perhaps not all of what was sent as one.
    Script(&'a [u8]),
    /// The script has no more bytes.
    ScriptEnd,
    /// Number of bytes of the log that the driver has passed on.
    Received(u64),
    /// End the script: SIGTERM to its process group, and SIGKILL to what is left after this time.
    Cancel(Duration),
}

/// One of a script's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What the agent sends: one of the first two, and then the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAgent<'a> {
    /// The script runs, or has run, and the agent has so many bytes of it.
    Attached {
        /// Bytes of the script.
        script: u64,
    },
    /// There is no such script, or it cannot go on, and this is why.
    Refused(String),
    /// The next piece of output; perhaps not all of what was sent as one.
    Output(Stream, &'a [u8]),
    /// The script has ended with this status.
    Exited(u32),
    /// The script was ended by the signal with this number.
    Signalled(u32),
    /// Nothing is known of the script's end, and this is why.
    Failed(String),
}

const ATTACH: u8 = 1;
const SCRIPT: u8 = 2;
const SCRIPT_END: u8 = 3;
const RECEIVED: u8 = 4;
const CANCEL: u8 = 5;
const ATTACHED: u8 = 16;
const REFUSED: u8 = 17;
const STDOUT: u8 = 32;
const STDERR: u8 = 33;
const EXITED: u8 = 34;
const SIGNALLED: u8 = 35;
const FAILED: u8 = 36;

fn is_piece(kind: u8) -> bool {
    matches!(kind, SCRIPT | STDOUT | STDERR)
}

/// Head of a frame with so many bytes of output, for whoever has room before them.
#[must_use]
pub fn output_head(stream: Stream, length: usize) -> [u8; HEAD] {
    let kind = match stream {
        Stream::Stdout => STDOUT,
        Stream::Stderr => STDERR,
    };
    head(kind, length)
}

/// Head of a frame with so many bytes of the script.
#[must_use]
pub fn script_head(length: usize) -> [u8; HEAD] {
    head(SCRIPT, length)
}

fn head(kind: u8, length: usize) -> [u8; HEAD] {
    // No payload comes near the limit of the field.
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [kind, a, b, c, d]
}

fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(HEAD + length);
    frame.extend_from_slice(&head(kind, length));
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

fn text(kind: u8, text: &str) -> Vec<u8> {
    let mut end = text.len().min(LONGEST_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    frame(kind, &[text.as_bytes().get(..end).unwrap_or_default()])
}

fn milliseconds(time: Duration) -> [u8; 8] {
    u64::try_from(time.as_millis())
        .unwrap_or(u64::MAX)
        .to_be_bytes()
}

impl ToAgent<'_> {
    /// As it is sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Attach(attach) => frame(
                ATTACH,
                &[
                    &attach.run,
                    &[u8::from(attach.resumed)],
                    &attach.received.to_be_bytes(),
                    &milliseconds(attach.patience),
                ],
            ),
            Self::Script(piece) => frame(SCRIPT, &[piece]),
            Self::ScriptEnd => frame(SCRIPT_END, &[]),
            Self::Received(bytes) => frame(RECEIVED, &[&bytes.to_be_bytes()]),
            Self::Cancel(grace) => frame(CANCEL, &[&milliseconds(*grace)]),
        }
    }
}

impl FromAgent<'_> {
    /// As it is sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Attached { script } => frame(ATTACHED, &[&script.to_be_bytes()]),
            Self::Refused(why) => text(REFUSED, why),
            Self::Output(Stream::Stdout, piece) => frame(STDOUT, &[piece]),
            Self::Output(Stream::Stderr, piece) => frame(STDERR, &[piece]),
            Self::Exited(status) => frame(EXITED, &[&status.to_be_bytes()]),
            Self::Signalled(number) => frame(SIGNALLED, &[&number.to_be_bytes()]),
            Self::Failed(why) => text(FAILED, why),
        }
    }
}

/// What came is not what the other side may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    kind: u8,
    length: usize,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, length } = self;
        write!(
            f,
            "a frame of kind {kind} with {length} bytes is not understood"
        )
    }
}

impl std::error::Error for Malformed {}

/// Finds the frames in what arrives, however it is cut.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The start of a frame that is not a piece, as far as it is there.
    gathered: Vec<u8>,
    /// Kind of the piece that is being passed on, and how much of it is missing.
    piece: Option<(u8, usize)>,
}

/// A frame's kind and payload.
enum Found<'a> {
    Piece(u8, &'a [u8]),
    Message(u8, Vec<u8>),
}

impl Decoder {
    /// The next frame of the driver's in `input`, which is shortened by it; `None` when it is used up.
    ///
    /// # Errors
    /// When the driver sends no such thing. Nothing after that can be understood.
    pub fn to_agent<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<ToAgent<'a>>, Malformed> {
        let (kind, payload) = match self.next(input)? {
            None => return Ok(None),
            Some(Found::Piece(SCRIPT, piece)) => return Ok(Some(ToAgent::Script(piece))),
            Some(Found::Piece(kind, piece)) => return Err(malformed(kind, piece)),
            Some(Found::Message(kind, payload)) => (kind, payload),
        };
        let mut fields = payload.as_slice();
        let frame = match kind {
            ATTACH => (|| {
                Some(ToAgent::Attach(Attach {
                    run: take(&mut fields)?,
                    resumed: match take(&mut fields)? {
                        [0] => false,
                        [1] => true,
                        _ => return None,
                    },
                    received: u64::from_be_bytes(take(&mut fields)?),
                    patience: Duration::from_millis(u64::from_be_bytes(take(&mut fields)?)),
                }))
            })(),
            SCRIPT_END => Some(ToAgent::ScriptEnd),
            RECEIVED => take(&mut fields).map(|bytes| ToAgent::Received(u64::from_be_bytes(bytes))),
            CANCEL => take(&mut fields)
                .map(|time| ToAgent::Cancel(Duration::from_millis(u64::from_be_bytes(time)))),
            _ => None,
        };
        match frame {
            Some(frame) if fields.is_empty() => Ok(Some(frame)),
            _ => Err(malformed(kind, &payload)),
        }
    }

    /// The next frame of the agent's in `input`, which is shortened by it; `None` when it is used up.
    ///
    /// # Errors
    /// When the agent sends no such thing. Nothing after that can be understood.
    pub fn from_agent<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<FromAgent<'a>>, Malformed> {
        let (kind, payload) = match self.next(input)? {
            None => return Ok(None),
            Some(Found::Piece(STDOUT, piece)) => {
                return Ok(Some(FromAgent::Output(Stream::Stdout, piece)));
            }
            Some(Found::Piece(STDERR, piece)) => {
                return Ok(Some(FromAgent::Output(Stream::Stderr, piece)));
            }
            Some(Found::Piece(kind, piece)) => return Err(malformed(kind, piece)),
            Some(Found::Message(kind, payload)) => (kind, payload),
        };
        let words = || String::from_utf8_lossy(&payload).into_owned();
        let number = || payload.as_slice().try_into().ok().map(u32::from_be_bytes);
        let frame = match kind {
            ATTACHED => payload
                .as_slice()
                .try_into()
                .ok()
                .map(|script| FromAgent::Attached {
                    script: u64::from_be_bytes(script),
                }),
            REFUSED => Some(FromAgent::Refused(words())),
            EXITED => number().map(FromAgent::Exited),
            SIGNALLED => number().map(FromAgent::Signalled),
            FAILED => Some(FromAgent::Failed(words())),
            _ => None,
        };
        frame.map(Some).ok_or_else(|| malformed(kind, &payload))
    }

    fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Found<'a>>, Malformed> {
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
                    return Ok(Some(Found::Piece(kind, piece)));
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
            return Ok(Some(Found::Message(kind, payload)));
        }
    }

    /// Takes from `input` until so much is gathered; whether it is.
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

/// The next field of so many bytes.
fn take<const LENGTH: usize>(fields: &mut &[u8]) -> Option<[u8; LENGTH]> {
    let (field, rest) = fields.split_first_chunk()?;
    *fields = rest;
    Some(*field)
}

#[cfg(test)]
mod tests;
