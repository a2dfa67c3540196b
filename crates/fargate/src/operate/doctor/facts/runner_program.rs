//! The program `gitlab-runner`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// The time for one call of it.
const BOUND: Duration = Duration::from_millis(1500);

/// The first version with `lint` (GitLab Runner 19.3: commands/lint.go).
const LINT_SINCE: (u32, u32) = (19, 3);

/// The program, and what it says of its configuration.
#[derive(Debug, Clone)]
pub(in super::super) struct RunnerProgram {
    /// As it says, like `19.4.0`.
    pub(in super::super) version: String,
    pub(in super::super) lint: Lint,
}

/// The verdict of `gitlab-runner lint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Lint {
    Clean,
    /// Its words.
    Faults(String),
    /// This version cannot, or did not answer.
    Unknown(String),
}

impl RunnerProgram {
    /// Asks the program on the path; nothing where there is none.
    pub(super) async fn find(file: &Path, exists: bool) -> Option<Self> {
        let (_, text) = call(&["--version".as_ref()]).await?;
        let version = version(&text).unwrap_or_default().to_owned();
        let lint = match parts(&version) {
            _ if !exists => Lint::Unknown("there is no config.toml".to_owned()),
            Some(parts) if parts >= LINT_SINCE => {
                let arguments = ["lint".as_ref(), "--config".as_ref(), file.as_os_str()];
                match call(&arguments).await {
                    Some((true, _)) => Lint::Clean,
                    Some((false, words)) => Lint::Faults(words),
                    None => Lint::Unknown("it did not answer".to_owned()),
                }
            }
            _ => Lint::Unknown(format!("version {version} has no lint; 19.3 has")),
        };
        Some(Self { version, lint })
    }
}

/// Whether the call succeeded, and its output on both streams.
async fn call(arguments: &[&std::ffi::OsStr]) -> Option<(bool, String)> {
    let output = Command::new("gitlab-runner")
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(BOUND, output).await.ok()?.ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    Some((output.status.success(), text))
}

/// The version in the words of `gitlab-runner --version`.
fn version(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Version:"))?;
    Some(line.trim().trim_start_matches('v'))
}

fn parts(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_gitlab_runner_prints_it() {
        // GitLab Runner 19.4: common/version.go, Extended.
        let text = "Version:      19.4.0\nGit revision: d79f3e7b8\nGit branch:   19-4-stable\n";
        assert_eq!(version(text), Some("19.4.0"));
        assert_eq!(parts("19.4.0"), Some((19, 4)));
        assert!(parts("19.2.1") < Some(LINT_SINCE));
        assert_eq!(parts("development"), None);
    }
}
