//! What GitLab knows about a job: its definition, where it comes from, and the runner that takes it.

use crate::checkout::Checkout;
use crate::file::JobDefinition;

/// The server of a job that comes from none.
pub(super) const SERVER: &str = "https://gitlab.invalid";

/// Takes the place of a job token, and of what GitLab derives from one. Nothing accepts it.
pub(super) const NO_TOKEN: &str = "a-local-run-has-no-job-token";

/// The address of the project's repository.
pub(crate) fn repository_url(checkout: &Checkout) -> String {
    format!("{SERVER}/{}.git", checkout.project)
}

/// `CI_REPOSITORY_URL`: the address with the job's token.
pub(super) fn repository_url_with_token(checkout: &Checkout) -> String {
    let url = repository_url(checkout);
    url.replacen("://", &format!("://gitlab-ci-token:{NO_TOKEN}@"), 1)
}

/// Id of the project. There is only one, and no server knows it.
pub(super) const PROJECT_ID: u64 = 1;

/// The runner that a job sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunnerIdentity<'a> {
    /// `CI_RUNNER_DESCRIPTION`
    pub description: &'a str,
    /// `CI_RUNNER_SHORT_TOKEN`
    pub short_token: &'a str,
}

/// A job, where it comes from, and the runner that takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobOrigin<'a> {
    pub(crate) id: u64,
    /// The pipeline's id, which jobs of one trial have in common.
    pub(crate) pipeline: u64,
    pub(crate) definition: &'a JobDefinition,
    pub(crate) checkout: &'a Checkout,
    /// The name of the file that defines the job.
    pub(crate) file: &'a str,
    pub(crate) runner: RunnerIdentity<'a>,
}
