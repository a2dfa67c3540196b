//! A job as the runner received it, before its first call: what GitLab sent, and what the runner makes of that.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::checkout::{self, Checkout, ProjectError};
use crate::file::{ImageEntry, JobDefinition};
use crate::runner::job_variables::{BuildPaths, RunnerFacts, job_variables};
use crate::runner::services::services_variable;
use crate::server::{JobOrigin, RunnerIdentity, gitlab_variables, job_response};
use crate::transfer::Archive;
use crate::variables::Variables;

/// Whether the user's scripts have ended, and how, as `CI_JOB_STATUS` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStatus {
    Running,
    Success,
    Failed,
    Canceled,
}

impl JobStatus {
    fn text(self) -> &'static str {
        match self {
            JobStatus::Running => "running",
            JobStatus::Success => "success",
            JobStatus::Failed => "failed",
            JobStatus::Canceled => "canceled",
        }
    }
}

/// A job that is ready to run.
#[derive(Debug)]
pub struct ReceivedJob {
    pub(crate) definition: JobDefinition,
    /// `<group>/<project>`
    pub(crate) project: String,
    /// The project's files; none with `GIT_STRATEGY` none or empty.
    pub(crate) sources: Option<Archive>,
    /// The content of `JOB_RESPONSE_FILE`.
    pub(crate) response: Value,
    /// The variables as GitLab sends them.
    sent: Variables,
    short_token: String,
    /// The expanded name of the job's image.
    image: Option<String>,
    services: Vec<ImageEntry>,
}

impl ReceivedJob {
    /// Makes the job that GitLab would send. The folder of `file`, which defines the job, is its project.
    ///
    /// # Errors
    ///
    /// When the files of the folder cannot be packed.
    pub fn new(
        definition: JobDefinition,
        file: &Path,
        runner: RunnerIdentity<'_>,
    ) -> Result<Self, ProjectError> {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let checkout = Checkout::read(folder);
        let origin = JobOrigin {
            id: new_id(),
            definition: &definition,
            checkout: &checkout,
            file: &name,
            runner,
        };
        let mut sent = gitlab_variables(&origin);
        sent.extend(definition.variables.iter().cloned());
        // Names are expanded before the first call, when no path is known yet.
        let facts = RunnerFacts {
            short_token: runner.short_token,
            image: None,
            timeout: definition.timeout,
            paths: &BuildPaths::default(),
            status: JobStatus::Running.text(),
        };
        let known = job_variables(&sent, &facts);
        let expand = |image: &ImageEntry| ImageEntry {
            name: known.expand(&image.name),
            alias: known.expand(&image.alias),
            ..image.clone()
        };
        let image = definition.image.as_ref().map(expand);
        let services: Vec<ImageEntry> = definition.services.iter().map(expand).collect();
        let sources = match known.value("GIT_STRATEGY") {
            "none" | "empty" => None,
            _ => Some(checkout::pack(folder)?),
        };
        Ok(Self {
            response: job_response(&origin, &sent, image.as_ref(), &services),
            project: checkout.project,
            sources,
            sent,
            short_token: runner.short_token.to_owned(),
            image: image.map(|image| image.name),
            services,
            definition,
        })
    }

    /// The definition of the job.
    pub fn definition(&self) -> &JobDefinition {
        &self.definition
    }

    /// The job's variables, expanded, as scripts export them.
    pub(crate) fn variables(&self, paths: &BuildPaths, status: JobStatus) -> Variables {
        let facts = RunnerFacts {
            short_token: &self.short_token,
            image: self.image.as_deref(),
            timeout: self.definition.timeout,
            paths,
            status: status.text(),
        };
        job_variables(&self.sent, &facts)
    }

    /// The job's variables as the driver gets them.
    pub(crate) fn driver_environment(
        &self,
        variables: &Variables,
    ) -> Vec<(String, Option<String>)> {
        let services = services_variable(&self.services, variables);
        let prefixed =
            |key: &str, value: &str| (format!("CUSTOM_ENV_{key}"), Some(value.to_owned()));
        let all = variables.iter();
        let all = all.map(|variable| prefixed(&variable.key, &variable.value));
        all.chain([prefixed("CI_JOB_SERVICES", &services)])
            .collect()
    }
}

/// A job's id. Ids must differ, since drivers find tasks and records by them: milliseconds do.
fn new_id() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
