//! Registers the job's task definition, once for all jobs with the same content.
//!
//! Registering is limited to one a second in an account, and concurrent registrations of a family fail, so the jobs of
//! a manager queue at a lock and look the family up before they register it.

mod decision;
#[cfg(test)]
mod model;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::decision::{Known, Move, next};
use crate::aws::{Aws, AwsError, Patience};
use crate::backoff::Backoff;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::state::locks::Lock;
use crate::task::definition::TaskDefinition;

/// Time for which later jobs use one job's answer: jobs come in crowds, and look-ups are limited too.
const FRESH: Duration = Duration::from_secs(60);

/// Pauses between repetitions after trouble that may pass.
const REPETITIONS: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));

/// A definition that AWS has.
#[derive(Debug)]
pub(crate) struct Registered {
    /// Its ARN with the revision, or the operator's name for it.
    pub(crate) arn: String,
    /// Whether AWS itself said so a moment ago, rather than another job up to a minute ago.
    pub(crate) is_fresh: bool,
}

impl Registered {
    /// The operator's definition of this name.
    pub(crate) fn by_operator(name: &str) -> Self {
        Self {
            arn: name.to_owned(),
            is_fresh: false,
        }
    }
}

/// Returns the ARN of `definition` with its revision, and registers it if needed. The ARN `gone` is not believed: AWS
/// has refused to run it.
///
/// # Errors
///
/// When AWS refuses, or another process holds the lock beyond `deadline`.
pub(crate) async fn registered(
    aws: &Aws,
    context: &Context<'_>,
    definition: &TaskDefinition,
    gone: Option<&str>,
    deadline: Instant,
) -> Result<Registered> {
    let family = definition.family();
    let directory = &context.config.metadata_directory;
    let what_for = "registers the same task definition";
    let mut lock = Lock::take(directory, &family, what_for, deadline).await?;
    let here = format!(":{}:", context.config.fargate.region);
    let known = lock
        .read(FRESH)
        .filter(|arn| arn.starts_with("arn:") && arn.contains(&here) && gone != Some(arn.as_str()));
    if let Some(arn) = known {
        tracing::debug!("another job has just looked up or registered {arn}");
        return Ok(Registered {
            arn,
            is_fresh: false,
        });
    }
    let arn = find_or_register(aws, &family, definition, deadline)
        .await
        .map_err(|refusal| {
            Error::from(refusal).context("could not register the job's task definition")
        })?;
    tracing::debug!("jobs like this one run {arn}");
    lock.write(&arn);
    Ok(Registered {
        arn,
        is_fresh: true,
    })
}

async fn find_or_register(
    aws: &Aws,
    family: &str,
    definition: &TaskDefinition,
    deadline: Instant,
) -> Result<String, AwsError> {
    let mut backoff = REPETITIONS;
    let mut rest = backoff.pause();
    let mut answer: Result<Option<String>, AwsError> = Ok(None);
    let mut known = Known::Nothing;
    let mut patience = Patience::new();
    loop {
        match (next(known, Instant::now() + rest < deadline), answer) {
            (Move::Take, Ok(Some(arn))) => return Ok(arn),
            (Move::GiveUp, Err(refusal)) => return Err(refusal),
            (Move::Pause, Err(refusal)) => {
                say(&format!(
                    "{refusal}; trying again in {:.1} s",
                    rest.as_secs_f64()
                ));
                sleep(rest).await;
                rest = backoff.pause();
                (known, answer) = (Known::Nothing, Ok(None));
                continue;
            }
            (Move::Register, _) => {
                answer = aws.register(family, definition).await.map(Some);
                if answer.is_ok() {
                    say(&format!("Registered task definition {family}"));
                }
            }
            _ => answer = aws.find_definition(family).await,
        }
        known = match &answer {
            Ok(Some(_)) => Known::There,
            Ok(None) => Known::Absent,
            Err(refusal) => Known::Refused {
                may_pass: patience.allows(refusal, rest) || refusal.is_concurrent_registration(),
            },
        };
    }
}
