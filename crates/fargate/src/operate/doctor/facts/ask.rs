//! Calls of AWS with one deadline.

use std::time::Duration;

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

    /// The answer, if it comes in time.
    pub(super) async fn bounded<T>(
        &self,
        action: &'static str,
        call: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let answer = timeout_at(self.deadline, call).await;
        answer.unwrap_or_else(|_| Err(AwsError::abandoned(action)))
    }
}
