//! Answers that AWS did not give.

use super::super::check::{Check, Subject};
use super::super::facts::Answer;
use crate::aws::AwsError;

/// The answer, or a skipped check that says why there is none.
pub(super) fn read<'a, T>(
    answer: &'a Answer<T>,
    subject: &'static Subject,
) -> Result<&'a T, Check> {
    answer.as_ref().map_err(|refusal| skipped(refusal, subject))
}

/// A check that could not be made. Jobs do not need what only doctor reads.
pub(super) fn skipped(refusal: &AwsError, subject: &'static Subject) -> Check {
    let action = refusal.action();
    subject.skip(if refusal.is_denied() {
        format!("this manager may not call {action} (docs/iam/doctor.json)")
    } else if refusal.is_answer() {
        refusal.to_string()
    } else {
        format!("AWS did not answer {action} in time")
    })
}
