//! The options of `fargate ps`.

use clap::Args;

/// The examples of its help.
pub(super) const PS_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml ps
  fargate --config fargate.toml ps --watch";

/// `fargate ps`
#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// Show the jobs until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Print the pages of jobs in GitLab, and of tasks in AWS's console
    #[arg(long, conflicts_with = "json")]
    pub(crate) links: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}
