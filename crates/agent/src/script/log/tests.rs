use fargate_wire::script::Decoder;

use super::*;

const MB: usize = 1_000_000;

/// Deterministic bytes without a period, which could hide a mistake in their order.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

/// A piece as it is read from a pipe, with room for a head.
pub(super) fn piece(content: &[u8]) -> BytesMut {
    let mut piece = BytesMut::zeroed(HEAD);
    piece.extend_from_slice(content);
    piece
}

/// Appends; returns false if that would wait.
async fn append(log: &ScriptLog, content: &[u8]) -> bool {
    let mut piece = piece(content);
    let appending = log.append_output(Stream::Stdout, &mut piece);
    tokio::select! {
        biased;
        () = appending => true,
        () = std::future::ready(()) => false,
    }
}

/// Takes the bytes that a driver that has `received` can have now.
fn take(log: &ScriptLog, received: &mut u64, into: &mut Vec<u8>) -> bool {
    match log.kept().next(*received).unwrap() {
        Next::Bytes(bytes) => {
            *received += bytes.len() as u64;
            into.extend_from_slice(&bytes);
            true
        }
        Next::Wait | Next::Over => false,
    }
}

/// The output in these frames.
fn output(frames: &[u8]) -> Vec<u8> {
    let (mut decoder, mut rest, mut output) = (Decoder::default(), frames, Vec::new());
    while let Some(frame) = decoder.from_agent(&mut rest).unwrap() {
        if let FromAgent::Output(Stream::Stdout, piece) = frame {
            output.extend_from_slice(piece);
        }
    }
    output
}

#[tokio::test]
async fn a_driver_that_is_slow_holds_the_script_back_in_memory() {
    let log = ScriptLog::new();
    log.set_attached(true);
    let (mut appended, piece) = (0, 60_000);
    while append(&log, &noise(piece)).await {
        appended += piece as u64;
        assert!(appended <= IN_MEMORY);
    }
    assert!(appended + 2 * piece as u64 > IN_MEMORY && log.kept().file.is_none());
    let (mut received, mut frames) = (0, Vec::new());
    while take(&log, &mut received, &mut frames) {}
    assert!(
        received >= WINDOW && received < WINDOW + PIECE as u64,
        "{received} bytes were sent ahead"
    );
    assert!(!append(&log, &noise(60_000)).await);
    assert!(log.acknowledge(received));
    assert!(append(&log, &noise(60_000)).await);
}

#[tokio::test]
async fn without_a_driver_it_goes_to_a_file_and_comes_back_whole_from_anywhere() {
    let sent = noise(10 * MB);
    let log = ScriptLog::new();
    let (mut received, mut frames) = (0, Vec::new());
    // Pieces of all sizes, short ones among them.
    let mut rest = sent.as_slice();
    for size in [3, 17, 5000, 60_000, 1, 4095, 4096, 30_000]
        .into_iter()
        .cycle()
    {
        let (content, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        assert!(append(&log, content).await);
        if rest.is_empty() {
            break;
        }
    }
    assert!(log.kept().file.is_some());
    log.complete(&FromAgent::Exited(0)).await;
    log.set_attached(true);
    let mut lost = 0;
    while received < log.kept().end {
        let before = received;
        let mut now = Vec::new();
        assert!(take(&log, &mut received, &mut now));
        lost += 1;
        if lost % 5 == 0 {
            // This one never arrived whole: it is asked for again from its middle.
            received = before + (received - before) / 2;
            now.truncate((received - before) as usize);
        }
        frames.extend_from_slice(&now);
        if lost % 2 == 0 {
            // Acknowledged up to somewhere.
            assert!(log.acknowledge(received - received % 1000 / 2));
        }
    }
    assert!(output(&frames) == sent);
    assert!(!log.acknowledge(received + 1));
    assert!(log.acknowledge(received));
    assert_eq!(log.next(received).await.unwrap(), Next::Over);
    let kept = log.kept();
    assert!(kept.file.is_none() && kept.memory.is_empty());
}

#[tokio::test]
async fn the_file_is_bounded_and_room_in_it_is_used_again_only_when_it_is_read() {
    let log = ScriptLog::new();
    let block = noise(60_000);
    let mut appended = 0_u64;
    while append(&log, &block).await {
        appended += 60_000;
        assert!(appended < IN_FILE + 2 * IN_MEMORY);
    }
    assert!(appended > IN_FILE);
    log.set_attached(true);
    let half = appended / 2;
    assert!(log.acknowledge(half));
    assert!(
        !append(&log, &block).await,
        "the driver has much to catch up with"
    );
    let end = log.kept().end;
    assert!(log.acknowledge(end));
    assert!(append(&log, &block).await);
    assert!(log.kept().file.is_none());
}

#[tokio::test]
async fn what_was_acknowledged_takes_no_room_on_disk_however_often_the_driver_was_lost() {
    use std::os::unix::fs::MetadataExt;
    let log = ScriptLog::new();
    let block = noise(60_000);
    let (mut received, mut frames) = (0, Vec::new());
    // Each time the driver comes back, it is lost again before it has caught up.
    for _ in 0..10 {
        log.set_attached(false);
        for _ in 0..50 {
            assert!(append(&log, &block).await);
        }
        log.set_attached(true);
        while received + 2 * MB as u64 <= log.kept().end {
            assert!(take(&log, &mut received, &mut frames));
            assert!(log.acknowledge(received));
        }
        let kept = log.kept();
        let file = &kept.file.as_ref().unwrap().file;
        let on_disk = file.metadata().unwrap().blocks() * 512;
        assert!(on_disk < 8 * MB as u64, "{on_disk} bytes on disk");
    }
    while take(&log, &mut received, &mut frames) {
        assert!(log.acknowledge(received));
    }
    assert!(output(&frames) == block.repeat(500));
    assert!(log.kept().file.is_none());
}

#[tokio::test]
async fn short_pieces_are_joined_until_they_are_sent() {
    let log = ScriptLog::new();
    for _ in 0..10_000 {
        assert!(append(&log, b"x").await);
    }
    let (mut received, mut frames) = (0, Vec::new());
    assert!(take(&log, &mut received, &mut frames));
    assert!(frames.len() > 20_000);
    assert!(log.kept().memory.len() < 10);
    while take(&log, &mut received, &mut frames) {}
    assert_eq!(output(&frames), vec![b'x'; 10_000]);
}
