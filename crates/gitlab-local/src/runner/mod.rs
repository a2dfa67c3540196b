//! GitLab Runner's part: what it makes of a job, and its calls of a custom executor driver.
//!
//! This follows GitLab Runner 19.4's custom executor step by step. Where the runner behaves in a way that looks odd (a
//! pause after the third attempt, no `after_script` after a timeout), so does this.

mod attempt;
mod cache_folder;
mod cache_key;
mod call;
mod collection;
mod dotenv;
mod driver;
mod exchange;
mod failure;
mod feature_flags;
mod folder;
mod job_files;
mod job_variables;
mod kept_task;
mod limits;
mod plan_run;
mod project;
mod received;
mod sequence;
mod services;
mod settings;
mod stages;

pub use self::cache_folder::CacheFolder;
pub use self::driver::{Driver, Environment};
pub use self::failure::JobFailure;
pub use self::job_files::JobArtifacts;
pub use self::job_variables::RUNNER_VERSION;
pub use self::kept_task::KeptTask;
pub use self::plan_run::PlanRun;
pub use self::project::Project;
pub use self::received::ReceivedJob;
pub use self::sequence::{JobEnd, JobRun};
