//! One of the standard streams, as the script that runs writes to it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use tokio::net::unix::pipe;

use super::aside::{Aside, LineAccess};
use super::sink::Sink;

/// One of the two streams.
#[derive(Debug)]
pub(crate) struct Output {
    sink: Sink,
    /// Shared with who else has lines to say here, if anybody has.
    turns: Option<Rc<LineAccess>>,
}

impl Output {
    /// Standard output; must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the process has none.
    pub(crate) fn stdout() -> io::Result<Self> {
        Self::open(io::stdout().as_fd(), "/proc/self/fd/1")
    }

    /// Standard error; must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the process has none.
    pub(crate) fn stderr() -> io::Result<Self> {
        Self::open(io::stderr().as_fd(), "/proc/self/fd/2")
    }

    fn open(inherited: BorrowedFd<'_>, path: &str) -> io::Result<Self> {
        Ok(Self::of(match pipe::OpenOptions::new().open_sender(path) {
            Ok(sender) => Sink::Pipe(sender),
            // No pipe, or no /proc.
            Err(_) => Sink::Direct(File::from(inherited.try_clone_to_owned()?)),
        }))
    }

    fn of(sink: Sink) -> Self {
        Self { sink, turns: None }
    }

    /// A way to say lines in between, which never come in the middle of one that is written here.
    ///
    /// # Errors
    ///
    /// When the stream cannot be opened once more.
    pub(crate) fn aside(&mut self) -> io::Result<Aside> {
        let turns = self.turns.get_or_insert_default();
        Ok(Aside::new(self.sink.again()?, turns.clone()))
    }

    /// Writes some of `bytes`, and says how many. Nothing is written when this is dropped while it waits.
    ///
    /// # Errors
    ///
    /// When nobody reads any more.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(turns) = &self.turns else {
            return self.sink.write_some(bytes).await;
        };
        let bytes = turns.take(bytes).await;
        let length = self.sink.write_some(bytes).await?;
        turns.wrote(
            bytes
                .split_at_checked(length)
                .map_or(bytes, |(done, _)| done),
        );
        Ok(length)
    }

    /// Writes all of `bytes`; nothing is held back.
    ///
    /// # Errors
    ///
    /// When nobody reads any more.
    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = self.write_some(bytes).await?;
            bytes = match bytes.split_at_checked(length) {
                Some((_, rest)) if length > 0 => rest,
                _ => return Err(io::ErrorKind::WriteZero.into()),
            };
        }
        Ok(())
    }
}

/// Nobody will finish the last line.
impl Drop for Output {
    fn drop(&mut self) {
        if let Some(turns) = &self.turns {
            turns.end();
        }
    }
}
