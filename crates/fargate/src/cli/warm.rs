//! The options of `fargate warm`.

use std::time::Duration;

use clap::{Args, Subcommand};

/// The examples of its help.
pub(super) const WARM_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml warm keep
  fargate --config fargate.toml warm status --json";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml warm simulate
  fargate --config fargate.toml warm simulate --since 30d --max-tasks 5";

/// The commands about tasks that wait for jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum Warm {
    /// Keep the tasks of [Warm] in fargate.toml ready, until it is stopped
    ///
    /// Runs as the user that owns the metadata folder; one for each configuration. Reads fargate.toml again when it
    /// changes. Leaves the tasks when it is stopped, for the next one. Exits with 0, 1 when a task could not be started
    /// (with --once), 2 when the configuration is wrong.
    #[command(after_help = "Example:\n  fargate --config fargate.toml warm keep --once")]
    Keep(Keep),
    /// End all waiting tasks, and start none until `warm keep --resume`
    ///
    /// Jobs that have claimed one are left alone. Exits with 0, or 1 when a task could not be stopped.
    #[command(after_help = "Example:\n  fargate --config fargate.toml warm drain")]
    Drain,
    /// Show how many tasks wait, for each pool
    #[command(after_help = "Example:\n  fargate --config fargate.toml warm status --json")]
    Status(Status),
    /// What waiting tasks would have brought to past jobs, and cost
    ///
    /// Replays the jobs of the ledger: without waiting tasks, with the pools of fargate.toml, and with Follow. Asks
    /// AWS for nothing and changes nothing. Sums of money are about.
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Simulate),
}

/// `fargate warm simulate`
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// How far to look back, such as 12h, 7d or 3months
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "7d")]
    pub(crate) since: Duration,
    /// How many tasks wait at most in the largest proposal
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000), default_value = "10")]
    pub(crate) max_tasks: u16,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// `fargate warm keep`
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Do what is to be done now, and end when the tasks it started are ready
    #[arg(long)]
    pub(crate) once: bool,
    /// Start tasks again after `warm drain`
    #[arg(long)]
    pub(crate) resume: bool,
}

/// `fargate warm status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}
