//! The options of `fargate ssh`.

use clap::Args;

/// The examples of its help.
pub(super) const SSH_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml ssh                          the last failed job's task, or the last job's
  fargate --config fargate.toml ssh 4711
  fargate --config fargate.toml ssh 4711 --container helper
  fargate --config fargate.toml ssh 4711 -- 'ls -l | head'   one word is a line for the shell
  fargate --config fargate.toml ssh 4711 -- tar c log >log.tar";

/// `fargate ssh`
#[derive(Debug, Args)]
pub(crate) struct Ssh {
    /// Id of a job that runs, or whose task is kept
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<u64>,
    /// The container: job, helper, or a service, which is reached from the helper
    #[arg(long, value_name = "NAME", default_value = "job")]
    pub(crate) container: String,
    /// Run this in place of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
