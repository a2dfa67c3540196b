//! GitLab's part: the job that it hands to a runner.

mod environment;
mod origin;
mod pipeline;
mod predefined;
mod response;
mod sent;

pub use self::origin::RunnerIdentity;
pub(crate) use self::origin::{JobOrigin, repository_url};
pub use self::pipeline::PipelineRequest;
pub(crate) use self::response::{AFTER_SCRIPT_TIMEOUT, job_response};
pub(crate) use self::sent::sent_variables;
