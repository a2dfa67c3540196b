//! Why a job failed: the runner's reading of a call's exit status, or its reason to stop a call.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// `BUILD_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(crate) const BUILD_FAILURE: i32 = 1;

/// `SYSTEM_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(crate) const SYSTEM_FAILURE: i32 = 2;

/// Why a job, or a call for it, did not succeed. The texts are the runner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFailure {
    /// The script failed with this exit code, or the driver blamed the job.
    Build(i64),
    /// The job asks for what cannot be, with the reason.
    Refused(String),
    /// Anything else, with the reason.
    System(String),
    /// Somebody cancelled the job.
    Canceled,
    /// The job, or a call for it, took longer than this.
    TimedOut(Duration),
}

impl JobFailure {
    /// Reads `status`, and `code_file` when the driver reports that the script failed.
    pub(crate) fn check(status: ExitStatus, code_file: &Path) -> Result<(), Self> {
        Err(match status.code() {
            Some(0) => return Ok(()),
            Some(BUILD_FAILURE) => match std::fs::read_to_string(code_file) {
                Err(_) => Self::Build(i64::from(BUILD_FAILURE)),
                Ok(text) => match text.lines().next().unwrap_or_default().parse() {
                    Ok(code) => Self::Build(code),
                    Err(_) => unknown(SYSTEM_FAILURE, "exit status 2"),
                },
            },
            Some(SYSTEM_FAILURE) => Self::System("exit status 2".to_owned()),
            Some(code) => unknown(code, &format!("exit status {code}")),
            None => {
                let signal = status.signal().unwrap_or_default();
                let name = nix::sys::signal::Signal::try_from(signal)
                    .map_or("unknown", |signal| signal.as_str());
                unknown(-1, &format!("signal: {name}"))
            }
        })
    }

    /// Puts the action that failed in front of a system failure.
    pub(crate) fn context(self, action: &str) -> Self {
        match self {
            Self::System(reason) => Self::System(format!("{action}: {reason}")),
            other => other,
        }
    }
}

fn unknown(code: i32, how: &str) -> JobFailure {
    JobFailure::System(format!(
        "unknown Custom executor executable exit code {code}; executable execution terminated with: {how}"
    ))
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(code) => write!(f, "exit status {code}"),
            Self::Refused(reason) | Self::System(reason) => f.write_str(reason),
            Self::Canceled => f.write_str("canceled"),
            Self::TimedOut(limit) => {
                write!(f, "execution took longer than {} seconds", limit.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_and_the_code_file_decide_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("build_exit_code");
        // Wait statuses as the kernel encodes them: exit code in the second byte, signal in the first.
        let exited = |code: i32| JobFailure::check(ExitStatus::from_raw(code << 8), &file);
        let message = |result: Result<(), JobFailure>| match result {
            Err(JobFailure::System(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(exited(0), Ok(()));
        assert_eq!(exited(1), Err(JobFailure::Build(1)));
        for (content, code) in [("42\n", 42), ("0", 0), ("-3\nrest", -3), ("1000", 1000)] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(exited(1), Err(JobFailure::Build(code)), "{content:?}");
        }
        for content in ["", " 3", "three"] {
            std::fs::write(&file, content).unwrap();
            assert!(message(exited(1)).contains("exit code 2;"), "{content:?}");
        }
        std::fs::write(&file, "42").unwrap();
        assert_eq!(message(exited(2)), "exit status 2");
        assert!(
            message(exited(101))
                .contains("exit code 101; executable execution terminated with: exit status 101")
        );
        let killed = message(JobFailure::check(ExitStatus::from_raw(9), &file));
        assert!(
            killed.contains("exit code -1;") && killed.contains("SIGKILL"),
            "{killed}"
        );
    }
}
