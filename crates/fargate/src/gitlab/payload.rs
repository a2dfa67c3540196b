//! The job's image, services, variables and time limit, from the job response file.
//!
//! The runner writes the file and job authors cannot change it. Image and service names in it are expanded;
//! variables, and an image's user and platform, are not.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::environment::{JOB_RESPONSE_FILE, path, read};
use crate::error::{Error, Result};

/// GitLab's default for a job without time limit.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(7200);

/// A job's request. It holds secrets: only names in it may be printed.
#[derive(Deserialize)]
pub(crate) struct JobPayload {
    #[serde(default)]
    image: Option<Image>,
    #[serde(default, deserialize_with = "list")]
    services: Vec<Image>,
    #[serde(default, deserialize_with = "list")]
    variables: Vec<Variable>,
    #[serde(default)]
    runner_info: Option<RunnerInfo>,
}

/// The image of the job or of a service.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Image {
    /// As written, expanded; empty when the job has none.
    #[serde(default)]
    pub(crate) name: String,
    /// Further host names of a service, separated by commas or blanks.
    #[serde(default)]
    pub(crate) alias: Option<String>,
    /// Replaces the image's own entry point; `[""]` is the usual way to have none.
    #[serde(default)]
    pub(crate) entrypoint: Option<Vec<String>>,
    /// Replaces a service image's own command.
    #[serde(default)]
    pub(crate) command: Option<Vec<String>>,
    /// A service's own variables.
    #[serde(default, deserialize_with = "list")]
    pub(crate) variables: Vec<Variable>,
    #[serde(default, deserialize_with = "list")]
    pull_policy: Vec<String>,
    #[serde(default)]
    executor_opts: ExecutorOptions,
}

/// A variable of the job or of a service.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Variable {
    #[serde(default)]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
    /// Set in the `.gitlab-ci.yml` rather than in settings or by GitLab's secrets.
    #[serde(default)]
    pub(crate) public: bool,
    /// Reaches scripts as the path of a file with the value.
    #[serde(default)]
    pub(crate) file: bool,
    /// A secret that the job log never shows.
    #[serde(default)]
    pub(crate) masked: bool,
    /// Its value is literal: `$` starts no reference.
    #[serde(default)]
    pub(crate) raw: bool,
}

#[derive(Deserialize)]
struct RunnerInfo {
    #[serde(default)]
    timeout: i64,
}

#[derive(Clone, Default, Deserialize)]
struct ExecutorOptions {
    #[serde(default)]
    docker: Option<ContainerOptions>,
    #[serde(default)]
    kubernetes: Option<ContainerOptions>,
}

#[derive(Clone, Default, Deserialize)]
struct ContainerOptions {
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    user: Option<Text>,
}

/// A string; a number is one too.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Text {
    String(String),
    Number(i64),
}

/// A list, for which the runner writes null when it is absent.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl JobPayload {
    /// Reads the request of this call's job.
    ///
    /// # Errors
    ///
    /// When the runner names no job response file, or it cannot be read.
    pub(crate) fn from_environment() -> Result<Self> {
        let file = path(JOB_RESPONSE_FILE).ok_or_else(|| {
            Error::system(format!(
                "{JOB_RESPONSE_FILE} is not set, so the driver does not know the job's image and services"
            ))
            .advise("JobImage mode needs a GitLab Runner that sets it for its custom executor: update the runner.")
        })?;
        read(&file)
    }

    /// The job's image, when it names one.
    pub(crate) fn image(&self) -> Option<&Image> {
        self.image.as_ref().filter(|image| !image.name.is_empty())
    }

    /// The job's options for its image, whose name may be the operator's default.
    pub(crate) fn image_options(&self) -> Image {
        self.image.clone().unwrap_or_default()
    }

    pub(crate) fn services(&self) -> &[Image] {
        &self.services
    }

    /// Whether it asks for an image as it is in the registry now: pull_policy `always`, of the image or of a service.
    pub(crate) fn needs_new_images(&self) -> bool {
        let mut images = self.image.iter().chain(&self.services);
        images.any(Image::is_always_pulled)
    }

    /// In GitLab's order: of several with the same name the last counts.
    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The job's time limit.
    pub(crate) fn timeout(&self) -> Duration {
        let given = self.runner_info.as_ref().map_or(0, |info| info.timeout);
        match u64::try_from(given) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
            _ => DEFAULT_TIMEOUT,
        }
    }
}

/// The job's time limit, or GitLab's default where the runner gives none.
pub(crate) fn job_timeout() -> Duration {
    let asked = path(JOB_RESPONSE_FILE).and_then(|file| read::<JobPayload>(&file).ok());
    asked.map_or(DEFAULT_TIMEOUT, |asked| asked.timeout())
}

impl Image {
    /// The user of its processes, as written.
    pub(crate) fn user(&self) -> Option<String> {
        let user = |options: &Option<ContainerOptions>| match options.as_ref()?.user.as_ref()? {
            Text::String(user) => Some(user.clone()).filter(|user| !user.is_empty()),
            Text::Number(user) => Some(user.to_string()),
        };
        user(&self.executor_opts.docker).or_else(|| user(&self.executor_opts.kubernetes))
    }

    /// Whether its author insists on the image as it is in the registry now.
    fn is_always_pulled(&self) -> bool {
        self.pull_policy
            .first()
            .is_some_and(|first| first == "always")
    }

    /// Its platform, like `linux/arm64`, as written.
    pub(crate) fn platform(&self) -> Option<&str> {
        let platform = self.executor_opts.docker.as_ref()?.platform.as_deref();
        platform.filter(|platform| !platform.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_asks_for_is_read_leniently() {
        let nothing: JobPayload =
            serde_json::from_str(r#"{"services": null, "variables": null, "image": {"name": ""}}"#)
                .unwrap();
        assert!(nothing.image().is_none() && nothing.services().is_empty());
        assert!(!nothing.needs_new_images());
        assert_eq!(nothing.timeout().as_secs(), 7200);
        let full: JobPayload = serde_json::from_str(
            r#"{"image": {"name": "ruby:3.3", "entrypoint": [""], "pull_policy": ["always"],
                          "executor_opts": {"docker": {"platform": "linux/arm64", "user": ""}, "kubernetes": {"user": 1000}}},
                "services": [{"name": "postgres:16", "alias": "db,pg", "variables": [{"key": "A", "value": "1", "raw": true}], "executor_opts": {}}],
                "variables": [{"key": "X", "value": "old"}, {"key": "X", "value": "new", "public": true}],
                "runner_info": {"uuid": "", "timeout": 60}}"#,
        )
        .unwrap();
        assert!(full.needs_new_images());
        let image = full.image().unwrap();
        assert_eq!(image.user().as_deref(), Some("1000"));
        assert_eq!(image.platform(), Some("linux/arm64"));
        assert_eq!(full.services()[0].variables[0].key, "A");
        let last = full.variables().last().unwrap();
        assert!(last.value == "new" && last.public && !last.masked);
        assert_eq!(full.timeout().as_secs(), 60);
    }
}
