//! The frames of a script, on either side.

use bytes::Bytes;
use fargate_wire::script::{Decoder, FromAgent, ToAgent};

use crate::intake::{Intake, Step};

/// Decodes the same bytes at once and in pieces, as either side: the meaning may not depend on how they were cut. The
/// first byte says how long the pieces are.
pub fn check(input: &[u8]) {
    let Some((&length, bytes)) = input.split_first() else {
        return;
    };
    let length = usize::from(length).max(1);
    for decode in [to_agent, from_agent] {
        let whole = decode(&[bytes]);
        let cut: Vec<_> = bytes.chunks(length).collect();
        assert_eq!(whole, decode(&cut), "cut into pieces of {length}");
    }
    take_in(bytes, length);
}

/// The frames in plain words, with pieces of one stream that follow each other put together, and whether that was all.
type Decoded = (Vec<(String, Vec<u8>)>, bool);

fn note(frames: &mut Vec<(String, Vec<u8>)>, name: &str, bytes: &[u8]) {
    match frames.last_mut() {
        Some((last, known)) if last == name => known.extend_from_slice(bytes),
        _ => frames.push((name.to_owned(), bytes.to_vec())),
    }
}

fn to_agent(pieces: &[&[u8]]) -> Decoded {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.to_agent(&mut piece) {
                Ok(Some(ToAgent::Script(bytes))) => note(&mut frames, "script", bytes),
                Ok(Some(frame)) => {
                    let encoded = frame.encode();
                    let again = Decoder::default()
                        .to_agent(&mut encoded.as_slice())
                        .map(|_| ());
                    assert_eq!(again, Ok(()), "{frame:?}");
                    frames.push((format!("{frame:?}"), Vec::new()));
                }
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
        assert!(piece.is_empty(), "something was left");
    }
    (frames, true)
}

fn from_agent(pieces: &[&[u8]]) -> Decoded {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.from_agent(&mut piece) {
                Ok(Some(FromAgent::Output(stream, bytes))) => {
                    note(&mut frames, &format!("{stream:?}"), bytes);
                }
                Ok(Some(frame)) => frames.push((format!("{frame:?}"), Vec::new())),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
        assert!(piece.is_empty(), "something was left");
    }
    (frames, true)
}

/// What the driver does with them.
fn take_in(bytes: &[u8], length: usize) {
    let mut intake = Intake::default();
    for piece in bytes.chunks(length) {
        intake.push(Bytes::copy_from_slice(piece));
        while let Ok(Step::Output(..)) = intake.next() {
            assert!(intake.given() <= intake.received());
        }
    }
    assert_eq!(intake.received(), bytes.len() as u64);
}
