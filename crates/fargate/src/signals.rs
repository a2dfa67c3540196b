//! SIGTERM, SIGINT and SIGHUP, as one value that callers pass down.
//!
//! GitLab Runner stops a stage with SIGTERM to its process group; a person at a terminal with Ctrl-C. No function exits
//! from inside: code that waits also waits for [`Shutdown::requested`], cleans up, and returns.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::error::{Blame, Error, Result};

/// The signals received so far: their count, and the first of them.
#[derive(Debug, Clone, Copy, Default)]
struct Received {
    first: i32,
    first_at: Option<Instant>,
    count: u32,
}

/// Receives the signals of this process. Clones receive the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    received: watch::Receiver<Received>,
}

impl Shutdown {
    /// Handles SIGTERM, SIGINT and SIGHUP from here on. Call it within the runtime.
    ///
    /// # Errors
    ///
    /// When the handlers cannot be installed.
    pub(crate) fn listen() -> Result<Self> {
        let handle = |kind: SignalKind| {
            signal(kind)
                .map(|stream| (kind.as_raw_value(), stream))
                .map_err(|error| Error::system(format!("could not handle signals: {error}")))
        };
        let (term, mut on_term) = handle(SignalKind::terminate())?;
        let (int, mut on_int) = handle(SignalKind::interrupt())?;
        let (hup, mut on_hup) = handle(SignalKind::hangup())?;
        let (sender, received) = watch::channel(Received::default());
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = on_term.recv() => term,
                    _ = on_int.recv() => int,
                    _ = on_hup.recv() => hup,
                    () = sender.closed() => return,
                };
                sender.send_modify(|received| {
                    if received.count == 0 {
                        received.first = number;
                        received.first_at = Some(Instant::now());
                    }
                    received.count += 1;
                });
            }
        });
        Ok(Self { received })
    }

    /// Returns at the first signal, with the error to end with.
    pub(crate) async fn requested(&self) -> Error {
        self.received_times(1).await
    }

    /// The moment this long after the first signal, or after now where there was none.
    pub(crate) fn deadline(&self, patience: Duration) -> Instant {
        let first_at = self.received.borrow().first_at;
        first_at.unwrap_or_else(Instant::now) + patience
    }

    /// Returns this long after the first signal. A second call waits for the same moment.
    pub(crate) async fn after(&self, patience: Duration) {
        let _stopped = self.requested().await;
        sleep_until(self.deadline(patience)).await;
    }

    /// Returns at the second signal, after which nothing should wait longer.
    pub(crate) async fn insisted(&self) -> Error {
        self.received_times(2).await
    }

    async fn received_times(&self, times: u32) -> Error {
        let mut received = self.received.clone();
        let heard = received.wait_for(|received| received.count >= times).await;
        let Some(first) = heard.ok().map(|received| received.first) else {
            // The listening task ends only with the runtime, which then no longer polls this.
            return std::future::pending().await;
        };
        stopped(first)
    }

    /// The result of `work`, or the error to end with at a signal, which drops `work`.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            stopped = self.requested() => Err(stopped),
            result = work => result,
        }
    }
}

fn stopped(signal: i32) -> Error {
    let name =
        nix::sys::signal::Signal::try_from(signal).map_or("a signal", |signal| signal.as_str());
    Error::new(
        Blame::Stopped(signal),
        format!("fargate was stopped by {name}"),
    )
}
