//! Why a job failed: what the runner makes of a call's exit status, or why it told a call to stop.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// `BUILD_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(super) const BUILD_FAILURE: i32 = 1;

/// `SYSTEM_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(super) const SYSTEM_FAILURE: i32 = 2;

/// Why a job, or a call for it, did not succeed. The texts are the runner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The script, or the driver on the job's account, with this code.
    Build(i64),
    /// Anything else.
    System(String),
    /// The person stopped it.
    Canceled,
    /// This limit is over.
    TimedOut(Duration),
}

impl Failure {
    /// Reads `status`; `code_file` is looked at only when the driver says that the script failed.
    pub(super) fn check(status: ExitStatus, code_file: &Path) -> Result<(), Self> {
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

    /// Puts what was being done in front of a system failure.
    pub(super) fn while_doing(self, what: &str) -> Self {
        match self {
            Self::System(why) => Self::System(format!("{what}: {why}")),
            other => other,
        }
    }
}

fn unknown(code: i32, how: &str) -> Failure {
    Failure::System(format!(
        "unknown Custom executor executable exit code {code}; executable execution terminated with: {how}"
    ))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(code) => write!(f, "exit status {code}"),
            Self::System(why) => f.write_str(why),
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
        let exited = |code: i32| Failure::check(ExitStatus::from_raw(code << 8), &file);
        let says = |result: Result<(), Failure>| match result {
            Err(Failure::System(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(exited(0), Ok(()));
        assert_eq!(exited(1), Err(Failure::Build(1)));
        for (content, code) in [("42\n", 42), ("0", 0), ("-3\nrest", -3), ("1000", 1000)] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(exited(1), Err(Failure::Build(code)), "{content:?}");
        }
        for content in ["", " 3", "three"] {
            std::fs::write(&file, content).unwrap();
            assert!(says(exited(1)).contains("exit code 2;"), "{content:?}");
        }
        std::fs::write(&file, "42").unwrap();
        assert_eq!(says(exited(2)), "exit status 2");
        assert!(
            says(exited(101))
                .contains("exit code 101; executable execution terminated with: exit status 101")
        );
        let killed = says(Failure::check(ExitStatus::from_raw(9), &file));
        assert!(
            killed.contains("exit code -1;") && killed.contains("SIGKILL"),
            "{killed}"
        );
    }
}
