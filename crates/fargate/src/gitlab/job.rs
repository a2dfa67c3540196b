//! The identity of a job.

use serde::{Deserialize, Serialize};

use super::environment::{JOB_ID, JOB_RESPONSE_FILE, SHORT_TOKEN, path, read, variable};
use super::job_page::job_page;
use crate::error::{Error, Result};

/// Longest runner token accepted; GitLab's short tokens have 9 characters.
const SHORT_TOKEN_LIMIT: usize = 64;

/// The identity of a job: stable over all attempts and stages, and safe to use in a file name or a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The job's page in GitLab, where GitLab said where the project is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<String>,
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
        let (id, info, source) = match response {
            Some(JobResponse {
                id: Some(id),
                job_info,
                git_info,
            }) => (id, job_info, git_info),
            _ => (
                job_id(&variable(JOB_ID).unwrap_or_default())?,
                JobInfo::default(),
                GitInfo::default(),
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
            page: source.repo_url.and_then(|url| job_page(&url, id)),
        })
    }

    /// The job's title, such as `job 7 of acme/shop`.
    pub(crate) fn title(&self) -> String {
        if self.project.is_empty() {
            format!("job {} of project {}", self.id, self.project_id)
        } else {
            format!("job {} of {}", self.id, self.project)
        }
    }

    /// Name of the job's record: `<runner short token>-<job>`, on which operators may rely.
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
            "GitLab Runner sets it for every call: check that the runner is current and makes this call.",
        ))
    } else if value.len() > SHORT_TOKEN_LIMIT || !value.chars().all(allowed) {
        Err(Error::job(format!(
            "CI_RUNNER_SHORT_TOKEN is {value:?}, which is not a runner token (letters, digits, _ and -)"
        ))
        .advise("Do not set the variable CI_RUNNER_SHORT_TOKEN in the .gitlab-ci.yml: it is GitLab Runner's own."))
    } else {
        Ok(value.to_owned())
    }
}

fn job_id(value: &str) -> Result<u64> {
    if value.is_empty() {
        return Err(Error::system(format!(
            "neither {JOB_RESPONSE_FILE} nor {JOB_ID} is set, so the driver does not know the job"
        ))
        .advise("GitLab Runner sets both for every call."));
    }
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            Error::job(format!("CI_JOB_ID is {value:?}, which is not a job id")).advise(
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

/// The fields of the job response file that identify the job; the rest is skipped.
#[derive(Debug, Deserialize)]
pub(super) struct JobResponse {
    id: Option<u64>,
    #[serde(default)]
    job_info: JobInfo,
    #[serde(default)]
    git_info: GitInfo,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct JobInfo {
    name: Option<String>,
    project_id: Option<u64>,
    project_name: Option<String>,
    project_full_path: Option<String>,
    pipeline_id: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GitInfo {
    /// GitLab's own word, with the job's token in it.
    repo_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

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
        fn names_of_records_cannot_leave_their_folder(token in "[!-~]{0,70}|[a-zA-Z0-9_-]{1,64}", id in any::<u64>()) {
            if let Ok(runner) = short_token(&token) {
                let job = Job { id, project_id: 0, pipeline_id: 0, project: String::new(), name: String::new(), runner, page: None };
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
