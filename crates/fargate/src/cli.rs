//! The command line (contract: DESIGN section 2, a superset of GitLab's driver's).

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The configuration that is read when none is named, as in GitLab's driver.
pub(crate) const DEFAULT_CONFIG: &str = "config.toml";

/// Runs each GitLab CI job in a fresh AWS Fargate task.
#[derive(Debug, Parser)]
#[command(name = "fargate", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The configuration, fargate.toml [default: config.toml in the working directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log everything; the same as --log-level debug
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Log from this level on: debug, info, warn or error
    #[arg(long, global = true, value_name = "LEVEL", value_parser = crate::config::log_level)]
    pub(crate) log_level: Option<tracing::Level>,
    /// How the log looks: text or json
    #[arg(long, global = true, value_name = "FORMAT", value_parser = crate::config::log_format)]
    pub(crate) log_format: Option<crate::config::LogFormat>,
    /// Append the log to this file [default: standard error]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log_file: Option<OsString>,
    /// Run this task definition: family, family:revision or ARN
    #[arg(long, global = true, value_name = "TD")]
    pub(crate) task_def: Option<String>,
    /// Run on this Fargate platform version
    #[arg(long, global = true, value_name = "PV")]
    pub(crate) platform_version: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What GitLab Runner's custom executor calls
    #[command(visible_alias = "c")]
    Custom(Custom),
    /// A stand-in for AWS on this machine
    Local {
        #[command(subcommand)]
        command: Local,
    },
    /// The SSH server inside a job's containers
    #[command(hide = true)]
    Agent {
        #[command(subcommand)]
        command: Agent,
    },
}

/// The stages of a job.
#[derive(Debug, Args)]
pub(crate) struct Custom {
    #[command(subcommand)]
    pub(crate) stage: Stage,
}

/// A stage. Further arguments are ignored, as GitLab's driver does.
#[derive(Debug, Subcommand)]
pub(crate) enum Stage {
    /// Tell the runner about the driver, as JSON
    #[command(visible_alias = "co")]
    Config {
        #[arg(hide = true)]
        rest: Vec<OsString>,
    },
    /// Start the job's task
    #[command(visible_alias = "p")]
    Prepare {
        #[arg(hide = true)]
        rest: Vec<OsString>,
    },
    /// Run one of the job's scripts in its task
    #[command(visible_alias = "r")]
    Run {
        /// The script
        script: PathBuf,
        /// The runner's name of what the script does
        stage: String,
        #[arg(hide = true)]
        rest: Vec<OsString>,
    },
    /// Stop the job's task
    #[command(visible_alias = "cl")]
    Cleanup {
        #[arg(hide = true)]
        rest: Vec<OsString>,
    },
}

/// The agent's commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// Take scripts over SSH
    Serve {
        /// Where to listen
        #[arg(long, value_name = "ADDRESS")]
        listen: SocketAddr,
        /// Leave when standard input ends
        #[arg(long)]
        until_stdin_closes: bool,
    },
}

/// The commands of the stand-in.
#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Answer the calls of ECS, EC2 and STS, with real tasks behind them
    Serve(Serve),
}

/// How the stand-in serves.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; whoever can reach it can run programs here
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    /// What runs the tasks' containers
    #[arg(long, value_enum, default_value_t = Backend::Process)]
    pub(crate) backend: Backend,
    /// Let happen what this JSON document says
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Scale of AWS's usual waiting times: 0 for none, 1 for AWS's own
    #[arg(long, value_name = "FACTOR", default_value_t = 0.0)]
    pub(crate) latency: f64,
    /// Apply AWS's published rate limits
    #[arg(long)]
    pub(crate) throttle: bool,
}

/// What runs the containers of the stand-in's tasks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Backend {
    /// Processes of this machine
    Process,
    /// Containers of this machine's Docker or Podman, found as the docker command finds it (DOCKER_HOST)
    Container,
}
