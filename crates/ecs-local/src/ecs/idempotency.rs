//! Client tokens of RunTask: the same request under the same token is answered again, not done again.
//!
//! Rules ("Ensuring idempotency" in the ECS API reference): a token belongs to a cluster, lives for 24 hours or until an
//! hour after its tasks stopped, and another request under it is a conflict. Whether a result without tasks is kept is
//! not documented; keeping it is what a client has to expect.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::clusters::Failure;
use crate::error::ApiError;

const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The tokens used in one cluster.
pub(crate) type Tokens = HashMap<String, Answered>;

/// A request and what it was answered with.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The whole request without its token.
    request: Value,
    at: Instant,
    pub(super) task_ids: Vec<String>,
    task_arns: Vec<String>,
    pub(super) failures: Vec<Failure>,
}

impl Answered {
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

    /// Whether the token is still known. `any_left` tells whether a task's record is: records go an hour after the
    /// task stopped, as tokens do.
    pub(super) fn is_alive(&self, any_left: bool) -> bool {
        self.at.elapsed() < LIFETIME && (any_left || self.task_ids.is_empty())
    }

    /// The earlier answer, unless the request is another one.
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
