//! Calls of AWS with one deadline.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, timeout_at};

use super::once::Once;
use crate::aws::{Aws, AwsError};
use crate::cli::Category;

/// The time for all calls. What did not answer by then is skipped.
pub(in super::super) const BOUND: Duration = Duration::from_millis(4500);

/// An answer of AWS's.
pub(in super::super) type Answer<T> = Result<T, AwsError>;

/// Calls for some categories of checks, with one deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) aws: &'a Aws,
    /// The facts that other categories ask for, too.
    pub(super) once: &'a Once,
    categories: &'a [Category],
    deadline: Instant,
}

impl<'a> Ask<'a> {
    /// Calls of `aws` until the deadline.
    pub(super) fn until(
        deadline: Instant,
        aws: &'a Aws,
        once: &'a Once,
        categories: &'a [Category],
    ) -> Self {
        Self {
            aws,
            once,
            categories,
            deadline,
        }
    }

    /// Whether one of these categories is asked about.
    pub(super) fn is_about(&self, categories: &[Category]) -> bool {
        let mut asked = self.categories.iter();
        asked.any(|category| categories.contains(category))
    }

    /// The answer, if it comes in time. There is no call where nobody asks about its category.
    pub(super) fn about<'call, T: 'call>(
        &self,
        category: Category,
        action: &'static str,
        call: impl Future<Output = Answer<T>> + 'call,
    ) -> LocalBoxFuture<'call, Answer<T>> {
        match self.is_about(&[category]) {
            true => self.bounded(action, call),
            false => Box::pin(std::future::ready(Err(AwsError::abandoned(action)))),
        }
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
