//! The client tokens of RunTask: a repeated request under its token gets the earlier reply, and starts no tasks.
//!
//! The rules are those of "Ensuring idempotency" in the ECS API reference. A token belongs to a cluster, and lives for
//! 24 hours or until an hour after its tasks stopped. Another request under it is a conflict. AWS does not document
//! whether a reply without tasks is kept. It is kept here, because clients have to expect that.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::failure::Failure;
use crate::error::ApiError;

const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The tokens used in one cluster.
pub(super) type ClientTokens = HashMap<String, PastReply>;

/// A request and its reply.
#[derive(Debug)]
pub(super) struct PastReply {
    /// The whole request without its token.
    request: Value,
    at: Instant,
    pub(super) task_ids: Vec<String>,
    task_arns: Vec<String>,
    pub(super) failures: Vec<Failure>,
}

impl PastReply {
    pub(super) fn new(
        request: Value,
        tasks: Vec<(String, String)>,
        failures: Vec<Failure>,
    ) -> Self {
        let (task_ids, task_arns) = tasks.into_iter().unzip();
        Self {
            request,
            at: Instant::now(),
            task_ids,
            task_arns,
            failures,
        }
    }

    /// Whether the token is still known. A token with tasks ends with the last of them (`any_left`), which is forgotten
    /// an hour after it stopped.
    pub(super) fn is_alive(&self, any_left: bool) -> bool {
        self.at.elapsed() < LIFETIME && (any_left || self.task_ids.is_empty())
    }

    /// The earlier reply. Another request is a conflict.
    pub(super) fn replay(&self, request: &Value) -> Result<&Self, ApiError> {
        if self.request == *request {
            return Ok(self);
        }
        let mut conflict = ApiError::new(
            400,
            "ConflictException",
            "The provided clientToken is already in use with a different RunTask request.",
        );
        conflict.resource_ids = self.task_arns.clone();
        Err(conflict)
    }
}

/// Checks a token's form: up to 64 ASCII characters from 33 to 126.
pub(super) fn check(token: &str) -> Result<(), ApiError> {
    if (1..=64).contains(&token.len()) && token.bytes().all(|b| (33..=126).contains(&b)) {
        Ok(())
    } else {
        Err(ApiError::invalid_parameter(
            "clientToken must be 1 to 64 printable ASCII characters without spaces.",
        ))
    }
}
