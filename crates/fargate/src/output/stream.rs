//! A standard stream, to which a script's output goes.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;

use tokio::net::unix::pipe;

use super::aside::{Aside, LineAccess};
use super::sink::Sink;
use super::turns::Turn;

/// One of the two streams.
#[derive(Debug)]
pub(crate) struct Output {
    sink: Sink,
    /// Shared with the writer of lines in between, if there is one.
    access: Option<Rc<LineAccess>>,
    /// Its part in the order of both streams, where they are two pipes.
    turn: Option<Turn>,
}

impl Output {
    /// Standard output and standard error, in that order; must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the process lacks one.
    pub(crate) fn both() -> io::Result<[Self; 2]> {
        const PATHS: [&str; 2] = ["/proc/self/fd/1", "/proc/self/fd/2"];
        let [out, err] = PATHS;
        let mut stdout = Self::open(io::stdout().as_fd(), out)?;
        let mut stderr = Self::open(io::stderr().as_fd(), err)?;
        let place = |path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        // One pipe for both keeps the order by itself.
        if place(out) != place(err)
            && let (Some(out), Some(err)) = (stdout.sink.pipe(), stderr.sink.pipe())
        {
            let [of_stdout, of_stderr] = Turn::of_both(out, err);
            (stdout.turn, stderr.turn) = (Some(of_stdout), Some(of_stderr));
        }
        Ok([stdout, stderr])
    }

    fn open(inherited: BorrowedFd<'_>, path: &str) -> io::Result<Self> {
        Ok(Self::new(
            match pipe::OpenOptions::new().open_sender(path) {
                Ok(sender) => Sink::Pipe(sender),
                // No pipe, or no /proc.
                Err(_) => Sink::Direct(File::from(inherited.try_clone_to_owned()?)),
            },
        ))
    }

    fn new(sink: Sink) -> Self {
        Self {
            sink,
            access: None,
            turn: None,
        }
    }

    /// A writer of lines in between, which never break a line that is written here.
    ///
    /// # Errors
    ///
    /// When the stream cannot be opened once more.
    pub(crate) fn aside(&mut self) -> io::Result<Aside> {
        let access = self.access.get_or_insert_default();
        Ok(Aside::new(self.sink.again()?, access.clone()))
    }

    /// Writes some of `bytes`, and returns how many. Nothing is written when the future is dropped while it waits.
    ///
    /// # Errors
    ///
    /// When the stream has no reader any more.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(turn) = &self.turn {
            turn.wait().await;
        }
        let Some(access) = &self.access else {
            return self.sink.write_some(bytes).await;
        };
        let bytes = access.take(bytes).await;
        let length = self.sink.write_some(bytes).await?;
        access.wrote(
            bytes
                .split_at_checked(length)
                .map_or(bytes, |(done, _)| done),
        );
        Ok(length)
    }
}

/// The last line stays unfinished.
impl Drop for Output {
    fn drop(&mut self) {
        if let Some(access) = &self.access {
            access.end();
        }
    }
}
