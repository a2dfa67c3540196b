//! Sees to it that the job's task definition is registered, once for all jobs with the same content.
//!
//! Registering is limited to one a second in an account, and concurrent registrations of a family fail, so the jobs of
//! a manager queue at a lock and look the family up before they register it.

#[cfg(test)]
mod model;
mod turn;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::turn::{Known, Move, next};
use super::{Context, say};
use crate::ecs::{Aws, Refusal};
use crate::error::{Error, Result};
use crate::job_image::Definition;
use crate::record::LOCK;

/// How often the lock is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How long what one job found out is good for the next ones: jobs come in crowds, and looking up is limited too.
const FRESH: Duration = Duration::from_secs(60);

/// ARN of `definition`, with the revision, registered by now.
///
/// # Errors
///
/// When AWS refuses, or the lock cannot be had by `deadline`.
pub(super) async fn registered(
    aws: &Aws,
    context: &Context<'_>,
    definition: &Definition,
    deadline: Instant,
) -> Result<String> {
    let family = definition.family();
    let mut lock = lock(context, &family, deadline).await?;
    let known = lock
        .read()
        .filter(|arn| arn.contains(&format!(":{}:", context.config.fargate.region)));
    if let Some(arn) = known {
        return Ok(arn);
    }
    let arn = find_or_register(aws, &family, definition, deadline)
        .await
        .map_err(|refusal| {
            Error::from(refusal).context("could not register the job's task definition")
        })?;
    lock.write(&arn);
    Ok(arn)
}

async fn find_or_register(
    aws: &Aws,
    family: &str,
    definition: &Definition,
    deadline: Instant,
) -> Result<String, Refusal> {
    let mut pause = Duration::from_millis(500);
    let mut answer: Result<Option<String>, Refusal> = Ok(None);
    let mut known = Known::Nothing;
    loop {
        match (next(known, Instant::now() + pause < deadline), answer) {
            (Move::Take, Ok(Some(arn))) => return Ok(arn),
            (Move::GiveUp, Err(refusal)) => return Err(refusal),
            (Move::Pause, Err(refusal)) => {
                tracing::debug!("{refusal}; trying again");
                sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
                pause = (pause * 2).min(Duration::from_secs(10));
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
                may_pass: refusal.may_pass() || refusal.is_concurrent_registration(),
            },
        };
    }
}

/// The lock of a family, held until it is dropped. Its file holds what its last holder found out.
struct Lock(File);

async fn lock(context: &Context<'_>, family: &str, deadline: Instant) -> Result<Lock> {
    let directory = &context.config.metadata_directory;
    let path = directory.join(format!("{family}.{LOCK}"));
    let refused = |error: std::io::Error| {
        Error::system(format!("could not lock {}: {error}", path.display())).advise(format!(
            "The user that GitLab Runner runs as must be able to make and write {} ([TaskMetadata] Directory).",
            directory.display()
        ))
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(refused)?;
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600).open(&path)
    };
    let mut file = open().map_err(refused)?;
    loop {
        match file.try_lock() {
            // A sweep removes locks that nobody has used for long; this one may have gone while we waited for it.
            Ok(()) if file.metadata().map_err(refused)?.nlink() == 0 => {
                file = open().map_err(refused)?;
            }
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(Error::system(format!(
                    "another job of this manager has held {} until StartTimeout",
                    path.display()
                ))
                .advise("See what that job waits for. Run the job again."));
            }
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE).await,
        }
    }
}

impl Lock {
    /// What was written lately.
    fn read(&mut self) -> Option<String> {
        let written = self.0.metadata().ok()?.modified().ok()?;
        if written.elapsed().ok()? > FRESH {
            return None;
        }
        let mut arn = String::new();
        self.0.read_to_string(&mut arn).ok()?;
        Some(arn).filter(|arn| arn.starts_with("arn:"))
    }

    /// Leaves word for the next holder, who asks AWS when there is none.
    fn write(&mut self, arn: &str) {
        let written = (|| {
            self.0.set_len(0)?;
            self.0.rewind()?;
            self.0.write_all(arn.as_bytes())
        })();
        if let Err(error) = written {
            tracing::debug!("could not note the task definition: {error}");
        }
    }
}
