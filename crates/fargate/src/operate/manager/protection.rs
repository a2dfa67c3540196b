//! Task scale-in protection: ECS leaves a task alone while its jobs run.
//!
//! The endpoint of the ECS agent in a task (AWS: task scale-in protection endpoint) takes up to 48 hours, and each call
//! starts the time again.

use std::time::Duration;

use serde_json::{Value, json};

use super::settings::Settings;
use crate::error::Result;
use crate::images::neighbour::client;
use crate::state::clock::now;

/// The variable in tasks that names the ECS agent's endpoint.
const ECS_AGENT: &str = "ECS_AGENT_URI";

/// The longest protection.
pub(super) const LONGEST: Duration = Duration::from_secs(MOST * 60);

/// Most and least minutes of a protection. The least covers a job that begins before the next renewal.
const MOST: u64 = 2880;
const LEAST: u64 = 10;

const BOUND: Duration = Duration::from_secs(5);

/// The protection of this task; none outside of an ECS service, which alone ends tasks by scaling in.
pub(super) struct Protection(Option<(reqwest::Client, String)>);

impl Protection {
    /// That of the task whose environment this is.
    ///
    /// # Errors
    ///
    /// When the client cannot be set up.
    pub(super) fn of_environment(settings: &Settings) -> Result<Self> {
        let agent = std::env::var(ECS_AGENT).ok();
        let Some(agent) = agent.filter(|_| settings.service.is_some()) else {
            return Ok(Self(None));
        };
        let url = format!("{agent}/task-protection/v1/state");
        Ok(Self(Some((client(BOUND)?, url))))
    }

    /// Protects the task until `end`, in seconds since 1970.
    pub(super) async fn renew(&self, end: u64) {
        let minutes = minutes(end, now().as_secs());
        self.put(&json!({ "ProtectionEnabled": true, "ExpiresInMinutes": minutes }))
            .await;
    }

    /// Gives the protection up.
    pub(super) async fn lift(&self) {
        self.put(&json!({ "ProtectionEnabled": false })).await;
    }

    async fn put(&self, state: &Value) {
        let Some((client, url)) = &self.0 else {
            return;
        };
        let request = client
            .put(url)
            .header("content-type", "application/json")
            .body(state.to_string());
        let refused = match request.send().await {
            Err(error) => error.to_string(),
            Ok(reply) if reply.status().is_success() => {
                let text = reply.text().await.unwrap_or_default();
                let reply: Value = serde_json::from_str(&text).unwrap_or_default();
                match reply.get("failure") {
                    None => return,
                    Some(failure) => failure.to_string(),
                }
            }
            Ok(reply) => format!("status {}", reply.status()),
        };
        tracing::warn!("ECS did not take this task's protection: {refused}");
    }
}

/// The latest of these ends; that of a job without one is not known, and taken for the latest possible.
pub(super) fn latest_end(ends: impl Iterator<Item = Option<u64>>) -> u64 {
    ends.map(|end| end.unwrap_or(u64::MAX)).max().unwrap_or(0)
}

/// Minutes of a protection from `now` until `end`.
fn minutes(end: u64, now: u64) -> u64 {
    end.saturating_sub(now).div_ceil(60).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protection_lasts_until_the_latest_end_but_not_longer_than_ecs_allows() {
        assert_eq!(minutes(latest_end([].into_iter()), 1000), LEAST);
        assert_eq!(
            minutes(latest_end([Some(4600), Some(8200)].into_iter()), 1000),
            120
        );
        assert_eq!(
            minutes(latest_end([Some(4600), None].into_iter()), 1000),
            MOST
        );
        assert_eq!(minutes(1_000_061 + 3600, 1_000_000), 62);
    }
}
