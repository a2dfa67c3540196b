//! Calls of AWS with one deadline.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, timeout_at};

use crate::aws::{Aws, AwsError};

/// The time for all calls. What did not answer by then is skipped.
pub(in super::super) const BOUND: Duration = Duration::from_millis(4500);

/// An answer of AWS's.
pub(in super::super) type Answer<T> = Result<T, AwsError>;

/// Calls with one deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) aws: &'a Aws,
    deadline: Instant,
}

impl<'a> Ask<'a> {
    /// Calls of `aws` until the deadline.
    pub(super) fn until(deadline: Instant, aws: &'a Aws) -> Self {
        Self { aws, deadline }
    }

    /// The answer, if it comes in time. Calls are on the heap: the SDK's are large, and all of them are made at once.
    pub(super) fn bounded<'call, T: 'call>(
        &self,
        action: &'static str,
        call: impl Future<Output = Answer<T>> + 'call,
    ) -> LocalBoxFuture<'call, Answer<T>> {
        let answer = timeout_at(self.deadline, Box::pin(call));
        let answer = async move {
            answer
                .await
                .unwrap_or_else(|_| Err(AwsError::abandoned(action)))
        };
        Box::pin(answer)
    }
}
