//! The times that the steps of a task take on Fargate.
//!
//! They are those of the task samples in AWS's command line reference (us-east-1, a small image: 27.9 s from creation
//! to running), scaled by the option `latency`. AWS promises none of them.

use std::time::Duration;

use tokio::sync::watch;

/// Creation to the network interface being there.
pub(crate) const INTERFACE: TypicalTime = TypicalTime(9.0);
/// To `PENDING`.
pub(crate) const PENDING: TypicalTime = TypicalTime(3.0);
/// To the interface being attached and the agent connected.
pub(crate) const CONNECTED: TypicalTime = TypicalTime(5.65);
/// To the first pull.
pub(crate) const PULL: TypicalTime = TypicalTime(4.79);
/// The pull itself.
pub(crate) const PULLING: TypicalTime = TypicalTime(3.88);
/// From the pull to the containers being started.
pub(crate) const START: TypicalTime = TypicalTime(1.54);
/// From the end of an essential container to ECS stopping the task.
pub(crate) const NOTICED: TypicalTime = TypicalTime(10.1);
/// Work before the stop signal.
pub(crate) const DEACTIVATING: TypicalTime = TypicalTime(0.5);
/// Removal of the network interface.
pub(crate) const DEPROVISIONING: TypicalTime = TypicalTime(22.0);

/// The time of a step at latency 1, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypicalTime(f64);

/// The scale of all times, and the signal that ends every wait.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    latency: f64,
    shutdown: watch::Receiver<bool>,
}

impl Pace {
    /// `shutdown` becomes true when the stand-in ends.
    pub(crate) fn new(latency: f64, shutdown: watch::Receiver<bool>) -> Self {
        Self { latency, shutdown }
    }

    /// Waits for a step, but no longer than the stand-in runs. With latency 0 there is no wait at all.
    pub(crate) async fn wait(&self, time: TypicalTime) {
        self.sleep(self.scale(time.0)).await;
    }

    /// Waits for `time`, unscaled, but no longer than the stand-in runs.
    pub(crate) async fn sleep(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.shutdown() => {}
        }
    }

    /// Completes when the stand-in ends.
    pub(crate) async fn shutdown(&self) {
        let mut shutdown = self.shutdown.clone();
        if shutdown.wait_for(|ended| *ended).await.is_err() {
            tracing::debug!("the stand-in is gone");
        }
    }

    /// A time at latency 1, scaled.
    pub(crate) fn scale(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.latency)
    }
}
