//! What a script has put out and its driver has not acknowledged, head by head and byte by byte as it is sent.
//!
//! While a driver is attached there is no more than a little in memory, and the script waits when the driver is
//! slow. While none is, the rest goes to a file, so that the script goes on; when that has its full size, or there
//! is no room for it, the script waits too. Nothing is ever dropped that was not acknowledged.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use fargate_wire::script::{FromAgent, HEAD, Stream, WINDOW, output_head};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::sync::watch;

use crate::execution::PIECE;
use crate::scratch;

/// Bytes kept in memory: what may be on its way, and as much to go on with.
const IN_MEMORY: u64 = 2 * WINDOW;

/// Bytes kept in the file beyond those, as long as no driver is attached.
const IN_FILE: u64 = 256 * 1024 * 1024;

/// Bytes of the file that are given back to the disk at a time, once they are acknowledged.
const FREED: u64 = 1024 * 1024;

/// Pieces shorter than this are put together, so that what comes in crumbs is neither kept nor sent in crumbs.
const CRUMB: usize = 4 * 1024;

/// Crumbs that are put together at most.
const LOAF: usize = 32 * 1024;

/// The output of one script.
pub(crate) struct Log {
    kept: Mutex<Kept>,
    /// Changes with everything that somebody may be waiting for.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    /// Number of the first byte that is kept.
    first: u64,
    /// Each with the number of its first byte.
    memory: VecDeque<(u64, Bytes)>,
    /// What came after those.
    crumbs: BytesMut,
    /// Number of the first byte that is not in memory.
    in_memory_to: u64,
    /// What came after what is in memory; there only as long as it holds something.
    file: Option<Overflow>,
    /// Number of bytes in all.
    end: u64,
    /// There will be no more.
    complete: bool,
    /// Whether a driver takes what is kept.
    attached: bool,
}

/// Bytes of the log from number `start` on.
struct Overflow {
    file: File,
    start: u64,
    /// Bytes of the file, from its beginning, that are given back to the disk.
    freed: u64,
}

/// What a driver that has come so far gets next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Bytes(Bytes),
    /// Nothing now.
    Wait,
    /// Nothing more: it has acknowledged all there is.
    Over,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Adds output, which follows the room for its head in `buffer`, once there is room for it.
    pub(crate) async fn append_output(&self, stream: Stream, buffer: &mut BytesMut) {
        let head = output_head(stream, buffer.len().saturating_sub(HEAD));
        if let Some(room) = buffer.first_chunk_mut() {
            *room = head;
        }
        self.append(buffer).await;
    }

    /// Adds how the script ended, once there is room for it.
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

    /// Says whether a driver takes what is kept.
    pub(crate) fn attach(&self, attached: bool) {
        self.change(|kept| kept.attached = attached);
    }

    /// Forgets what the driver has. False if it cannot have that much.
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

    /// Whether a driver with so many bytes can go on from there.
    pub(crate) fn has(&self, received: u64) -> bool {
        let kept = self.kept();
        (kept.first..=kept.end).contains(&received)
    }

    /// What a driver with so many bytes gets next, when there is something.
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

    /// Resolves when the driver has acknowledged everything.
    pub(crate) async fn over(&self) {
        let mut changed = self.changed.subscribe();
        while !self.kept().is_over() {
            changed.changed().await.unwrap_or_default();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept());
        self.changed.send_replace(());
    }

    /// The bytes; no code that holds the lock can leave them half changed.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_over(&self) -> bool {
        self.complete && self.first == self.end
    }

    /// Takes what is in `piece`, if there is room for it.
    fn push(&mut self, piece: &mut BytesMut) -> bool {
        let length = piece.len() as u64;
        let in_memory = self.in_memory_to - self.first;
        if self.file.is_none() && (in_memory == 0 || in_memory + length <= IN_MEMORY) {
            self.push_to_memory(piece);
        } else if self.attached
            || self.end - self.in_memory_to + length > IN_FILE
            // A disk that has no room may have some later. Until then the script waits.
            || self.push_to_file(piece).is_err()
        {
            return false;
        }
        self.end += length;
        true
    }

    fn push_to_memory(&mut self, piece: &mut BytesMut) {
        if piece.len() < CRUMB {
            if self.crumbs.capacity() - self.crumbs.len() < piece.len() {
                self.bake();
                self.crumbs.reserve(LOAF);
            }
            self.crumbs.extend_from_slice(piece);
            self.in_memory_to += piece.len() as u64;
        } else {
            self.bake();
            let (start, piece) = (self.in_memory_to, piece.split().freeze());
            self.in_memory_to += piece.len() as u64;
            self.memory.push_back((start, piece));
        }
    }

    /// Makes one piece of the crumbs.
    fn bake(&mut self) {
        if !self.crumbs.is_empty() {
            let piece = self.crumbs.split().freeze();
            let start = self.in_memory_to - piece.len() as u64;
            self.memory.push_back((start, piece));
        }
    }

    fn push_to_file(&mut self, piece: &[u8]) -> io::Result<()> {
        let overflow = match &mut self.file {
            Some(overflow) => overflow,
            none => none.insert(Overflow {
                file: scratch::file()?,
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

    fn next(&mut self, received: u64) -> io::Result<Next> {
        if self.is_over() {
            return Ok(Next::Over);
        }
        if received >= self.end || received >= self.first + WINDOW {
            return Ok(Next::Wait);
        }
        self.bake();
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
        let Some(overflow) = &self.file else {
            return Ok(Next::Wait);
        };
        let mut piece = vec![0; size(self.end - received).min(PIECE)];
        overflow
            .file
            .read_exact_at(&mut piece, received - overflow.start)?;
        Ok(Next::Bytes(piece.into()))
    }

    fn forget_to(&mut self, received: u64) {
        if received <= self.first {
            return;
        }
        self.first = received;
        if received >= self.in_memory_to {
            self.memory.clear();
            self.crumbs.clear();
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

impl Overflow {
    /// Gives back to the disk what is before byte `received` of the log. A driver that is lost again and again before it has
    /// caught up never comes to the file's end, and the file would grow to the size of the whole output.
    fn free_to(&mut self, received: u64) {
        let done = received.saturating_sub(self.start) / FREED * FREED;
        if done > self.freed {
            let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // Where a file system cannot do this there is no more room than before, and nothing lost.
            fallocate(&self.file, how, self.freed, done - self.freed).ok();
            self.freed = done;
        }
    }
}

/// A length that is known to be that of something in memory.
fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
