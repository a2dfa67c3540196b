//! GitLab's part: the job that it hands to a runner.

mod environment_slug;
mod origin;
mod pipeline;
mod predefined;
mod response;

pub(crate) use self::environment_slug::environment_slug;
pub use self::origin::RunnerIdentity;
pub(crate) use self::origin::{JobOrigin, repository_url};
pub use self::pipeline::PipelineRequest;
pub(crate) use self::predefined::gitlab_variables;
pub(crate) use self::response::{AFTER_SCRIPT_TIMEOUT, job_response};
