//! How long the steps of a task take on Fargate.
//!
//! The times are those of the task samples in AWS's command line reference (us-east-1, a small image: 27.9 s from
//! creation to running), scaled by [`crate::Options::latency`]. AWS promises none of them.

use std::time::Duration;

/// Creation to the network interface being there.
pub(crate) const INTERFACE: Step = Step(9.0);
/// To `PENDING`.
pub(crate) const PENDING: Step = Step(3.0);
/// To the interface being attached and the agent connected.
pub(crate) const CONNECTED: Step = Step(5.65);
/// To the first pull.
pub(crate) const PULL: Step = Step(4.79);
/// The pull itself.
pub(crate) const PULLING: Step = Step(3.88);
/// From the pull to the containers being started.
pub(crate) const START: Step = Step(1.54);
/// From the end of an essential container to ECS stopping the task.
pub(crate) const NOTICED: Step = Step(10.1);
/// Work before the stop signal.
pub(crate) const DEACTIVATING: Step = Step(0.5);
/// Removal of the network interface.
pub(crate) const DEPROVISIONING: Step = Step(22.0);

/// A step's time at latency 1, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step(f64);

impl Step {
    /// Waits for it; with latency 0 not even the runtime is asked.
    pub(crate) async fn wait(self, latency: f64) {
        let seconds = self.0 * latency;
        if seconds > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        }
    }
}
