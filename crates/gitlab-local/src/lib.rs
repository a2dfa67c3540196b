//! Plays GitLab and its runner for jobs of a `.gitlab-ci.yml`, without either of them.
//!
//! The caller brings a custom executor driver: an executable with arguments. This crate reads the file, makes the job,
//! its variables, its files and its scripts as GitLab and GitLab Runner 19.4 make them, calls the driver's stages, and
//! writes the job log. It knows nothing about what the driver does with them.
//!
//! ```no_run
//! # async fn example() -> Result<(), gitlab_local::Error> {
//! use gitlab_local::{
//!     Cancellation, Driver, JobLog, JobRun, Pipeline, PipelineRequest, Project, ReceivedJob, RunnerIdentity,
//! };
//! use std::path::Path;
//!
//! let file = Path::new(".gitlab-ci.yml");
//! let pipeline = Pipeline::of(PipelineRequest { file, include_dir: None, variables: &[] })?;
//! let definition = pipeline.job(Some("unit tests"))?;
//! let identity = RunnerIdentity { description: "my laptop", short_token: "laptop" };
//! let folder = Path::new("/home/me/private");
//! let job = ReceivedJob::new(definition, &Project::new(file, false, folder), identity, &[])?;
//! let driver = Driver { program: "/usr/local/bin/driver".into(), arguments: vec![], environment: vec![] };
//! let (canceler, cancellation) = Cancellation::new();
//! let run = JobRun {
//!     driver: &driver,
//!     job: &job,
//!     folder,
//!     builds_dir: "/builds",
//!     keep: false,
//!     cache_folder: None,
//!     cancellation: &cancellation,
//! };
//! let end = run.run(&mut JobLog::on_stdout()).await?;
//! # drop((canceler, end));
//! # Ok(())
//! # }
//! ```
//!
//! Rooms, from the top; each knows only those below it: `runner` (the runner's part: variables, attempts, calls, files
//! for other jobs), `server` (GitLab's part: predefined variables, the job response), `plan` (which jobs run after
//! which), `file` (`.gitlab-ci.yml`), `checkout` (the project's folder), `inputs` (of a file's `spec:` header),
//! `script` (the text of a stage), `transfer` (files on their way to a task and back), and the leaves `yaml`,
//! `variables`, `pattern` (of paths), `re2` (of texts), `removal` (of folders), `job_log` and `cancellation`.

mod cancellation;
mod checkout;
mod error;
mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod inputs;
mod job_log;
mod pattern;
mod plan;
mod re2;
mod removal;
mod runner;
mod script;
mod server;
mod transfer;
mod variables;
mod yaml;

pub use self::cancellation::{Canceler, Cancellation};
pub use self::checkout::ProjectError;
pub use self::error::{Blame, Error};
pub use self::file::{
    AbsentFile, BrokenJob, FileError, JobDefinition, KEYWORDS, Keyword, Lint, Pipeline, Problem,
    Treatment,
};
pub use self::job_log::JobLog;
pub use self::plan::{Plan, PlanError};
pub use self::removal::remove_folder;
pub use self::runner::{
    CacheFolder, Driver, Environment, JobArtifacts, JobEnd, JobFailure, JobRun, KeptTask, PlanRun,
    Project, RUNNER_VERSION, ReceivedJob,
};
pub use self::server::{PipelineRequest, RunnerIdentity};
pub use self::variables::{InvalidName, VariablesError};
