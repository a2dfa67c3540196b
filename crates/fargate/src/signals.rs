//! SIGTERM and SIGINT, as one value that is handed down.
//!
//! GitLab Runner stops a stage with SIGTERM to its process group; a person at a terminal with Ctrl-C. Nothing
//! exits from inside: whoever waits also waits for [`Shutdown::requested`], cleans up, and returns.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::error::{Blame, Error, Result};

/// How often the process was told to stop, and by which signal first.
#[derive(Debug, Clone, Copy, Default)]
struct Received {
    first: i32,
    first_at: Option<Instant>,
    count: u32,
}

/// Hears the signals of this process. Clones hear the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    received: watch::Receiver<Received>,
}

impl Shutdown {
    /// Takes over SIGTERM, SIGINT and SIGHUP from here on; must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the handlers cannot be installed.
    pub(crate) fn listen() -> Result<Self> {
        let hear = |kind: SignalKind| {
            signal(kind)
                .map(|stream| (kind.as_raw_value(), stream))
                .map_err(|error| Error::system(format!("could not handle signals: {error}")))
        };
        let (term, mut on_term) = hear(SignalKind::terminate())?;
        let (int, mut on_int) = hear(SignalKind::interrupt())?;
        let (hup, mut on_hup) = hear(SignalKind::hangup())?;
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

    /// Returns once the process has been told to stop, with the error to end with.
    pub(crate) async fn requested(&self) -> Error {
        self.heard(1).await
    }

    /// Returns so long after the process was told to stop for the first time. Who waits again waits for the same time.
    pub(crate) async fn after(&self, patience: Duration) {
        let _stopped = self.requested().await;
        let first_at = self.received.borrow().first_at;
        sleep_until(first_at.unwrap_or_else(Instant::now) + patience).await;
    }

    /// Returns once the process has been told to stop a second time: whoever waits shall not wait longer.
    pub(crate) async fn insisted(&self) -> Error {
        self.heard(2).await
    }

    async fn heard(&self, times: u32) -> Error {
        let mut received = self.received.clone();
        let heard = received.wait_for(|received| received.count >= times).await;
        let Some(first) = heard.ok().map(|received| received.first) else {
            // The listening task ends only with the runtime, and then nobody polls this any more.
            return std::future::pending().await;
        };
        stopped(first)
    }

    /// `work`, or the error to end with when the process is told to stop first; `work` is dropped then.
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
    Error::new(Blame::Stopped(signal), format!("stopped by {name}"))
}
