//! Why a task ended, as the stages need it.

use super::ending::End;
use super::loss::Loss;
use crate::task::description::Task;
use crate::task::job_container::JobContainer;

/// Why a task ended, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StopReason {
    /// AWS's reasons, of the task and of its containers, in one sentence.
    pub(crate) cause: String,
    /// Advice for the operator, or for the job's author, where there is any.
    pub(crate) advice: Option<String>,
    /// The loss, if AWS caused it before the job had a part in it, so that another task may fare better.
    pub(crate) loss: Option<Loss>,
    /// Whether an image that the job names ended the task, in a way that another attempt repeats.
    pub(crate) image_is_at_fault: bool,
}

impl Task {
    /// Why the task ended. `build` is the container from the job's image, where the task was composed for it. An image
    /// that has taken a script has `proved` itself.
    pub(crate) fn stop_reason(&self, build: Option<&JobContainer>, proved: bool) -> StopReason {
        let end = End::new(self, build);
        let ending = end.ending();
        let fault = end.image_fault().filter(|_| !proved);
        let cause = self.reasons(build.is_some());
        let loss = ending.and_then(|ending| end.loss(ending.cause, &cause));
        StopReason {
            advice: fault.or(ending).and_then(|ending| end.advice(ending)),
            image_is_at_fault: fault.is_some(),
            loss,
            cause,
        }
    }
}
