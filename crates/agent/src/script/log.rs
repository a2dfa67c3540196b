//! A script's output that its driver has not acknowledged, in the frames in which it is sent.
//!
//! While a driver is attached, the log keeps little in memory, and the script waits for a slow driver. While none is
//! attached, the rest goes to a file, so that the script continues; it waits when the file has reached its limit or the
//! disk is full. Once a driver has caught up, the rest of the file comes back into memory, and the script continues.
//! The log never drops a byte that was not acknowledged, and never waits for an acknowledgement that the driver may
//! hold back.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use fargate_wire::script::{ACKNOWLEDGEMENT_STEP, FromAgent, HEAD, Stream, WINDOW, output_head};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::sync::watch;

use crate::scratch_file;
use crate::shell::process::{OutputSink, READ, SinkClosed};

/// Bytes kept in memory: as many as may be in flight, and as many again to continue with.
const IN_MEMORY: u64 = 2 * WINDOW;

// A driver that has everything may leave up to a step unacknowledged. The next piece must fit beside that.
const _: () = assert!(ACKNOWLEDGEMENT_STEP + (HEAD + READ) as u64 <= IN_MEMORY);

/// Bytes kept in the file beyond those, while no driver is attached.
const IN_FILE: u64 = 256 * 1024 * 1024;

/// Bytes read from the file at a time.
const PIECE: usize = 64 * 1024;

/// Acknowledged bytes of the file that are given back to the disk at a time.
const FREED: u64 = 1024 * 1024;

/// Pieces shorter than this are joined, because each that is kept and sent costs more than its bytes.
const SHORT: usize = 4 * 1024;

/// Bytes of short pieces that are joined at most.
const JOINED: usize = 32 * 1024;

/// The log of one script.
pub(crate) struct ScriptLog {
    kept: Mutex<KeptLog>,
    /// Changes whenever a waiting task may be able to continue.
    changed: watch::Sender<()>,
}

/// The bytes that were not acknowledged.
#[derive(Default)]
struct KeptLog {
    /// Number of the first byte that is kept.
    first: u64,
    /// Pieces, each with the number of its first byte.
    memory: VecDeque<(u64, Bytes)>,
    /// Short pieces, joined; they follow those in `memory`.
    joined: BytesMut,
    /// Number of the first byte that is not in memory.
    in_memory_to: u64,
    /// The bytes that follow; it exists only while it holds any.
    file: Option<LogFile>,
    /// Number of bytes so far.
    end: u64,
    /// No more bytes will follow.
    complete: bool,
    /// Whether a driver is attached.
    attached: bool,
}

/// Bytes of the log from number `start` on.
struct LogFile {
    file: File,
    start: u64,
    /// Bytes from the beginning of the file that were given back to the disk.
    freed: u64,
}

/// The next thing that the log has for a driver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Bytes(Bytes),
    /// Nothing until more bytes are added or acknowledged.
    Wait,
    /// Nothing more: the driver has acknowledged everything.
    Over,
}

impl ScriptLog {
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Adds the output in `buffer`, which begins with room for a head, once the log has room for it.
    pub(crate) async fn append_output(&self, stream: Stream, buffer: &mut BytesMut) {
        let head = output_head(stream, buffer.len().saturating_sub(HEAD));
        if let Some(room) = buffer.first_chunk_mut() {
            *room = head;
        }
        self.append(buffer).await;
    }

    /// Adds the end of the script, once the log has room for it.
    pub(crate) async fn complete(&self, end: &FromAgent<'_>) {
        self.append(&mut BytesMut::from(end.encode().as_slice()))
            .await;
        self.change(|kept| kept.complete = true);
    }

    async fn append(&self, piece: &mut BytesMut) {
        let mut changed = self.changed.subscribe();
        while !self.kept().push(piece) {
            // Never fails: the sender is ours.
            changed.changed().await.ok();
        }
        self.changed.send_replace(());
    }

    /// Notes whether a driver is attached.
    pub(crate) fn set_attached(&self, attached: bool) {
        self.change(|kept| kept.attached = attached);
    }

    /// Forgets the bytes that the driver has. Returns false if the log holds fewer bytes.
    pub(crate) fn acknowledge(&self, received: u64) -> bool {
        let mut kept = self.kept();
        let possible = received <= kept.end;
        if possible {
            kept.forget_to(received);
        }
        drop(kept);
        self.changed.send_replace(());
        possible
    }

    /// Whether a driver that has `received` bytes can continue from there.
    pub(crate) fn has(&self, received: u64) -> bool {
        let kept = self.kept();
        (kept.first..=kept.end).contains(&received)
    }

    /// Returns the next bytes for a driver that has `received`, as soon as it has any to send.
    pub(crate) async fn next(&self, received: u64) -> io::Result<Next> {
        let mut changed = self.changed.subscribe();
        loop {
            let next = self.kept().next(received)?;
            if next != Next::Wait {
                return Ok(next);
            }
            changed.changed().await.unwrap_or_default();
        }
    }

    /// Resolves when the log is complete and acknowledged.
    pub(crate) async fn over(&self) {
        let mut changed = self.changed.subscribe();
        while !self.kept().is_over() {
            changed.changed().await.unwrap_or_default();
        }
    }

    fn change(&self, change: impl FnOnce(&mut KeptLog)) {
        change(&mut self.kept());
        self.changed.send_replace(());
    }

    /// Locks the bytes. No code that holds the lock can leave them half changed.
    fn kept(&self) -> MutexGuard<'_, KeptLog> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputSink for ScriptLog {
    const HEAD: usize = HEAD;

    async fn pass(&self, stream: Stream, buffer: &mut BytesMut) -> Result<(), SinkClosed> {
        self.append_output(stream, buffer).await;
        Ok(())
    }
}

impl KeptLog {
    fn is_over(&self) -> bool {
        self.complete && self.first == self.end
    }

    /// Adds `piece`, if there is room for it.
    fn push(&mut self, piece: &mut BytesMut) -> bool {
        let length = piece.len() as u64;
        let kept = self.end - self.first;
        let fits = kept == 0 || kept + length <= IN_MEMORY;
        if fits && self.read_file_back().is_ok() {
            self.push_to_memory(piece);
        } else if self.attached
            || self.end - self.in_memory_to + length > IN_FILE
            // A full disk may have room later. Until then the script waits.
            || self.push_to_file(piece).is_err()
        {
            return false;
        }
        self.end += length;
        true
    }

    fn push_to_memory(&mut self, piece: &mut BytesMut) {
        if piece.len() < SHORT {
            if self.joined.capacity() - self.joined.len() < piece.len() {
                self.queue_joined();
                self.joined.reserve(JOINED);
            }
            self.joined.extend_from_slice(piece);
            self.in_memory_to += piece.len() as u64;
        } else {
            self.queue_joined();
            let (start, piece) = (self.in_memory_to, piece.split().freeze());
            self.in_memory_to += piece.len() as u64;
            self.memory.push_back((start, piece));
        }
    }

    fn queue_joined(&mut self) {
        if !self.joined.is_empty() {
            let piece = self.joined.split().freeze();
            let start = self.in_memory_to - piece.len() as u64;
            self.memory.push_back((start, piece));
        }
    }

    fn push_to_file(&mut self, piece: &[u8]) -> io::Result<()> {
        let overflow = match &mut self.file {
            Some(overflow) => overflow,
            none => none.insert(LogFile {
                file: scratch_file::create()?,
                start: self.end,
                freed: 0,
            }),
        };
        let written = overflow.file.write_all_at(piece, self.end - overflow.start);
        if written.is_err() && overflow.start == self.end {
            self.file = None;
        }
        written
    }

    /// Takes the bytes of the file into memory, and gives up the file.
    ///
    /// A driver that has caught up acknowledges the last bytes only when more follow, so nothing may wait until the
    /// file is acknowledged to its end.
    fn read_file_back(&mut self) -> io::Result<()> {
        let Some(overflow) = self.file.take() else {
            return Ok(());
        };
        self.queue_joined();
        while self.in_memory_to < self.end {
            let start = self.in_memory_to;
            let piece = match overflow.read(start, self.end) {
                Ok(piece) => piece,
                Err(error) => {
                    self.file = Some(overflow);
                    return Err(error);
                }
            };
            self.in_memory_to += piece.len() as u64;
            self.memory.push_back((start, piece));
        }
        Ok(())
    }

    fn next(&mut self, received: u64) -> io::Result<Next> {
        if self.is_over() {
            return Ok(Next::Over);
        }
        if received >= self.end || received >= self.first + WINDOW {
            return Ok(Next::Wait);
        }
        self.queue_joined();
        if received < self.in_memory_to {
            let after = self.memory.partition_point(|(start, _)| *start <= received);
            let found = after
                .checked_sub(1)
                .and_then(|index| self.memory.get(index));
            return Ok(match found {
                Some((start, piece)) => Next::Bytes(piece.slice(size(received - start)..)),
                None => Next::Wait,
            });
        }
        match &self.file {
            Some(overflow) => overflow.read(received, self.end).map(Next::Bytes),
            None => Ok(Next::Wait),
        }
    }

    fn forget_to(&mut self, received: u64) {
        if received <= self.first {
            return;
        }
        self.first = received;
        if received >= self.in_memory_to {
            self.memory.clear();
            self.joined.clear();
            self.in_memory_to = received;
        }
        while let Some((start, piece)) = self.memory.front_mut()
            && *start < received
        {
            let surplus = size(received - *start).min(piece.len());
            piece.advance(surplus);
            *start += surplus as u64;
            if piece.is_empty() {
                self.memory.pop_front();
            }
        }
        if self.first == self.end {
            self.file = None;
        }
        if let Some(overflow) = &mut self.file {
            overflow.free_to(received);
        }
    }
}

impl LogFile {
    /// Reads a piece of the log from number `from` on, where the log ends at `end`.
    fn read(&self, from: u64, end: u64) -> io::Result<Bytes> {
        let mut piece = vec![0; size(end - from).min(PIECE)];
        self.file.read_exact_at(&mut piece, from - self.start)?;
        Ok(piece.into())
    }

    /// Gives the bytes of the file before byte `received` of the log back to the disk.
    ///
    /// A driver that is lost again and again before it has caught up never reaches the end of the file, which would
    /// otherwise grow to the size of the whole output.
    fn free_to(&mut self, received: u64) {
        let done = received.saturating_sub(self.start) / FREED * FREED;
        if done > self.freed {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // A file system that does not support this keeps the bytes, and nothing is lost.
            fallocate(&self.file, flags, self.freed, done - self.freed).ok();
            self.freed = done;
        }
    }
}

/// Converts the length of something in memory.
fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
