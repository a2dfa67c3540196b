//! A job as the runner received it, before its first call: what GitLab sent, and what the runner makes of that.

use std::path::PathBuf;

use serde_json::Value;

use crate::error::Error;
use crate::file::{ImageEntry, JobDefinition};
use crate::runner::failure::JobFailure;
use crate::runner::feature_flags;
use crate::runner::job_files::{ArtifactFiles, CacheFiles, JobArtifacts};
use crate::runner::job_variables::{BuildPaths, RunnerFacts, job_variables};
use crate::runner::project::Project;
use crate::runner::services::services_variable;
use crate::runner::settings;
use crate::script::Sources;
use crate::server::{JobOrigin, RunnerIdentity, job_response, sent_variables};
use crate::transfer::Archive;
use crate::variables::{Variable, Variables};

/// Whether the user's scripts have ended, and how, as `CI_JOB_STATUS` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStatus {
    Running,
    Success,
    Failed,
    Canceled,
    TimedOut,
}

impl JobStatus {
    fn text(self) -> &'static str {
        match self {
            JobStatus::Running => "running",
            JobStatus::Success => "success",
            JobStatus::Failed => "failed",
            JobStatus::Canceled => "canceled",
            JobStatus::TimedOut => "timedout",
        }
    }
}

/// A job that is ready to run.
#[derive(Debug)]
pub struct ReceivedJob {
    pub(crate) definition: JobDefinition,
    /// `<group>/<project>`
    pub(crate) project: String,
    pub(crate) sources: Sources,
    /// The content of `JOB_RESPONSE_FILE`.
    pub(crate) response: Value,
    /// The variables as GitLab sends them.
    sent: Variables,
    short_token: String,
    /// The expanded name of the job's image.
    image: Option<String>,
    services: Vec<ImageEntry>,
    warnings: Vec<String>,
    /// Artifacts of earlier jobs, with their names.
    pub(crate) given: Vec<(String, Archive)>,
    /// The project's folder.
    folder: PathBuf,
}

impl ReceivedJob {
    /// Makes the job that GitLab would send after the jobs whose artifacts it is `given`, each with its name.
    ///
    /// # Errors
    ///
    /// When variables refer to each other in a circle, or the project's files cannot be packed.
    pub fn new(
        definition: JobDefinition,
        project: &Project,
        runner: RunnerIdentity<'_>,
        given: &[(&str, &JobArtifacts)],
    ) -> Result<Self, Error> {
        let origin = project.origin(&definition, runner);
        let reported = given.iter().flat_map(|(_, artifacts)| &artifacts.variables);
        let sent = sent(&origin, reported.cloned())?;
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
            name: known.expand_by_runner(&image.name),
            alias: known.expand_by_runner(&image.alias),
            ..image.clone()
        };
        let image = definition.image.as_ref().map(expand);
        let services: Vec<ImageEntry> = definition.services.iter().map(expand).collect();
        let sources = project.sources(&known)?;
        let given: Vec<(String, Archive)> = given
            .iter()
            .filter_map(|(job, artifacts)| Some(((*job).to_owned(), artifacts.files.clone()?)))
            .collect();
        let sizes: Vec<(&str, u64)> = given
            .iter()
            .map(|(job, archive)| (job.as_str(), archive.size()))
            .collect();
        let mut warnings = settings::warnings(&known);
        warnings.extend(feature_flags::warnings(&known));
        warnings.extend(project.warnings(&known));
        Ok(Self {
            response: job_response(&origin, &sent, image.as_ref(), &services, &sizes),
            project: project.checkout.project.clone(),
            sources,
            warnings,
            given,
            folder: project.folder().to_owned(),
            sent,
            short_token: runner.short_token.to_owned(),
            image: image.map(|image| image.name),
            services,
            definition,
        })
    }

    /// Whether GitLab would make a pipeline with this job.
    ///
    /// # Errors
    ///
    /// When its variables refer to each other in a circle.
    pub(crate) fn check(
        definition: &JobDefinition,
        project: &Project,
        runner: RunnerIdentity<'_>,
    ) -> Result<(), Error> {
        sent(&project.origin(definition, runner), []).map(drop)
    }

    /// The definition of the job.
    pub fn definition(&self) -> &JobDefinition {
        &self.definition
    }

    /// The artifacts that the job is to leave.
    pub(crate) fn artifacts(&self, variables: &Variables) -> Option<ArtifactFiles> {
        let artifacts = self.definition.artifacts.as_ref()?;
        Some(ArtifactFiles::new(artifacts, variables))
    }

    /// The caches of the job that could have files.
    pub(crate) fn caches(&self, variables: &Variables) -> Vec<CacheFiles> {
        let caches = self.definition.caches.iter();
        let caches = caches.map(|cache| CacheFiles::new(cache, variables, &self.folder));
        caches
            .filter(|cache| !cache.collection.is_empty())
            .collect()
    }

    /// A line for each variable that is not followed as a runner would.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where the job's files are below `builds`: in the folder that `GIT_CLONE_PATH` names, else in the project's own.
    ///
    /// # Errors
    ///
    /// When that folder is not below `builds`.
    pub(crate) fn paths(&self, builds: &str) -> Result<BuildPaths, JobFailure> {
        let at = |project: String| BuildPaths {
            builds: builds.to_owned(),
            project,
        };
        let empty = match self.sources {
            Sources::Empty => "-empty",
            _ => "",
        };
        let own = at(format!("{builds}/{}{empty}", self.project));
        let variables = self.variables(&own, JobStatus::Running);
        match clone_path(variables.value("GIT_CLONE_PATH"), builds) {
            None => Ok(own),
            Some(Ok(path)) => Ok(at(path)),
            Some(Err(path)) => Err(JobFailure::Refused(format!(
                "the GIT_CLONE_PATH={path:?} has to be within {builds:?}"
            ))),
        }
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

/// The variables that GitLab sends with a job, after those of the reports of earlier jobs.
fn sent(
    origin: &JobOrigin<'_>,
    reported: impl IntoIterator<Item = Variable>,
) -> Result<Variables, Error> {
    sent_variables(origin, reported).map_err(|source| Error::Variables {
        job: origin.definition.name.clone(),
        source,
    })
}

/// The folder that `GIT_CLONE_PATH` names, if it names one; an error where that is not below `builds`.
fn clone_path(wish: &str, builds: &str) -> Option<Result<String, String>> {
    let mut parts: Vec<&str> = Vec::new();
    for part in wish.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    let below = path
        .strip_prefix(builds)
        .is_some_and(|rest| rest.starts_with('/'));
    match wish {
        "" => None,
        wish if wish.starts_with('/') && below => Some(Ok(path)),
        wish => Some(Err(wish.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_path_stays_below_the_builds() {
        for (wish, path) in [
            ("/builds/go/src/x", "/builds/go/src/x"),
            ("/builds//a/./b/../c/", "/builds/a/c"),
        ] {
            assert_eq!(
                clone_path(wish, "/builds"),
                Some(Ok(path.to_owned())),
                "{wish:?}"
            );
        }
        for wish in [
            "/builds",
            "/builds/..",
            "/builds/../etc",
            "/buildsx/a",
            "go/src",
            "/",
        ] {
            assert!(
                matches!(clone_path(wish, "/builds"), Some(Err(_))),
                "{wish:?}"
            );
        }
        assert_eq!(clone_path("", "/builds"), None);
    }
}
