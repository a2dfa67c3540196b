//! The bytes of a frame: a head with kind and length, and the payload.

use std::time::Duration;

use super::message::{FromAgent, Stream, ToAgent};

/// Length of a frame's head.
pub const HEAD: usize = 5;

/// Longest piece of a script or of output in one frame.
pub const LONGEST_PIECE: usize = 1024 * 1024;

/// Longest payload of any other frame.
pub(super) const LONGEST_MESSAGE: usize = 1024;

pub(super) const ATTACH: u8 = 1;
pub(super) const SCRIPT: u8 = 2;
pub(super) const SCRIPT_END: u8 = 3;
pub(super) const RECEIVED: u8 = 4;
pub(super) const CANCEL: u8 = 5;
pub(super) const ATTACHED: u8 = 16;
pub(super) const REFUSED: u8 = 17;
pub(super) const STDOUT: u8 = 32;
pub(super) const STDERR: u8 = 33;
pub(super) const EXITED: u8 = 34;
pub(super) const SIGNALLED: u8 = 35;
pub(super) const FAILED: u8 = 36;

/// Whether frames of this kind carry a piece of a script or of output.
pub(super) fn is_piece(kind: u8) -> bool {
    matches!(kind, SCRIPT | STDOUT | STDERR)
}

/// Head of a frame with this many bytes of output, for a caller that has left room before them.
#[must_use]
pub fn output_head(stream: Stream, length: usize) -> [u8; HEAD] {
    let kind = match stream {
        Stream::Stdout => STDOUT,
        Stream::Stderr => STDERR,
    };
    head(kind, length)
}

/// Head of a frame with this many bytes of the script.
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

/// A frame with a text, which is cut where it is too long.
fn text_frame(kind: u8, text: &str) -> Vec<u8> {
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
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Attach(attach) => frame(
                ATTACH,
                &[
                    &attach.script,
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
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Attached { received } => frame(ATTACHED, &[&received.to_be_bytes()]),
            Self::Refused(reason) => text_frame(REFUSED, reason),
            Self::Output(Stream::Stdout, piece) => frame(STDOUT, &[piece]),
            Self::Output(Stream::Stderr, piece) => frame(STDERR, &[piece]),
            Self::Exited(status) => frame(EXITED, &[&status.to_be_bytes()]),
            Self::Signalled(number) => frame(SIGNALLED, &[&number.to_be_bytes()]),
            Self::Failed(reason) => text_frame(FAILED, reason),
        }
    }
}

/// The other side sent a frame that it may not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    pub(super) kind: u8,
    pub(super) length: usize,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, length } = self;
        write!(f, "unknown frame of kind {kind} with {length} bytes")
    }
}

impl std::error::Error for Malformed {}
