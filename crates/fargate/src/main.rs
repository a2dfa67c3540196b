//! Runs each GitLab CI job in a fresh AWS Fargate task.
//!
//! The driver that GitLab Runner's custom executor calls, and what its operators type. ARCHITECTURE.md has the
//! map.

mod agent_image;
mod cli;
mod config;
mod ecs;
mod error;
mod job_image;
mod local;
mod log;
mod lookout;
mod manager;
mod mark;
#[cfg(test)]
mod mutation;
mod output;
mod placement;
mod plain;
mod private;
mod reap;
mod record;
mod retire;
mod runner;
mod ssh;
mod stages;
mod stop;
mod sweep;
mod task;
mod trial;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Agent, Cli, Command, DEFAULT_CONFIG, Local, Options};
use crate::config::Config;
use crate::error::{Blame, Error, Result};
use crate::plain::plain;
use crate::runner::Runner;
use crate::stop::Stop;

fn main() -> ExitCode {
    let runner = Runner::from_environment();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, runner.ok()),
    };
    let is_custom = matches!(cli.command, Command::Custom(_));
    let result = match &runner {
        Err(missing) if is_custom => Err(missing.clone()),
        // A panic must not look like a status of its own to the runner.
        _ => catch_unwind(AssertUnwindSafe(|| run(cli)))
            .unwrap_or_else(|_| Err(Error::system("fargate itself failed (a bug)"))),
    };
    if let Err(error) = &result {
        complain(error);
    }
    let blame = result.err().map(|error| error.blame());
    match (is_custom, runner) {
        (true, Ok(runner)) => ExitCode::from(runner.report(blame)),
        _ => ExitCode::from(match blame {
            None => 0,
            Some(Blame::Script(_) | Blame::Job | Blame::System) => 1,
            Some(Blame::Usage) => 2,
            Some(Blame::Stopped(signal)) => u8::try_from(128 + signal).unwrap_or(1),
        }),
    }
}

/// Everything between arguments and exit code.
fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::system(format!("could not start: {error}")))?;
    let result = runtime.block_on(async {
        let stop = Stop::listen()?;
        match cli.command {
            Command::Custom(custom) => {
                let config = configuration(&cli.options)?;
                log::start(&config.log)?;
                stages::stage(custom, &config, &cli.options, stop).await
            }
            Command::Reap(wanted) => {
                let config = configuration(&cli.options)?;
                log::start(&config.log)?;
                reap::reap(&wanted, &config, &stop).await
            }
            Command::Try(wanted) => trial::run(&wanted, &cli.options, &stop).await,
            Command::Local {
                command: Local::Serve(serve),
            } => local::serve(&serve, &stop).await,
            Command::Agent {
                command: Agent::Image { programs, output },
            } => agent_image::write(&programs.files, &output),
            Command::Agent {
                command:
                    Agent::Push {
                        programs,
                        insecure,
                        destination,
                    },
            } => agent_image::push(&programs.files, &destination, insecure, &stop).await,
            Command::Agent {
                command:
                    Agent::Serve {
                        listen,
                        host_key,
                        helper,
                        until_stdin_closes,
                    },
            } => {
                let arguments = fargate_agent::Arguments {
                    listen,
                    host_key,
                    helper,
                    until_stdin_closes,
                };
                let served = fargate_agent::run(arguments).await;
                served.map_err(|error| Error::system(format!("the agent failed: {error:#}")))
            }
        }
    });
    // A name that is still being looked up must not keep the process.
    runtime.shutdown_background();
    result
}

/// The configuration, with the command line's say over its logging.
fn configuration(options: &Options) -> Result<Config> {
    let path = options
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from(DEFAULT_CONFIG));
    let mut config = Config::load(&path)?;
    config.log.level = match (options.debug, options.log_level) {
        (true, _) => tracing::Level::DEBUG,
        (false, Some(level)) => level,
        (false, None) => config.log.level,
    };
    config.log.format = options.log_format.unwrap_or(config.log.format);
    if let Some(file) = options.log_file.as_deref().filter(|file| !file.is_empty()) {
        config.log.file = Some(PathBuf::from(file));
    }
    Ok(config)
}

/// Tells a person what went wrong and what to do. GitLab shows standard error in the job log.
fn complain(error: &Error) {
    let message = error.to_string();
    if message.is_empty() {
        return;
    }
    // Several problems have a line each. What is in them may be somebody else's words.
    let advice = error
        .advice()
        .into_iter()
        .map(|advice| format!("  {advice}"));
    let text: String = format!("ERROR: {message}")
        .lines()
        .map(str::to_owned)
        .chain(advice)
        .map(|line| plain(&line) + "\n")
        .collect();
    // There is nowhere left to say that standard error is closed.
    let _nobody_listens = std::io::stderr().write_all(text.as_bytes());
}

fn usage(error: &clap::Error, runner: Option<Runner>) -> ExitCode {
    let _nobody_listens = error.print();
    match runner {
        // The runner would take clap's own status for the script's, or for none of its codes.
        Some(runner) if error.use_stderr() => ExitCode::from(runner.report(Some(Blame::Usage))),
        _ => ExitCode::from(if error.use_stderr() { 2 } else { 0 }),
    }
}
