//! RunTask, repeated with one token until AWS answers.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{Aws, AwsError, Patience, RunTaskAnswer, RunTaskRequest};
use crate::backoff::Backoff;
use crate::context::Context;
use crate::error::Result;
use crate::output::say;
use crate::start::journal::Journal;
use crate::start::queue::Queue;
use crate::state::hedges::Hedges;

/// Pauses between repetitions after trouble that may pass.
const REPETITIONS: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));

/// Time in which AWS may not know a task definition after its registration (AWS: eventual consistency).
const DEFINITION_GRACE: Duration = Duration::from_secs(30);

/// Calls RunTask, and repeats the call with the same token until AWS says yes or no, or until `deadline`.
///
/// A definition that `is_fresh` was registered or looked up a moment ago, so AWS may not know it everywhere yet.
pub(super) async fn run_task(
    aws: &Aws,
    context: &Context<'_>,
    request: &RunTaskRequest<'_>,
    journal: &Journal<'_>,
    hedges: Hedges<'_>,
    is_fresh: bool,
    deadline: Instant,
) -> Result<Result<RunTaskAnswer, AwsError>> {
    let mut queue = Queue::new(&context.config.metadata_directory, &request.fargate.region);
    // Waits for half of the time at most: AWS's answer is worth more than a slot in the queue.
    let half = deadline.saturating_duration_since(Instant::now()) / 2;
    let mut rest = queue.enter().await.min(half);
    let mut backoff = REPETITIONS;
    let mut is_repetition = false;
    let begun = Instant::now();
    let mut patience = Patience::new();
    let may_appear = |refusal: &AwsError| {
        is_fresh && refusal.knows_no_definition() && begun.elapsed() < DEFINITION_GRACE
    };
    loop {
        let pause = async {
            sleep(rest).await;
            Ok(())
        };
        context.shutdown.or(pause).await?;
        journal.note(|record| record.intend(request.client_token))?;
        tracing::debug!(
            "calling ecs:RunTask for {} in {} with token {}",
            request.definition,
            request.subnet,
            request.client_token
        );
        let answer = tokio::select! {
            answer = aws.run_task(request) => answer,
            // The intent is recorded; cleanup finds what the call may still bring.
            _ = context.shutdown.insisted() => return Ok(Err(AwsError::abandoned("ecs:RunTask"))),
        };
        let refusal = match answer {
            Err(refusal) if is_repetition => refusal.of_repetition(),
            Err(refusal) => refusal,
            answer => {
                tracing::debug!("ecs:RunTask answered");
                return Ok(answer);
            }
        };
        is_repetition |= refusal.may_have_worked();
        if !is_repetition {
            // No task needs to be looked for from here on.
            journal.note(|record| record.refuse(request.client_token))?;
        }
        if refusal.has_too_many_calls() {
            hedges.refused().await;
        }
        rest = match refusal.is_throttled() {
            true => queue.refused().await,
            false => backoff.pause(),
        };
        let is_worth_it = patience.allows(&refusal, rest) || may_appear(&refusal);
        if !is_worth_it || Instant::now() + rest >= deadline {
            return Ok(Err(refusal));
        }
        say(&format!(
            "{refusal}; trying again in {:.1} s",
            rest.as_secs_f64()
        ));
    }
}
