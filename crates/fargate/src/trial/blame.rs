//! Who is to blame for the end of a trial.

use gitlab_local::JobFailure;

use crate::error::{Blame, Error, Result};
use crate::signals::Shutdown;

/// Who is to blame for a job's end, without words: the log has shown the reason.
pub(super) async fn blamed(
    result: std::result::Result<(), JobFailure>,
    shutdown: &Shutdown,
) -> Result<()> {
    let silent = |blame| Err(Error::new(blame, ""));
    match result {
        Ok(()) => Ok(()),
        Err(JobFailure::Refused(_)) => silent(Blame::Script(1)),
        Err(JobFailure::Build(code)) => silent(Blame::Script(i32::try_from(code).unwrap_or(1))),
        Err(JobFailure::Canceled) => silent(shutdown.requested().await.blame()),
        Err(JobFailure::System(_) | JobFailure::TimedOut(_)) => silent(Blame::System),
    }
}

/// The author of the file or of the command line is to blame, or this machine.
pub(super) fn from_gitlab(error: impl Into<gitlab_local::Error>) -> Error {
    let error = error.into();
    let blame = match error.blame() {
        gitlab_local::Blame::User => Blame::Usage,
        gitlab_local::Blame::System => Blame::System,
    };
    with_advice(Error::new(blame, error.to_string()), error.advice())
}

/// A wrong configuration is a wrong usage of this command.
pub(super) fn as_usage(error: Error) -> Error {
    with_advice(Error::new(Blame::Usage, error.to_string()), error.advice())
}

fn with_advice(error: Error, advice: Option<&str>) -> Error {
    match advice {
        Some(advice) => error.advise(advice),
        None => error,
    }
}
