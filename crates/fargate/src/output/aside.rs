//! Lines that are said between those of a stream that somebody else writes.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::sink::Sink;

/// What a pipe takes as a whole or not at all (Linux: PIPE_BUF), less the end of a line that had to be broken.
pub(crate) const WHOLE: usize = 4096 - 1;

/// How long a line that is not finished is waited for. A script that prints a dot a second while it waits for its database
/// must not hide for ever what the database says.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the two who write to a stream leave each other's lines whole. Both are in one thread, so what is seen here
/// holds until the next await.
#[derive(Debug, Default)]
pub(super) struct LineAccess {
    /// A line was begun and is not finished.
    open: Cell<bool>,
    /// Nobody will finish it.
    ended: Cell<bool>,
    /// Somebody waits to say something aside.
    waits: Cell<bool>,
    changed: Notify,
}

impl LineAccess {
    /// What may be written now: between two lines whoever waits goes first, so a line's end must be seen.
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

    /// Takes note of what was written.
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

    /// Waits for the end of a line, if there is anybody to bring it.
    async fn end_of_line(&self) {
        while self.open.get() && !self.ended.get() {
            self.changed.notified().await;
        }
    }
}

/// Says lines between those of an [`Output`](super::Output).
#[derive(Debug)]
pub(crate) struct Aside {
    sink: Sink,
    turns: Rc<LineAccess>,
}

impl Aside {
    pub(super) fn new(sink: Sink, turns: Rc<LineAccess>) -> Self {
        Self { sink, turns }
    }

    /// Says whole lines, at most [`WHOLE`] bytes. They stay together, and come at the start of a line; one that is not finished
    /// in time is broken. Nothing is written when this is dropped while it waits.
    ///
    /// # Errors
    ///
    /// When nobody reads any more.
    pub(crate) async fn say(&mut self, lines: &[u8]) -> io::Result<()> {
        let turns = self.turns.clone();
        let _turn = PendingLine::wait(&turns);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let in_time = timeout_at(deadline, turns.end_of_line()).await.is_ok();
            let text = if in_time && !turns.open.get() {
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
            turns.open.set(false);
            return Ok(());
        }
    }
}

/// Somebody's wish to say something, as long as it lasts.
struct PendingLine<'a>(&'a LineAccess);

impl<'a> PendingLine<'a> {
    fn wait(turns: &'a LineAccess) -> Self {
        turns.waits.set(true);
        Self(turns)
    }
}

impl Drop for PendingLine<'_> {
    fn drop(&mut self) {
        self.0.waits.set(false);
        self.0.changed.notify_waiters();
    }
}
