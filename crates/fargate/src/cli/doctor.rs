//! The options of `fargate doctor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// The examples of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  fargate --config /etc/gitlab-runner/fargate.toml doctor
  fargate doctor --only network --json
  fargate doctor --start --only start              a report that you can attach to an issue";

/// `fargate doctor`
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Check only what must hold before anything is installed
    #[arg(long)]
    pub(crate) pre: bool,
    /// Also start a real task, run scripts in it and stop it, at the price of a minute
    #[arg(long, conflicts_with = "pre")]
    pub(crate) start: bool,
    /// Also test permissions by calls that cannot do anything; denied ones are events in CloudTrail
    #[arg(long, conflicts_with = "pre")]
    pub(crate) probe: bool,
    /// Check only these categories; may be repeated
    #[arg(long, value_enum, value_name = "CATEGORY")]
    pub(crate) only: Vec<Category>,
    /// Leave out these categories; may be repeated
    #[arg(long, value_enum, value_name = "CATEGORY")]
    pub(crate) skip: Vec<Category>,
    /// GitLab Runner's configuration [default: /etc/gitlab-runner/config.toml, or ~/.gitlab-runner/config.toml
    /// for users other than root]
    #[arg(long, value_name = "FILE")]
    pub(crate) runner_config: Option<PathBuf>,
    /// Write one JSON document for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// The subjects of checks. They build on each other in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Category {
    /// This machine
    Machine,
    /// fargate.toml
    Configuration,
    /// GitLab Runner and its config.toml
    Runner,
    /// AWS's view of this manager, and its permissions
    Identity,
    /// The ECS cluster
    Cluster,
    /// The task definition of TaskDefinition mode
    Task,
    /// Subnets, routes, endpoints and security groups
    Network,
    /// What the account may run at once
    Quotas,
    /// Images in ECR, log groups and secrets
    Images,
    /// A real task, with --start
    Start,
}

impl Category {
    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Machine => "This machine",
            Self::Configuration => "Configuration",
            Self::Runner => "GitLab Runner",
            Self::Identity => "AWS identity and permissions",
            Self::Cluster => "Cluster",
            Self::Task => "Task definition",
            Self::Network => "Network",
            Self::Quotas => "Quotas",
            Self::Images => "Images, logs and secrets",
            Self::Start => "A real task",
        }
    }
}
