//! The options of `fargate warm`.

use std::time::Duration;

use clap::{Args, Subcommand};

const SIMULATE_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml warm simulate
  fargate --config fargate.toml warm simulate --since 30d --max-tasks 5";

/// The commands about tasks that wait for jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum Warm {
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
