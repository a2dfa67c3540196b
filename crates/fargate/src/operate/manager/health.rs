//! `fargate manager health`: whether the runner answers.

use std::time::Duration;

use super::files::METRICS;
use crate::error::{Error, Result};
use crate::images::neighbour::client;

/// The bound of the runner's answer.
const BOUND: Duration = Duration::from_secs(3);

/// Asks the runner for its metrics.
///
/// # Errors
///
/// When it does not answer in time, or with another status than 200.
pub(crate) async fn health() -> Result<()> {
    let url = format!("http://{METRICS}/metrics");
    let unhealthy = |reason: String| {
        Error::system(format!("gitlab-runner does not tell its metrics: {reason}"))
    };
    let client = client(BOUND)?;
    let reply = client
        .get(url)
        .send()
        .await
        .map_err(|error| unhealthy(error.to_string()))?;
    match reply.status().as_u16() {
        200 => Ok(()),
        status => Err(unhealthy(format!("status {status}"))),
    }
}
