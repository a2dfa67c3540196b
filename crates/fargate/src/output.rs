//! This process's standard output and error, as the runner reads them.
//!
//! A stage passes on what the job prints as it comes, byte for byte. Waiting for a slow reader must not keep it
//! from hearing signals, and tokio's own standard streams would start threads, so pipes are opened anew without
//! blocking; anything else (a file, a terminal) takes writes at once.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

/// One of the two streams.
#[derive(Debug)]
pub(crate) enum Output {
    /// A pipe, opened by us for ourselves: that it does not block is nobody else's business.
    Pipe(pipe::Sender),
    /// Anything else.
    Direct(File),
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
        match pipe::OpenOptions::new().open_sender(path) {
            Ok(sender) => Ok(Self::Pipe(sender)),
            // No pipe, or no /proc.
            Err(_) => Ok(Self::Direct(File::from(inherited.try_clone_to_owned()?))),
        }
    }

    /// Writes some of `bytes`, and says how many. Nothing is written when this is dropped while it waits.
    ///
    /// # Errors
    ///
    /// When nobody reads any more.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(sender) => sender.write(bytes).await,
            Self::Direct(file) => file.write(bytes),
        }
    }

    /// Writes all of `bytes`; nothing is held back.
    ///
    /// # Errors
    ///
    /// When nobody reads any more.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Pipe(sender) => sender.write_all(bytes).await,
            Self::Direct(file) => file.write_all(bytes),
        }
    }
}
