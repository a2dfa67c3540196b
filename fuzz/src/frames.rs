//! The frames of a script, as driver and agent decode them.

use bytes::Bytes;
use fargate_wire::script::{Decoder, FromAgent, LogReader, LogStep, ToAgent};

/// Decodes the same bytes as a whole and in pieces, on both sides: the result must not depend on the cuts.
///
/// The first byte is the length of the pieces.
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
    read_log(bytes, length);
}

/// The frames as text, with adjacent pieces of one stream joined, and whether all bytes could be decoded.
type Decoded = (Vec<(String, Vec<u8>)>, bool);

fn push(frames: &mut Vec<(String, Vec<u8>)>, name: &str, bytes: &[u8]) {
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
                Ok(Some(ToAgent::Script(bytes))) => push(&mut frames, "script", bytes),
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
        assert!(piece.is_empty(), "the decoder left bytes unread");
    }
    (frames, true)
}

fn from_agent(pieces: &[&[u8]]) -> Decoded {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.from_agent(&mut piece) {
                Ok(Some(FromAgent::Output(stream, bytes))) => {
                    push(&mut frames, &format!("{stream:?}"), bytes);
                }
                Ok(Some(frame)) => frames.push((format!("{frame:?}"), Vec::new())),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
        assert!(piece.is_empty(), "the decoder left bytes unread");
    }
    (frames, true)
}

/// Reads the bytes as the driver reads a log.
fn read_log(bytes: &[u8], length: usize) {
    let mut log = LogReader::default();
    for piece in bytes.chunks(length) {
        log.push(Bytes::copy_from_slice(piece));
        while let Ok(LogStep::Output(..)) = log.step() {
            assert!(log.decoded() <= log.received());
        }
    }
    assert_eq!(log.received(), bytes.len() as u64);
}
