//! All that is known of a job before anything runs: what GitLab would have sent, and what the runner makes of
//! it before its first call.

use std::time::SystemTime;

use serde_json::Value;

use super::checkout::Checkout;
use super::image::Image;
use super::pipeline::Job;
use super::predefined::{Origin, Paths, with_the_runners};
use super::response::{job_response, services_variable};
use super::script::Sources;
use super::variables::{Variable, Variables};

/// Whether the user's scripts are still to end, or how they ended, as `CI_JOB_STATUS` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    Success,
    Failed,
    Canceled,
    TimedOut,
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Success => "success",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
            Status::TimedOut => "timedout",
        }
    }
}

/// A job that is ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) job: Job,
    /// `<group>/<project>`
    pub(super) project: String,
    pub(super) sources: Sources,
    /// What goes into `JOB_RESPONSE_FILE`.
    pub(super) response: Value,
    sent: Variables,
    image: Option<String>,
    services: Vec<Image>,
}

impl Plan {
    /// `extra`: variables from the command line, which win over those of the file.
    pub(super) fn new(
        id: u64,
        job: Job,
        checkout: &Checkout,
        file: String,
        extra: Vec<Variable>,
        sources: impl FnOnce(&Variables) -> crate::error::Result<Sources>,
    ) -> crate::error::Result<Self> {
        let origin = Origin {
            id,
            started: SystemTime::now(),
            job: &job,
            checkout,
            file,
        };
        let mut raw: Variables = origin.gitlab_variables().into_iter().collect();
        raw.extend(job.variables.iter().cloned());
        raw.extend(extra);
        let sent = raw.as_sent();
        // Names are expanded before the first call, when no path is known yet.
        let known = with_the_runners(
            &sent,
            None,
            job.timeout,
            &Paths::default(),
            Status::Running.text(),
        );
        let expand = |image: &Image| Image {
            name: known.expand(&image.name),
            alias: known.expand(&image.alias),
            ..image.clone()
        };
        let image = job.image.as_ref().map(expand);
        let services: Vec<Image> = job.services.iter().map(expand).collect();
        let response = job_response(&origin, &sent, image.as_ref(), &services);
        Ok(Self {
            project: checkout.project.clone(),
            sources: sources(&known)?,
            response,
            sent,
            image: image.map(|image| image.name),
            services,
            job,
        })
    }

    /// The job's variables, expanded, as scripts export them.
    pub(super) fn variables(&self, paths: &Paths, status: Status) -> Variables {
        with_the_runners(
            &self.sent,
            self.image.as_deref(),
            self.job.timeout,
            paths,
            status.text(),
        )
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
