//! The job's image, services, variables and time limit, from the job response file.
//!
//! The runner writes the file and job authors cannot change it. Image and service names in it are expanded;
//! variables, and an image's user and platform, are not.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::environment::{JOB_RESPONSE_FILE, path, read};
use crate::error::{Error, Result};

/// GitLab's default for a job without time limit.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(7200);

/// A job's request. It holds secrets: only names in it may be printed.
#[derive(Clone, Deserialize, Serialize)]
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
#[derive(Clone, Default, Deserialize, Serialize)]
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
#[derive(Clone, Default, Deserialize, Serialize)]
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

#[derive(Clone, Deserialize, Serialize)]
struct RunnerInfo {
    #[serde(default)]
    timeout: i64,
}

#[derive(Clone, Default, Deserialize, Serialize)]
struct ExecutorOptions {
    #[serde(default)]
    docker: Option<ContainerOptions>,
    #[serde(default)]
    kubernetes: Option<ContainerOptions>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
struct ContainerOptions {
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    user: Option<Text>,
}

/// A string; a number is one too.
#[derive(Clone, Deserialize, Serialize)]
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

    /// Keeps only the parts that come from the `.gitlab-ci.yml`: image, services and the job's own variables. The rest
    /// goes: GitLab's variables, the project's settings and its secrets.
    pub(crate) fn in_the_open(&self) -> Self {
        let secrets = self.variables.iter().filter(|variable| variable.masked);
        let secrets: Vec<&str> = secrets
            .map(|variable| variable.value.as_str())
            .filter(|value| !value.is_empty())
            .collect();
        let has_none = |variable: &Variable| {
            let holds = |secret: &&str| variable.value.contains(secret);
            !variable.masked && !secrets.iter().any(holds)
        };
        let is_jobs = |key: &str| !key.starts_with("CI") && !key.starts_with("GITLAB");
        let is_open = |variable: &&Variable| {
            variable.public && !variable.file && is_jobs(&variable.key) && has_none(variable)
        };
        let mut services = self.services.clone();
        for service in &mut services {
            service.variables.retain(has_none);
        }
        Self {
            image: self.image.clone(),
            services,
            variables: self.variables.iter().filter(is_open).cloned().collect(),
            runner_info: None,
        }
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

    #[test]
    fn what_is_kept_of_a_job_is_what_its_file_says() {
        let job: JobPayload = serde_json::from_str(
            r#"{"image": {"name": "ruby:3.3"}, "runner_info": {"timeout": 60},
                "services": [{"name": "db", "variables": [{"key": "A", "value": "1"}, {"key": "B", "value": "has s3cr3t-w0rd"}]}],
                "variables": [
                    {"key": "CI_JOB_ID", "value": "1", "public": true}, {"key": "TOKEN", "value": "s3cr3t-w0rd", "masked": true},
                    {"key": "SETTING", "value": "x"}, {"key": "OPEN", "value": "y", "public": true},
                    {"key": "URL", "value": "https://s3cr3t-w0rd@h", "public": true}, {"key": "F", "value": "z", "public": true, "file": true}]}"#,
        )
        .unwrap();
        let text = serde_json::to_string(&job.in_the_open()).unwrap();
        assert!(!text.contains("s3cr3t-w0rd"), "{text}");
        let open: JobPayload = serde_json::from_str(&text).unwrap();
        let keys = |variables: &[Variable]| {
            variables
                .iter()
                .map(|it| it.key.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(open.variables()), ["OPEN"]);
        assert_eq!(keys(&open.services()[0].variables), ["A"]);
        assert_eq!(open.image().unwrap().name, "ruby:3.3");
    }
}
