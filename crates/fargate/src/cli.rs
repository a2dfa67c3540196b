//! The command line: a superset of GitLab's driver's. Scripts depend on it.

mod doctor;
mod init;
mod jobs;
#[cfg(feature = "agent-image")]
mod manager;
mod ssh;
#[cfg(feature = "trial")]
mod trial;
mod warm;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::doctor::{Category, Doctor};
pub(crate) use self::init::Init;
pub(crate) use self::jobs::{Logs, Ps, Subject};
#[cfg(feature = "agent-image")]
pub(crate) use self::manager::{Content, Manager};
pub(crate) use self::ssh::Ssh;
#[cfg(feature = "trial")]
pub(crate) use self::trial::{Backend, Containers, Local, Serve, ServeAgent, Try};
pub(crate) use self::warm::{Keep, Simulate, Status, Warm};

const EXAMPLES: &str = "\
Examples:
  fargate try                                       run the job of ./.gitlab-ci.yml on this machine
  fargate --config fargate.toml reap --dry-run      show the leftovers of jobs that are gone";

const CUSTOM_EXAMPLE: &str = "\
Example (config.toml of GitLab Runner):
  [runners.custom]
    prepare_exec = \"/usr/local/bin/fargate\"
    prepare_args = [\"--config\", \"/etc/gitlab-runner/fargate.toml\", \"custom\", \"prepare\"]";

#[cfg(feature = "agent-image")]
const PUSH_EXAMPLE: &str = "\
Example:
  fargate agent push 123456789012.dkr.ecr.eu-west-1.amazonaws.com/fargate-agent";

#[cfg(feature = "trial")]
const TRY_EXAMPLES: &str = "\
Examples:
  fargate try --list                                   show the jobs of ./.gitlab-ci.yml
  fargate try 'unit tests' --needs                     run a job after those that it needs
  fargate try --all --include-dir ../ci-templates      run the pipeline
  fargate try build --containers --variable DEBUG=1    run a job in its own image
  fargate --config fargate.toml try build --keep       run a job on AWS, and keep its task";

const REPORT_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml report --since 7d
  fargate --config fargate.toml report --metrics /var/lib/prometheus/node-exporter/fargate.prom";

const REAP_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml reap --dry-run
  fargate --config fargate.toml reap --older-than 15m";

/// Runs each GitLab CI job in a fresh AWS Fargate task.
#[derive(Debug, Parser)]
#[command(name = "fargate", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether GitLab Runner puts this command's output into the job log: cleanup's goes to the runner's own log.
    pub(crate) fn writes_job_log(&self) -> bool {
        match &self.command {
            Command::Custom(custom) => !matches!(custom.stage, Stage::Cleanup { .. }),
            _ => false,
        }
    }
}

/// Options of all commands, which help shows apart from a command's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
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

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The stages that GitLab Runner's custom executor calls
    #[command(visible_alias = "c", after_help = CUSTOM_EXAMPLE)]
    Custom(Custom),
    /// Run jobs of a .gitlab-ci.yml as GitLab Runner would
    ///
    /// Without --config they run on this machine, against a local stand-in for AWS, as processes or, with
    /// --containers, in containers; with --config against that AWS account. Exits with 0 when the jobs succeeded, 1
    /// when one failed, 2 when nothing could be run.
    #[cfg(feature = "trial")]
    #[command(after_help = TRY_EXAMPLES)]
    Try(Try),
    /// Find what is wrong before a job does, and say the fix
    ///
    /// Checks this machine, fargate.toml, GitLab Runner's config.toml and the AWS account. Changes nothing, and takes
    /// five seconds at most. Exits with 0 when nothing is wrong (warnings included), 1 when a check failed.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(Doctor),
    /// The jobs of this manager that wait or run
    ///
    /// Shows each with its phase, its task and what it has cost so far, and what the next sweep would end. Works from
    /// the records of jobs, and asks AWS once; what AWS does not answer in three seconds is named. Changes nothing.
    #[command(after_help = jobs::PS_EXAMPLES)]
    Ps(Ps),
    /// The story of a job's task, and the output of its containers
    ///
    /// Tells when the task was asked for, reached each phase, ran each script and stopped, and why. Then prints what
    /// its containers sent to CloudWatch. Works for jobs that run, for kept tasks, and for jobs in the ledger.
    #[command(after_help = jobs::LOGS_EXAMPLES)]
    Logs(Logs),
    /// Make fargate.toml, the part of GitLab Runner's config.toml and IAM policies
    ///
    /// From options, from a stack's outputs, or by asking in a terminal. Overwrites nothing without --force, says what
    /// to do next, and ends with doctor. Exits with 0 when all is right, 1 when doctor finds a fault, 2 when options
    /// are missing or wrong.
    #[command(after_help = init::EXAMPLES)]
    Init(Box<Init>),
    /// Open a shell in the container of a job that runs, or whose task is kept
    ///
    /// Runs COMMAND, or a shell, in the project's folder, with the job's own key. Standard input that is a terminal
    /// gets a terminal there; ~. on a new line leaves one that hangs. Exits as the command does, and with 1 without a
    /// connection.
    #[command(after_help = ssh::SSH_EXAMPLES)]
    Ssh(Ssh),
    /// Stop what is left of jobs whose GitLab Runner is gone, and tasks of this manager without a job
    ///
    /// Jobs whose GitLab Runner lives, and tasks of other managers, are left alone. prepare does the same every few
    /// minutes. Exits with 0 when nothing is left, 1 when something could not be stopped.
    #[command(after_help = REAP_EXAMPLES)]
    Reap(Reap),
    /// Print the completions of a shell
    ///
    /// bash: into a file of /usr/share/bash-completion/completions or ~/.local/share/bash-completion/completions, named
    /// fargate. zsh: into a file _fargate in a folder of $fpath. fish: into ~/.config/fish/completions/fargate.fish.
    #[command(after_help = "Example:\n  source <(fargate completions bash)")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands
    #[command(
        after_help = "Examples:\n  fargate man | man -l -\n  fargate man --output /usr/local/share/man/man1"
    )]
    Man {
        /// Write fargate.1, and a page for each command, to this folder
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// How long starts took, why jobs failed and what they cost, from the ledger of finished jobs
    ///
    /// Without options it prints tables. Sums of money are about: AWS's list prices, without tax and discounts. Exits
    /// with 0, or 1 when the ledger cannot be read.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// Tasks that wait for jobs, so that jobs start at once
    #[command(after_help = warm::WARM_EXAMPLES)]
    Warm {
        #[command(subcommand)]
        command: Warm,
    },
    /// A stand-in for AWS on this machine
    #[cfg(feature = "trial")]
    Local {
        #[command(subcommand)]
        command: Local,
    },
    /// The agent that runs in a job's containers
    #[cfg(any(feature = "agent-image", feature = "trial"))]
    Agent {
        #[command(subcommand)]
        command: Agent,
    },
    /// The image of a manager that runs as a container: GitLab Runner and fargate
    #[cfg(feature = "agent-image")]
    Manager {
        #[command(subcommand)]
        command: Manager,
    },
}

impl Options {
    /// These options for a stage that runs in another folder, except --config.
    #[cfg(feature = "trial")]
    pub(crate) fn for_stages(&self) -> Vec<OsString> {
        let level = self.log_level.map(|level| OsString::from(level.as_str()));
        let format = self.log_format.map(|format| match format {
            crate::config::LogFormat::Text => OsString::from("text"),
            crate::config::LogFormat::Json => OsString::from("json"),
        });
        // An empty name has no absolute form, and means standard error.
        let file = self.log_file.as_ref().map(|file| {
            std::path::absolute(file).map_or_else(|_| file.clone(), PathBuf::into_os_string)
        });
        let text = |value: &Option<String>| value.as_ref().map(OsString::from);
        let named = [
            ("--log-level", level),
            ("--log-format", format),
            ("--log-file", file),
            ("--task-def", text(&self.task_def)),
            ("--platform-version", text(&self.platform_version)),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some([OsString::from(name), value?]));
        let debug = self.debug.then(|| OsString::from("--debug"));
        named.flatten().chain(debug).collect()
    }
}

/// `fargate reap`
#[derive(Debug, Args)]
pub(crate) struct Reap {
    /// Only say what would be stopped, and why
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How old a task must be that no record names, such as 90s, 15m or 0s
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration, default_value = "10m")]
    pub(crate) older_than: Duration,
    /// End the kept tasks of failed jobs, too, before their time
    #[arg(long)]
    pub(crate) kept: bool,
}

/// `fargate report`
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// How far to look back, such as 12h, 7d or 3months
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "30d")]
    pub(crate) since: Duration,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw starts over time and the cost of projects
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Write metrics of all that was ever in the ledger, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE.prom")]
    pub(crate) metrics: Option<PathBuf>,
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
#[cfg(any(feature = "agent-image", feature = "trial"))]
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// Write the agent's container image to a folder or a file
    #[cfg(feature = "agent-image")]
    #[command(after_help = "Example:\n  fargate agent image --output fargate-agent.tar")]
    Image {
        #[command(flatten)]
        programs: Programs,
        /// A folder for an OCI image layout, or a file that ends in .tar for a tar of one
        #[arg(long, value_name = "PATH")]
        output: PathBuf,
    },
    /// Push the agent's container image to a registry
    #[cfg(feature = "agent-image")]
    #[command(after_help = PUSH_EXAMPLE)]
    Push {
        #[command(flatten)]
        programs: Programs,
        /// Speak plain HTTP with the registry, as with those on this machine
        #[arg(long)]
        insecure: bool,
        /// Where to; the tag is this program's version unless given
        #[arg(value_name = "REPOSITORY[:TAG]")]
        destination: String,
    },
    /// Take scripts over SSH
    #[cfg(feature = "trial")]
    #[command(hide = true)]
    Serve(ServeAgent),
}

/// The programs in the agent's image.
#[cfg(feature = "agent-image")]
#[derive(Debug, Args)]
pub(crate) struct Programs {
    /// The static program fargate-agent; once for each architecture [default: the one beside this program]
    #[arg(long = "binary", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}
