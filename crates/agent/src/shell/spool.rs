//! Standard input that a client has sent and its shell has not read yet.
//!
//! SSH handles a slow reader by not opening the window further. russh opens it as data arrives, and can only stop
//! reading the whole connection instead. That would block everything else on it: signals, keepalives, other channels,
//! and the window for output, so that a command that writes before it reads on would wait for ever. The agent therefore
//! accepts all data: into memory first, and beyond that into a file without a name. Memory stays flat; the disk takes
//! the data that the client sends too early.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::scratch_file;

/// Bytes kept in memory. Scripts are hardly ever larger.
const IN_MEMORY: usize = 1024 * 1024;

/// Bytes read from the file at a time.
const PIECE: u64 = 64 * 1024;

/// Creates a spool: the reader returns the data of the writer, in order.
pub(crate) fn spool() -> (SpoolWriter, SpoolReader) {
    let shared = Arc::new(Shared::default());
    (SpoolWriter(Arc::clone(&shared)), SpoolReader(shared))
}

/// The SSH channel's end. Dropping it is not the end of the data: half a script must not pass for a whole one.
pub(crate) struct SpoolWriter(Arc<Shared>);

/// The shell's end.
pub(crate) struct SpoolReader(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<SpoolQueue>,
    changed: Notify,
}

#[derive(Default)]
struct SpoolQueue {
    memory: VecDeque<Bytes>,
    in_memory: usize,
    /// The data that follows; it exists only while it holds unread data.
    overflow: Option<SpoolFile>,
    ended: bool,
    failed: Option<io::Error>,
    /// Nobody reads any more: further data is dropped.
    abandoned: bool,
}

struct SpoolFile {
    file: File,
    read: u64,
    written: u64,
}

impl Shared {
    /// Locks the queue. No code that holds the lock can leave the queue half changed.
    fn queue(&self) -> MutexGuard<'_, SpoolQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpoolWriter {
    /// Adds `data`. If it cannot be stored, the reader gets the error in its place, and nothing after it.
    pub(crate) fn write(&self, data: &[u8]) {
        self.change(|queue| {
            if let Err(error) = queue.push(data) {
                queue.failed = Some(error);
            }
        });
    }

    /// Marks the end of the data.
    pub(crate) fn end(&self) {
        self.change(|queue| queue.ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut SpoolQueue)) {
        change(&mut self.0.queue());
        self.0.changed.notify_one();
    }
}

impl SpoolReader {
    /// Returns the next piece; `None` at the end. Waits for ever when the writer was dropped before the end.
    pub(crate) async fn read(&self) -> io::Result<Option<Bytes>> {
        loop {
            {
                let mut queue = self.0.queue();
                if let Some(data) = queue.pop()? {
                    return Ok(Some(data));
                }
                if let Some(error) = queue.failed.take() {
                    // Data after the gap is of no use.
                    queue.abandoned = true;
                    return Err(error);
                }
                if queue.ended {
                    return Ok(None);
                }
            }
            self.0.changed.notified().await;
        }
    }
}

impl SpoolReader {
    /// Drops all data, also what is written later.
    pub(crate) fn abandon(&self) {
        *self.0.queue() = SpoolQueue {
            abandoned: true,
            ..SpoolQueue::default()
        };
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl SpoolQueue {
    fn push(&mut self, data: &[u8]) -> io::Result<()> {
        if self.abandoned || self.failed.is_some() || data.is_empty() {
            return Ok(());
        }
        if self.overflow.is_none() && self.in_memory + data.len() <= IN_MEMORY {
            self.in_memory += data.len();
            self.memory.push_back(Bytes::copy_from_slice(data));
            return Ok(());
        }
        let overflow = match &mut self.overflow {
            Some(overflow) => overflow,
            none => none.insert(SpoolFile::new()?),
        };
        overflow.push(data)
    }

    fn pop(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(data) = self.memory.pop_front() {
            self.in_memory -= data.len();
            return Ok(Some(data));
        }
        let Some(overflow) = &mut self.overflow else {
            return Ok(None);
        };
        let data = overflow.pop()?;
        if overflow.read == overflow.written {
            self.overflow = None;
        }
        Ok(Some(data))
    }
}

impl SpoolFile {
    fn new() -> io::Result<Self> {
        Ok(Self {
            file: scratch_file::create()?,
            read: 0,
            written: 0,
        })
    }

    fn push(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(data)?;
        self.written += data.len() as u64;
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Bytes> {
        let mut data = Vec::new();
        self.file.seek(SeekFrom::Start(self.read))?;
        let unread = self.written - self.read;
        (&self.file)
            .take(unread.min(PIECE))
            .read_to_end(&mut data)?;
        if data.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read += data.len() as u64;
        Ok(data.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic bytes without a period, which could hide a mistake in their order.
    fn bytes(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(length)
        .collect()
    }

    #[tokio::test]
    async fn what_is_written_is_read_in_order_across_memory_and_file() {
        let sent = bytes(5 * IN_MEMORY + 17);
        let (writer, reader) = spool();
        let mut received = Vec::new();
        // Reads a little between writes, so that the file is created, read to its end and created again.
        for (index, piece) in sent.chunks(50_000).enumerate() {
            writer.write(piece);
            let reads = if (index / 40) % 2 == 1 { 3 } else { 0 };
            for _ in 0..reads {
                if received.len() < (index + 1) * 50_000 {
                    received.extend_from_slice(&reader.read().await.unwrap().unwrap());
                }
            }
            assert!(writer.0.queue().in_memory <= IN_MEMORY);
        }
        assert!(
            writer.0.queue().overflow.is_some(),
            "the file was never used"
        );
        writer.end();
        while let Some(data) = reader.read().await.unwrap() {
            received.extend_from_slice(&data);
        }
        assert!(received == sent);
        assert!(
            writer.0.queue().overflow.is_none(),
            "the file outlives its use"
        );
    }

    #[tokio::test]
    async fn a_writer_that_goes_without_an_end_is_no_end() {
        let (writer, reader) = spool();
        writer.write(b"half a scr");
        drop(writer);
        assert_eq!(reader.read().await.unwrap().unwrap(), "half a scr");
        let mut read = Box::pin(reader.read());
        std::future::poll_fn(|context| {
            assert!(read.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn lost_data_is_missed_only_where_it_is_missing() {
        let (writer, reader) = spool();
        writer.write(b"before");
        writer.0.queue().failed = Some(io::ErrorKind::StorageFull.into());
        writer.write(b"after");
        writer.end();
        assert_eq!(reader.read().await.unwrap().unwrap(), "before");
        let error = reader.read().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        writer.write(b"later");
        assert_eq!(writer.0.queue().in_memory, 0);
    }

    #[tokio::test]
    async fn nothing_is_kept_for_a_reader_that_has_gone() {
        let (writer, reader) = spool();
        drop(reader);
        writer.write(&bytes(IN_MEMORY));
        assert_eq!(writer.0.queue().in_memory, 0);
    }
}
