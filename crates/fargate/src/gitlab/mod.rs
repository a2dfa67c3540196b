//! GitLab Runner's contract with a custom executor: all of it, and nothing else.

mod config_answer;
mod environment;
mod exit_code;
mod job;
mod job_overrides;
mod job_page;
mod payload;
pub(crate) mod played_runner;
#[cfg(test)]
mod properties;
mod script_stage;
mod wish;

pub(crate) use self::config_answer::ConfigAnswer;
#[cfg(feature = "trial")]
pub(crate) use self::environment::KEPT;
pub(crate) use self::environment::{debugs_services, is_kept, job_folder, project_folder};
pub(crate) use self::exit_code::Runner;
pub(crate) use self::job::Job;
pub(crate) use self::job_overrides::JobOverrides;
pub(crate) use self::payload::{Image, JobPayload, Variable, job_timeout};
pub(crate) use self::script_stage::{RunsIn, fails_job, is_job_script};
pub(crate) use self::wish::Wish;
