//! All that is known of a job before anything runs: what GitLab would have sent, and what the runner makes of
//! it before its first call.

use std::path::Path;

use serde_json::Value;

use crate::error::Result;

use super::checkout::{self, Checkout};
use super::image::Image;
use super::pipeline::Job;
use super::predefined::{Origin, Paths, with_the_runners};
use super::response::{job_response, services_variable};
use super::variables::{Variable, Variables};

/// Whether the user's scripts are still to end, or how they ended, as `CI_JOB_STATUS` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    Success,
    Failed,
    Canceled,
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Success => "success",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
        }
    }
}

/// A job that is ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) job: Job,
    /// `<group>/<project>`
    pub(super) project: String,
    /// The job's folder as a tar file in base64; none with `GIT_STRATEGY` none or empty.
    pub(super) sources: Option<String>,
    /// What goes into `JOB_RESPONSE_FILE`.
    pub(super) response: Value,
    sent: Variables,
    image: Option<String>,
    services: Vec<Image>,
}

impl Plan {
    /// Job `id` is the `job` of `file` in `folder`. `extra`: variables from the command line, which win over
    /// those of the file.
    ///
    /// # Errors
    ///
    /// When the files of the folder cannot be packed.
    pub(super) fn new(
        id: u64,
        job: Job,
        folder: &Path,
        file: String,
        extra: Vec<Variable>,
    ) -> Result<Self> {
        let checkout = Checkout::of(folder);
        let origin = Origin {
            id,
            job: &job,
            checkout: &checkout,
            file,
        };
        let mut sent = origin.gitlab_variables();
        sent.extend(job.variables.iter().cloned());
        sent.extend(extra);
        // Names are expanded before the first call, when no path is known yet.
        let status = Status::Running.text();
        let known = with_the_runners(&sent, None, job.timeout, &Paths::default(), status);
        let expand = |image: &Image| Image {
            name: known.expand(&image.name),
            alias: known.expand(&image.alias),
            ..image.clone()
        };
        let image = job.image.as_ref().map(expand);
        let services: Vec<Image> = job.services.iter().map(expand).collect();
        let sources = match known.value("GIT_STRATEGY") {
            "none" | "empty" => None,
            _ => Some(checkout::pack(folder)?),
        };
        Ok(Self {
            response: job_response(&origin, &sent, image.as_ref(), &services),
            project: checkout.project,
            sources,
            sent,
            image: image.map(|image| image.name),
            services,
            job,
        })
    }

    /// The job's variables, expanded, as scripts export them.
    pub(super) fn variables(&self, paths: &Paths, status: Status) -> Variables {
        let image = self.image.as_deref();
        with_the_runners(&self.sent, image, self.job.timeout, paths, status.text())
    }

    /// The job's variables as the driver gets them.
    pub(super) fn driver_environment(
        &self,
        variables: &Variables,
    ) -> Vec<(String, Option<String>)> {
        let services = services_variable(&self.services, variables);
        let prefixed =
            |key: &str, value: &str| (format!("CUSTOM_ENV_{key}"), Some(value.to_owned()));
        let all = variables
            .iter()
            .map(|variable| prefixed(&variable.key, &variable.value));
        all.chain([prefixed("CI_JOB_SERVICES", &services)])
            .collect()
    }
}
