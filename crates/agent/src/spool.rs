//! What a command has been sent on standard input and has not read yet.
//!
//! SSH's answer to a slow reader is not to open the window further. russh opens it as data arrives, and offers
//! only to stop reading the whole connection instead. That would hold up everything else on it: signals,
//! keepalives, other channels, and the window for output, so that a command which writes before it reads on
//! would stand still for ever. So data is always taken: into memory first, and into a file without a name from
//! there on. Memory stays flat; the disk takes what the client sends too soon.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::scratch;

/// Bytes kept in memory. Scripts are hardly ever larger.
const IN_MEMORY: usize = 1024 * 1024;

/// Bytes read from the file at a time.
const PIECE: u64 = 64 * 1024;

/// A new spool: what goes into the writer comes out of the reader, in order.
pub(crate) fn spool() -> (Writer, Reader) {
    let shared = Arc::new(Shared::default());
    (Writer(Arc::clone(&shared)), Reader(shared))
}

/// The side of the SSH channel. Dropping it is not an end of file: half a script must not pass for a whole one.
pub(crate) struct Writer(Arc<Shared>);

/// The side of the command.
pub(crate) struct Reader(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    memory: VecDeque<Bytes>,
    in_memory: usize,
    /// What came after what is in memory; there only as long as it holds something unread.
    overflow: Option<Overflow>,
    ended: bool,
    failed: Option<io::Error>,
    /// Nobody reads any more: whatever comes is dropped.
    abandoned: bool,
}

struct Overflow {
    file: File,
    read: u64,
    written: u64,
}

impl Shared {
    /// The queue; no code that holds the lock can leave it half changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Adds `data`. A failure to store it is told to the reader, whose command can no longer be right.
    pub(crate) fn write(&self, data: &[u8]) {
        self.change(|queue| {
            if let Err(error) = queue.push(data) {
                queue.failed = Some(error);
            }
        });
    }

    /// Says that nothing will come any more.
    pub(crate) fn end(&self) {
        self.change(|queue| queue.ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.0.queue());
        self.0.changed.notify_one();
    }
}

impl Reader {
    /// The next piece; `None` at the end. Waits for ever when the writer has gone without an end.
    pub(crate) async fn read(&self) -> io::Result<Option<Bytes>> {
        loop {
            {
                let mut queue = self.0.queue();
                if let Some(error) = queue.failed.take() {
                    return Err(error);
                }
                if let Some(data) = queue.pop()? {
                    return Ok(Some(data));
                }
                if queue.ended {
                    return Ok(None);
                }
            }
            self.0.changed.notified().await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        *queue = Queue {
            abandoned: true,
            ..Queue::default()
        };
    }
}

impl Queue {
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
            none => none.insert(Overflow::new()?),
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

impl Overflow {
    fn new() -> io::Result<Self> {
        Ok(Self {
            file: scratch::file()?,
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

    /// Deterministic bytes without a period that a mistake in order could hide behind.
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
        // Reads a little between writes, so that the file is begun, read to its end and begun again.
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
    async fn nothing_is_kept_for_a_reader_that_has_gone() {
        let (writer, reader) = spool();
        drop(reader);
        writer.write(&bytes(IN_MEMORY));
        assert_eq!(writer.0.queue().in_memory, 0);
    }
}
