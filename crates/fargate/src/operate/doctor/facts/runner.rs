//! GitLab Runner's `config.toml`, and the programs that it names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Deserializer};
use toml::de::{DeTable, DeValue};

/// GitLab Runner on this machine.
#[derive(Debug)]
pub(in super::super) struct Runner {
    pub(in super::super) file: PathBuf,
    /// Its content; nothing where there is no such file.
    pub(in super::super) config: Option<Result<RunnerConfig, String>>,
}

/// The members of config.toml that matter here (GitLab Runner 19.4: common/config.go).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct RunnerConfig {
    pub(in super::super) concurrent: Option<i64>,
    /// Seconds.
    pub(in super::super) shutdown_timeout: Option<i64>,
    pub(in super::super) runners: Vec<RunnerEntry>,
}

/// `[[runners]]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct RunnerEntry {
    pub(in super::super) name: String,
    pub(in super::super) executor: String,
    pub(in super::super) shell: String,
    pub(in super::super) builds_dir: String,
    pub(in super::super) cache_dir: String,
    pub(in super::super) limit: i64,
    /// KiB of a job's log.
    pub(in super::super) output_limit: Option<i64>,
    /// Whether they name variables of the environment. The token itself is a secret.
    #[serde(rename = "url", deserialize_with = "has_variable")]
    pub(in super::super) is_url_expanded: bool,
    #[serde(rename = "token", deserialize_with = "has_variable")]
    pub(in super::super) is_token_expanded: bool,
    /// In Go's form: `15m`.
    pub(in super::super) prepare_timeout: Option<String>,
    pub(in super::super) custom: Custom,
}

/// `[runners.custom]`. Timeouts are seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Custom {
    pub(in super::super) config_exec: String,
    pub(in super::super) config_args: Vec<String>,
    pub(in super::super) prepare_exec: String,
    pub(in super::super) prepare_args: Vec<String>,
    pub(in super::super) prepare_exec_timeout: Option<i64>,
    pub(in super::super) run_exec: String,
    pub(in super::super) run_args: Vec<String>,
    pub(in super::super) cleanup_exec: String,
    pub(in super::super) cleanup_args: Vec<String>,
    pub(in super::super) cleanup_exec_timeout: Option<i64>,
    pub(in super::super) graceful_kill_timeout: Option<i64>,
    pub(in super::super) force_kill_timeout: Option<i64>,
    /// The program of each stage as this machine has it.
    #[serde(skip)]
    pub(in super::super) found: Vec<Executable>,
}

/// A call of a stage.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Stage<'a> {
    pub(in super::super) name: &'static str,
    pub(in super::super) program: &'a str,
    pub(in super::super) arguments: &'a [String],
}

/// What is at the path of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Executable {
    Usable,
    Missing,
    /// It is a file, and nobody may run it.
    Forbidden,
}

impl Custom {
    /// The four calls.
    pub(in super::super) fn stages(&self) -> [Stage<'_>; 4] {
        let stage = |name, program, arguments| Stage {
            name,
            program,
            arguments,
        };
        [
            stage(
                "config",
                self.config_exec.as_str(),
                self.config_args.as_slice(),
            ),
            stage("prepare", &self.prepare_exec, &self.prepare_args),
            stage("run", &self.run_exec, &self.run_args),
            stage("cleanup", &self.cleanup_exec, &self.cleanup_args),
        ]
    }
}

impl Stage<'_> {
    /// The file after `--config`.
    pub(in super::super) fn configuration(&self) -> Option<&str> {
        let mut arguments = self.arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--config=") {
                Some(file) => return Some(file),
                None if argument == "--config" => return arguments.next().map(String::as_str),
                None => {}
            }
        }
        None
    }

    /// Whether it is meant for this driver: by the program's name, or by the arguments after a wrapper's.
    pub(in super::super) fn calls_us(&self) -> bool {
        let name = Path::new(self.program).file_name().unwrap_or_default();
        name.to_string_lossy().contains("fargate")
            || self.arguments.iter().any(|argument| argument == "custom")
    }
}

impl RunnerEntry {
    /// Whether one of its stages is meant for this driver.
    pub(in super::super) fn calls_us(&self) -> bool {
        self.executor == "custom" && self.custom.stages().iter().any(Stage::calls_us)
    }
}

impl Runner {
    /// Reads the file, or the one that GitLab Runner reads for this user.
    pub(super) fn find(file: Option<&Path>) -> Self {
        let file = file.map_or_else(default_file, Path::to_owned);
        let config = match std::fs::read_to_string(&file) {
            Ok(text) => Some(parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(error.to_string())),
        };
        Self { file, config }
    }

    /// The entries that are meant for this driver.
    pub(in super::super) fn ours(&self) -> impl Iterator<Item = &RunnerEntry> {
        let config = self.config.iter().flatten();
        let entries = config.flat_map(|config| &config.runners);
        entries.filter(|entry| entry.calls_us())
    }

    /// The configuration of ours that it names first.
    pub(super) fn configuration(&self) -> Option<PathBuf> {
        self.ours().find_map(|entry| {
            let stages = entry.custom.stages();
            let named = stages.iter().find_map(Stage::configuration);
            named.map(PathBuf::from)
        })
    }

    /// The jobs that it runs at once for entries of ours.
    pub(in super::super) fn jobs_at_once(&self) -> Option<u64> {
        let config = self.config.as_ref()?.as_ref().ok()?;
        let concurrent = u64::try_from(config.concurrent.unwrap_or(1)).ok()?;
        let limits: Option<u64> = self
            .ours()
            .map(|entry| u64::try_from(entry.limit).ok().filter(|limit| *limit > 0))
            .sum();
        Some(limits.map_or(concurrent, |limits| limits.min(concurrent)))
    }
}

fn parse(text: &str) -> Result<RunnerConfig, String> {
    let document = DeTable::parse(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let members = document.get_ref().iter();
    let members = members.map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
    let document = serde_json::Value::Object(members.collect());
    let mut config: RunnerConfig =
        serde_json::from_value(document).map_err(|error| error.to_string())?;
    for entry in &mut config.runners {
        let stages = entry.custom.stages();
        let found = stages.map(|stage| executable(Path::new(stage.program)));
        entry.custom.found = found.to_vec();
    }
    Ok(config)
}

/// The same in JSON's types, for which serde's derived readers serve. Numbers that do not fit are left out.
fn json(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::from(text.to_string()),
        DeValue::Integer(number) => {
            Value::from(i64::from_str_radix(number.as_str(), number.radix()).ok())
        }
        DeValue::Float(number) => Value::from(number.as_str().parse::<f64>().ok()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let members = table.iter();
            let members =
                members.map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
            Value::Object(members.collect())
        }
    }
}

/// Whether a text has `$NAME` or `${NAME}`, which GitLab Runner expands by Go's `os.ExpandEnv`.
fn has_variable<'de, D: Deserializer<'de>>(text: D) -> Result<bool, D::Error> {
    String::deserialize(text).map(|text| text.contains('$'))
}

fn executable(path: &Path) -> Executable {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Executable::Missing,
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Executable::Forbidden,
        Ok(_) => Executable::Usable,
        Err(_) => Executable::Missing,
    }
}

/// The file of the service for root, and of a user's own runner otherwise (GitLab Runner: configuration).
fn default_file() -> PathBuf {
    let home = std::env::var_os("HOME").filter(|_| !geteuid().is_root());
    match home {
        Some(home) => Path::new(&home).join(".gitlab-runner/config.toml"),
        None => PathBuf::from("/etc/gitlab-runner/config.toml"),
    }
}
