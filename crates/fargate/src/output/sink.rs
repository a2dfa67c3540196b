//! The destination of a stream's bytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

/// The destination of bytes.
#[derive(Debug)]
pub(super) enum Sink {
    /// A pipe that this process opened anew, so that non-blocking mode concerns no other process.
    Pipe(pipe::Sender),
    /// Anything else.
    Direct(File),
}

impl Sink {
    /// Writes some of `bytes`. Nothing is written when the future is dropped while it waits.
    pub(super) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(sender) => sender.write(bytes).await,
            Self::Direct(file) => file.write(bytes),
        }
    }

    /// A pipe's descriptor, once more.
    pub(super) fn pipe(&self) -> Option<OwnedFd> {
        match self {
            Self::Pipe(sender) => sender.as_fd().try_clone_to_owned().ok(),
            Self::Direct(_) => None,
        }
    }

    /// The same destination, opened once more.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Pipe(sender) => Self::Pipe(pipe::Sender::from_owned_fd(
                sender.as_fd().try_clone_to_owned()?,
            )?),
            Self::Direct(file) => Self::Direct(file.try_clone()?),
        })
    }
}
