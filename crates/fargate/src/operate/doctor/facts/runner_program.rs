//! The program `gitlab-runner`.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::runner::Runner;

/// The time for one call of it. AWS is asked at the same time, so that two fit into doctor's five seconds.
const BOUND: Duration = Duration::from_secs(2);

/// The first version with `lint` (GitLab Runner 19.3: commands/lint.go).
const LINT_SINCE: (u32, u32) = (19, 3);

/// The program on the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum RunnerProgram {
    Answers(Answers),
    /// There is none.
    Missing,
    /// It gave no answer, or none in time.
    Silent(String),
}

/// The program's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Answers {
    /// Like `19.4.0`.
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
    /// Asks it, also about its configuration where that exists.
    pub(in super::super) async fn ask(runner: &Runner) -> Self {
        let text = match call(&["--version".as_ref()]).await {
            Ok((_, text)) => text,
            Err(NoAnswer::Missing) => return Self::Missing,
            Err(NoAnswer::Silent(why)) => return Self::Silent(why),
        };
        let version = version(&text).unwrap_or_default().to_owned();
        let lint = match parts(&version) {
            _ if runner.config.is_none() => Lint::Unknown("there is no config.toml".to_owned()),
            Some(parts) if parts >= LINT_SINCE => lint(&runner.file).await,
            _ => Lint::Unknown(format!("version {version} has no lint; 19.3 has")),
        };
        Self::Answers(Answers { version, lint })
    }

    /// The version that it says.
    pub(in super::super) fn version(&self) -> Option<&str> {
        match self {
            Self::Answers(answers) => Some(&answers.version),
            Self::Missing | Self::Silent(_) => None,
        }
    }

    /// Whether it says that it is older than this version.
    pub(in super::super) fn is_older(&self, than: (u32, u32)) -> bool {
        self.version().and_then(parts).is_some_and(|own| own < than)
    }
}

async fn lint(file: &Path) -> Lint {
    let arguments = ["lint".as_ref(), "--config".as_ref(), file.as_os_str()];
    match call(&arguments).await {
        Ok((true, _)) => Lint::Clean,
        Ok((false, words)) => Lint::Faults(words),
        Err(NoAnswer::Missing) => Lint::Unknown("gitlab-runner is gone".to_owned()),
        Err(NoAnswer::Silent(why)) => Lint::Unknown(why),
    }
}

/// Why there is no answer.
enum NoAnswer {
    Missing,
    Silent(String),
}

/// Whether the call succeeded, and its output on both streams.
async fn call(arguments: &[&OsStr]) -> Result<(bool, String), NoAnswer> {
    let output = Command::new("gitlab-runner")
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let what = arguments.first().unwrap_or(&OsStr::new("")).display();
    let output = match timeout(BOUND, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return Err(NoAnswer::Missing),
        Ok(Err(error)) => {
            let why = format!("gitlab-runner {what} could not be run: {error}");
            return Err(NoAnswer::Silent(why));
        }
        Err(_elapsed) => {
            let why = format!(
                "gitlab-runner {what} did not answer in {} s",
                BOUND.as_secs()
            );
            return Err(NoAnswer::Silent(why));
        }
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    Ok((output.status.success(), text))
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
