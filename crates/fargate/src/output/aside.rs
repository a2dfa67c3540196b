//! Lines between those of a stream that a script writes.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::sink::Sink;

/// Most bytes that a pipe takes as a whole or not at all (Linux: PIPE_BUF), less a line end before them.
pub(crate) const WHOLE: usize = 4096 - 1;

/// Bound of the wait for the end of an unfinished line.
///
/// A script that prints a dot a second while it waits for its database must not hide the database's output for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Access of two writers to one stream that keeps their lines whole. Both run in one thread, so its state holds until
/// the next await.
#[derive(Debug, Default)]
pub(super) struct LineAccess {
    /// A line was begun and is not finished.
    open: Cell<bool>,
    /// The unfinished line has no writer any more.
    ended: Cell<bool>,
    /// A line waits to be written between two others.
    waits: Cell<bool>,
    changed: Notify,
}

impl LineAccess {
    /// Returns the bytes that may be written now. A waiting line goes first between two lines.
    pub(super) async fn take<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        while self.waits.get() && !self.open.get() {
            self.changed.notified().await;
        }
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        match end.and_then(|end| bytes.split_at_checked(end + 1)) {
            Some((lines, _)) if self.waits.get() => lines,
            _ => bytes,
        }
    }

    /// Notes the bytes that were written.
    pub(super) fn wrote(&self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.open.set(*last != b'\n');
            self.changed.notify_waiters();
        }
    }

    pub(super) fn end(&self) {
        self.ended.set(true);
        self.changed.notify_waiters();
    }

    /// Waits for the end of an unfinished line, as long as it has a writer.
    async fn end_of_line(&self) {
        while self.open.get() && !self.ended.get() {
            self.changed.notified().await;
        }
    }
}

/// Writes lines between those of an [`Output`](super::Output).
#[derive(Debug)]
pub(crate) struct Aside {
    sink: Sink,
    access: Rc<LineAccess>,
}

impl Aside {
    pub(super) fn new(sink: Sink, access: Rc<LineAccess>) -> Self {
        Self { sink, access }
    }

    /// Writes whole lines, at most [`WHOLE`] bytes, together and at the start of a line.
    ///
    /// An unfinished line is broken after some time. Nothing is written when the future is dropped while it waits.
    ///
    /// # Errors
    ///
    /// When the stream has no reader any more.
    pub(crate) async fn say(&mut self, lines: &[u8]) -> io::Result<()> {
        let access = self.access.clone();
        let _pending = PendingLine::wait(&access);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let in_time = timeout_at(deadline, access.end_of_line()).await.is_ok();
            let text = if in_time && !access.open.get() {
                lines.to_vec()
            } else {
                [b"\n", lines].concat()
            };
            match &mut self.sink {
                Sink::Direct(file) => file.write_all(&text)?,
                Sink::Pipe(sender) => match sender.try_write(&text) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sender.writable().await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            }
            access.open.set(false);
            return Ok(());
        }
    }
}

/// A line that waits to be written, until dropped.
struct PendingLine<'a>(&'a LineAccess);

impl<'a> PendingLine<'a> {
    fn wait(access: &'a LineAccess) -> Self {
        access.waits.set(true);
        Self(access)
    }
}

impl Drop for PendingLine<'_> {
    fn drop(&mut self) {
        self.0.waits.set(false);
        self.0.changed.notify_waiters();
    }
}
