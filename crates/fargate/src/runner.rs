//! GitLab Runner's contract with a custom executor: everything that depends on it, and nothing else.
//!
//! Names and meanings are those of GitLab Runner 19.4's custom executor. What comes from `CUSTOM_ENV_*` can be
//! set by whoever writes the `.gitlab-ci.yml`, so each value is checked here before it can reach a path or a
//! decision; what comes from the job response file is GitLab's own.

mod response;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fargate_wire::{BUILDS_FOLDER, CACHE_FOLDER};
use serde::{Deserialize, Serialize};

use self::response::DEFAULT_TIMEOUT;
pub(crate) use self::response::{Asked, Image, Variable};
use crate::error::{Blame, Error, Result, json_fault};

const BUILD_FAILURE_EXIT_CODE: &str = "BUILD_FAILURE_EXIT_CODE";
const SYSTEM_FAILURE_EXIT_CODE: &str = "SYSTEM_FAILURE_EXIT_CODE";
const BUILD_EXIT_CODE_FILE: &str = "BUILD_EXIT_CODE_FILE";
const JOB_RESPONSE_FILE: &str = "JOB_RESPONSE_FILE";
const SHORT_TOKEN: &str = "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN";
const JOB_ID: &str = "CUSTOM_ENV_CI_JOB_ID";
const PROJECT_FOLDER: &str = "CUSTOM_ENV_CI_PROJECT_DIR";
const DEBUG_SERVICES: &str = "CUSTOM_ENV_CI_DEBUG_SERVICES";

/// Not of GitLab Runner's contract: set by `fargate try --keep`, whose task stays when it has ended.
pub(crate) const KEPT: &str = "FARGATE_TRY_KEEPS_TASK";

/// The longest runner token that is taken for one; GitLab's short tokens have 9 characters.
const SHORT_TOKEN_LIMIT: usize = 64;

/// What the runner wants to hear, from the environment of every `custom` call.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    build_failure: u8,
    system_failure: u8,
    exit_code_file: Option<PathBuf>,
}

impl Runner {
    /// Reads the runner's variables.
    ///
    /// # Errors
    ///
    /// [`Blame::Usage`] when one is missing or no exit code: then this is no call of a runner.
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            build_failure: exit_code(BUILD_FAILURE_EXIT_CODE)?,
            system_failure: exit_code(SYSTEM_FAILURE_EXIT_CODE)?,
            exit_code_file: path(BUILD_EXIT_CODE_FILE),
        })
    }

    /// The code a `custom` call exits with. Also leaves a script's own code where the runner looks for it,
    /// and nothing there otherwise: the runner never clears that file, so an earlier stage's code would be
    /// taken for this one's.
    pub(crate) fn report(&self, blame: Option<Blame>) -> u8 {
        let script = match blame {
            Some(Blame::Script(code)) => Some(code),
            _ => None,
        };
        let written = match (&self.exit_code_file, script) {
            (Some(file), Some(code)) => std::fs::write(file, format!("{code}\n")),
            (Some(file), None) => match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            (None, _) => Ok(()),
        };
        if let Err(error) = written {
            tracing::warn!("could not write {BUILD_EXIT_CODE_FILE}: {error}");
        }
        match blame {
            None => 0,
            Some(Blame::Script(_) | Blame::Job) => self.build_failure,
            Some(Blame::System | Blame::Stopped(_) | Blame::Usage) => self.system_failure,
        }
    }
}

fn exit_code(name: &str) -> Result<u8> {
    let value = std::env::var(name).ok();
    match value.as_deref().map(str::parse::<u8>) {
        Some(Ok(code)) if code != 0 => Ok(code),
        _ => Err(Error::new(
            Blame::Usage,
            match value {
                Some(value) => format!("{name} is \"{value}\", which is no exit code of a failure"),
                None => format!("{name} is not set"),
            },
        )
        .advise(
            "`fargate custom` is called by GitLab Runner's custom executor, which sets it. To run a job by hand, \
             use `fargate try`.",
        )),
    }
}

fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Who the job is: stable over all attempts and stages of it, and safe to use in a file name or a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// GitLab's id of the job.
    pub(crate) id: u64,
    /// Id of the project, or 0 where GitLab did not say.
    pub(crate) project_id: u64,
    /// Id of the pipeline, or 0 where GitLab did not say.
    pub(crate) pipeline_id: u64,
    /// Group and name of the project, for people.
    pub(crate) project: String,
    /// The job's name in the `.gitlab-ci.yml`, for people.
    pub(crate) name: String,
    /// The runner's short token: ASCII letters, digits, `_` and `-` only.
    pub(crate) runner: String,
}

impl Job {
    /// The job of this call, from the job response file, and from `CUSTOM_ENV_*` only where that is missing.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or the job id or the short token is missing or not of its form.
    pub(crate) fn from_environment() -> Result<Self> {
        let response = match path(JOB_RESPONSE_FILE) {
            Some(file) => Some(read::<JobResponse>(&file)?),
            None => None,
        };
        let runner = short_token(&variable(SHORT_TOKEN).unwrap_or_default())?;
        let (id, info) = match response {
            Some(JobResponse {
                id: Some(id),
                job_info,
            }) => (id, job_info),
            _ => (
                job_id(&variable(JOB_ID).unwrap_or_default())?,
                JobInfo::default(),
            ),
        };
        Ok(Self {
            id,
            project_id: info.project_id.unwrap_or_default(),
            pipeline_id: info.pipeline_id.unwrap_or_default(),
            project: info
                .project_full_path
                .or(info.project_name)
                .unwrap_or_default(),
            name: info.name.unwrap_or_default(),
            runner,
        })
    }

    /// What people call the job, such as `job 7 of acme/shop`.
    pub(crate) fn title(&self) -> String {
        if self.project.is_empty() {
            format!("job {} of project {}", self.id, self.project_id)
        } else {
            format!("job {} of {}", self.id, self.project)
        }
    }

    /// Name of the job's record: `<runner short token>-<job>` (contract: DESIGN section 5).
    pub(crate) fn record_name(&self) -> String {
        format!("{}-{}", self.runner, self.id)
    }
}

fn short_token(value: &str) -> Result<String> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if value.is_empty() {
        Err(Error::system(format!(
            "{SHORT_TOKEN} is not set, so the job's record has no name"
        ))
        .advise(
            "GitLab Runner sets it for every call; is an old runner, or something else, calling?",
        ))
    } else if value.len() > SHORT_TOKEN_LIMIT || !value.chars().all(allowed) {
        Err(Error::job(format!(
            "CI_RUNNER_SHORT_TOKEN is {value:?}, which is no runner token (letters, digits, _ and -)"
        ))
        .advise("Do not set the variable CI_RUNNER_SHORT_TOKEN in the .gitlab-ci.yml: it is GitLab Runner's own."))
    } else {
        Ok(value.to_owned())
    }
}

fn job_id(value: &str) -> Result<u64> {
    if value.is_empty() {
        return Err(Error::system(format!(
            "neither {JOB_RESPONSE_FILE} nor {JOB_ID} is set, so it is unknown which job this is"
        ))
        .advise("GitLab Runner sets both for every call."));
    }
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            Error::job(format!("CI_JOB_ID is {value:?}, which is no job id")).advise(
                "Do not set the variable CI_JOB_ID in the .gitlab-ci.yml: it is GitLab's own.",
            ),
        );
    }
    value.parse().map_err(|_| {
        Error::job(format!(
            "CI_JOB_ID is {value:?}, which is too large for a job id"
        ))
    })
}

impl Asked {
    /// What the job of this call asks for.
    ///
    /// # Errors
    ///
    /// When the runner names no job response file, or it cannot be read.
    pub(crate) fn from_environment() -> Result<Self> {
        let file = path(JOB_RESPONSE_FILE).ok_or_else(|| {
            Error::system(format!(
                "{JOB_RESPONSE_FILE} is not set, so it is unknown which image and services the job wants"
            ))
            .advise("JobImage mode needs a GitLab Runner that sets it for its custom executor: update the runner.")
        })?;
        read(&file)
    }
}

/// Whether the job's task is to outlive its runner, which `fargate try --keep` says to its stages.
pub(crate) fn is_kept() -> bool {
    std::env::var_os(KEPT).is_some()
}

/// How long the job may take; what GitLab takes by default where the runner does not say.
pub(crate) fn job_timeout() -> Duration {
    let asked = path(JOB_RESPONSE_FILE).and_then(|file| read::<Asked>(&file).ok());
    asked.map_or(DEFAULT_TIMEOUT, |asked| asked.timeout())
}

/// Where a script of the job runs in JobImage mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// In the job's image: what the job's author wrote.
    Build,
    /// In the helper image: git, cache and artifacts.
    Helper,
}

impl Side {
    /// The side of the runner's stage of this name. The runner calls the job's script `build_script`, and says
    /// that it will be `step_script`.
    pub(crate) fn of(stage: &str) -> Self {
        if matches!(stage, "build_script" | "after_script") || stage.starts_with("step_") {
            Self::Build
        } else {
            Self::Helper
        }
    }
}

/// Whether the runner's stage is the job's own script, the first on the build side.
pub(crate) fn is_job_script(stage: &str) -> bool {
    matches!(stage, "build_script" | "step_script")
}

/// Where the job's project will be in its task, once the runner knows.
pub(crate) fn project_folder() -> Option<String> {
    variable(PROJECT_FOLDER)
}

/// Whether the job log is to show what services print. As for the runner itself the variable counts wherever it was set, the
/// runner's own configuration included, and what is no boolean is none.
pub(crate) fn debugs_services() -> bool {
    variable(DEBUG_SERVICES).is_some_and(|value| is_true(&value))
}

/// Whether the runner takes a value for true (Go: strconv.ParseBool).
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// What the driver reads of the job response file; the rest of it is skipped.
#[derive(Debug, Deserialize)]
struct JobResponse {
    id: Option<u64>,
    #[serde(default)]
    job_info: JobInfo,
}

#[derive(Debug, Default, Deserialize)]
struct JobInfo {
    name: Option<String>,
    project_id: Option<u64>,
    project_name: Option<String>,
    project_full_path: Option<String>,
    pipeline_id: Option<u64>,
}

/// Reads the job response file.
fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let content = std::fs::read(file).map_err(|error| {
        Error::system(format!(
            "could not read {JOB_RESPONSE_FILE} {}: {error}",
            file.display()
        ))
    })?;
    serde_json::from_slice(&content).map_err(|error| {
        Error::system(format!(
            "could not understand {JOB_RESPONSE_FILE} {}: {}",
            file.display(),
            json_fault(&error)
        ))
    })
}

/// What the job's variables ask of the driver. An empty one asks for nothing, as in GitLab's driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// `FARGATE_TASK_DEFINITION`.
    pub(crate) task_definition: Option<String>,
    /// `FARGATE_PLATFORM_VERSION`.
    pub(crate) platform_version: Option<String>,
    /// `FARGATE_CPU`.
    pub(crate) cpu: Option<String>,
    /// `FARGATE_MEMORY`.
    pub(crate) memory: Option<String>,
    /// `FARGATE_EPHEMERAL_STORAGE`.
    pub(crate) storage: Option<String>,
    /// `FARGATE_TASK_ROLE`.
    pub(crate) task_role: Option<String>,
    /// `FARGATE_CAPACITY_PROVIDER`.
    pub(crate) capacity_provider: Option<String>,
    /// `FARGATE_CPU_ARCHITECTURE`.
    pub(crate) architecture: Option<String>,
}

impl Wishes {
    /// The job's variables of this call.
    pub(crate) fn from_environment() -> Self {
        let wish = |name: &str| variable(&format!("CUSTOM_ENV_{name}"));
        Self {
            task_definition: wish("FARGATE_TASK_DEFINITION"),
            platform_version: wish("FARGATE_PLATFORM_VERSION"),
            cpu: wish("FARGATE_CPU"),
            memory: wish("FARGATE_MEMORY"),
            storage: wish("FARGATE_EPHEMERAL_STORAGE"),
            task_role: wish("FARGATE_TASK_ROLE"),
            capacity_provider: wish("FARGATE_CAPACITY_PROVIDER"),
            architecture: wish("FARGATE_CPU_ARCHITECTURE"),
        }
    }
}

/// A `CUSTOM_ENV_*` value; text that is no UTF-8 is kept recognisable, so that it is refused and not dropped.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)
        .map(OsString::into_encoded_bytes)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .filter(|value| !value.is_empty())
}

/// What `config` answers on standard output.
///
/// A superset of what GitLab's driver says. Builds and cache folders stay those of the runner's own configuration
/// in TaskDefinition mode; in JobImage mode they are ours, because we make them.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigAnswer {
    driver: Driver,
    hostname: String,
    #[serde(flatten)]
    folders: Option<Folders>,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Folders {
    builds_dir: &'static str,
    cache_dir: &'static str,
    shell: &'static str,
}

impl ConfigAnswer {
    /// The answer for `job`. The host name stands in the job log's "Running on … via HOSTNAME...".
    pub(crate) fn new(job: &Job, by_job_image: bool) -> Self {
        Self {
            driver: Driver {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
            hostname: job.record_name(),
            folders: by_job_image.then_some(Folders {
                builds_dir: BUILDS_FOLDER,
                cache_dir: CACHE_FOLDER,
                shell: "bash",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::mutation;

    #[test]
    fn a_short_token_cannot_leave_the_directory() {
        for bad in [
            "../../etc/passwd",
            "a/b",
            "..",
            "a b",
            "",
            "ü",
            "a\0b",
            &"x".repeat(65),
        ] {
            assert!(short_token(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(short_token("t1_AbC-9z").unwrap(), "t1_AbC-9z");
    }

    #[test]
    fn a_job_id_is_a_number() {
        for bad in [
            "",
            "1x",
            "../1",
            "-1",
            "+1",
            " 1",
            "99999999999999999999999",
        ] {
            assert!(job_id(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(job_id("90210").unwrap(), 90210);
    }

    #[test]
    fn what_the_runner_takes_for_true() {
        for value in ["1", "t", "T", "true", "TRUE", "True"] {
            assert!(is_true(value), "{value}");
        }
        for value in ["0", "false", "yes", "on", "tRuE", " true", "2"] {
            assert!(!is_true(value), "{value}");
        }
    }

    #[test]
    fn what_the_author_wrote_runs_in_the_jobs_image() {
        for stage in [
            "build_script",
            "step_script",
            "step_release",
            "after_script",
        ] {
            assert_eq!(Side::of(stage), Side::Build, "{stage}");
        }
        for stage in [
            "prepare_script",
            "get_sources",
            "clear_worktree",
            "restore_cache",
            "download_artifacts",
            "archive_cache_on_failure",
            "upload_artifacts_on_success",
            "cleanup_file_variables",
            "something_new",
        ] {
            assert_eq!(Side::of(stage), Side::Helper, "{stage}");
        }
    }

    #[test]
    fn the_response_is_read_leniently() {
        let full = r#"{"id": 7, "token": "x", "job_info": {"name": "a", "project_id": 3, "pipeline_id": null}, "image": {}}"#;
        let response: JobResponse = serde_json::from_str(full).unwrap();
        assert_eq!(response.id, Some(7));
        assert_eq!(response.job_info.project_id, Some(3));
        assert!(
            serde_json::from_str::<JobResponse>("{}")
                .unwrap()
                .id
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn a_response_that_cannot_be_read_is_not_shown(
            text in mutation::json_text(json!({ "id": 7, "token": "job-token-0123456789", "job_info": { "name": "unit tests", "project_id": 3,
                "project_name": "shop", "project_full_path": "acme/shop", "pipeline_id": 4 },
                "variables": [{ "key": "TOKEN", "value": "glpat-00000000000000000000", "masked": true }] })),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("response.json");
            std::fs::write(&file, &text).unwrap();
            for error in [read::<JobResponse>(&file).err(), read::<Asked>(&file).err()].into_iter().flatten() {
                prop_assert_eq!(error.blame(), Blame::System);
                prop_assert!(error.to_string().contains("line "), "{}", error);
                for secret in ["glpat-0000", "job-token"] {
                    prop_assert!(!error.to_string().contains(secret), "{}", error);
                }
            }
        }

        #[test]
        fn names_of_records_cannot_leave_their_folder(token in "[!-~]{0,70}|[a-zA-Z0-9_-]{1,64}", id in any::<u64>()) {
            if let Ok(runner) = short_token(&token) {
                let job = Job { id, project_id: 0, pipeline_id: 0, project: String::new(), name: String::new(), runner };
                let name = job.record_name();
                prop_assert_eq!(Path::new(&name).components().count(), 1);
                prop_assert!(!name.contains(['/', '.']) && name.len() <= 64 + 21);
                // No two jobs share one.
                let id = id.to_string();
                prop_assert_eq!(name.rsplit_once('-').unwrap(), (token.as_str(), id.as_str()));
            }
        }
    }
}
