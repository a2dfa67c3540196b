//! What the runner makes of a call's exit status.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

/// `BUILD_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(super) const BUILD_FAILURE: i32 = 1;

/// `SYSTEM_FAILURE_EXIT_CODE`, fixed in GitLab Runner 19.4.
pub(super) const SYSTEM_FAILURE: i32 = 2;

/// A call's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    /// The script failed, with this code.
    BuildFailure(i64),
    /// Anything else failed; the text is the runner's.
    SystemFailure(String),
}

impl Outcome {
    /// Reads `status`; `code_file` is looked at only when the driver says that the script failed.
    pub(super) fn of(status: ExitStatus, code_file: &Path) -> Self {
        match status.code() {
            Some(0) => Self::Success,
            Some(BUILD_FAILURE) => match std::fs::read_to_string(code_file) {
                Err(_) => Self::BuildFailure(i64::from(BUILD_FAILURE)),
                Ok(text) => match text.lines().next().unwrap_or_default().parse() {
                    Ok(code) => Self::BuildFailure(code),
                    Err(_) => unknown(SYSTEM_FAILURE, &exit_status(SYSTEM_FAILURE)),
                },
            },
            Some(SYSTEM_FAILURE) => Self::SystemFailure(exit_status(SYSTEM_FAILURE)),
            Some(code) => unknown(code, &exit_status(code)),
            None => {
                let signal = status.signal().unwrap_or_default();
                let name = nix::sys::signal::Signal::try_from(signal)
                    .map_or("unknown", |signal| signal.as_str());
                unknown(-1, &format!("signal: {name}"))
            }
        }
    }
}

fn exit_status(code: i32) -> String {
    format!("exit status {code}")
}

fn unknown(code: i32, how: &str) -> Outcome {
    Outcome::SystemFailure(format!(
        "unknown Custom executor executable exit code {code}; executable execution terminated with: {how}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_and_the_code_file_decide_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("build_exit_code");
        // Wait statuses as the kernel encodes them: exit code in the second byte, signal in the first.
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        assert_eq!(Outcome::of(exited(0), &file), Outcome::Success);
        assert_eq!(Outcome::of(exited(1), &file), Outcome::BuildFailure(1));
        for (content, code) in [("42\n", 42), ("0", 0), ("-3\nrest", -3), ("1000", 1000)] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(
                Outcome::of(exited(1), &file),
                Outcome::BuildFailure(code),
                "{content:?}"
            );
        }
        for content in ["", " 3", "three"] {
            std::fs::write(&file, content).unwrap();
            let Outcome::SystemFailure(text) = Outcome::of(exited(1), &file) else {
                panic!("{content:?}")
            };
            assert!(text.contains("exit code 2;"), "{text}");
        }
        std::fs::write(&file, "42").unwrap();
        assert_eq!(
            Outcome::of(exited(2), &file),
            Outcome::SystemFailure("exit status 2".into())
        );
        let Outcome::SystemFailure(panicked) = Outcome::of(exited(101), &file) else {
            panic!()
        };
        assert!(
            panicked
                .contains("exit code 101; executable execution terminated with: exit status 101")
        );
        let Outcome::SystemFailure(killed) = Outcome::of(ExitStatus::from_raw(9), &file) else {
            panic!()
        };
        assert!(
            killed.contains("exit code -1;") && killed.contains("SIGKILL"),
            "{killed}"
        );
    }
}
