//! Runs each GitLab CI job in a fresh AWS Fargate task.
//!
//! GitLab Runner's custom executor calls its stages; operators type its other commands. ARCHITECTURE.md has the map.

mod aws;
mod backoff;
mod cli;
mod config;
mod connect;
mod context;
mod error;
mod gitlab;
#[cfg(any(feature = "agent-image", feature = "trial"))]
mod images;
mod logging;
mod operate;
mod output;
mod signals;
mod ssh;
mod stages;
mod start;
mod state;
mod task;
mod teardown;
mod text;
#[cfg(feature = "trial")]
mod trial;

use std::io::{IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[cfg(any(feature = "agent-image", feature = "trial"))]
use crate::cli::Agent;
#[cfg(feature = "trial")]
use crate::cli::Local;
use crate::cli::{Cli, Command, Options};
#[cfg(feature = "agent-image")]
use crate::cli::{Content, Manager};
use crate::config::{CleanupConfig, Config, DEFAULT_FILE, Flags, Logging};
use crate::error::{Blame, Error, Result};
use crate::gitlab::Runner;
use crate::logging::Audience;
use crate::output::tinted;
use crate::signals::Shutdown;
use crate::text::plain;

fn main() -> ExitCode {
    let runner = Runner::from_environment();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, runner.ok()),
    };
    let is_custom = matches!(cli.command, Command::Custom(_));
    let is_ssh = matches!(cli.command, Command::Ssh(_));
    let is_tinted = cli.writes_job_log() || std::io::stderr().is_terminal();
    let result = match &runner {
        Err(missing) if is_custom => Err(missing.clone()),
        _ => {
            exit_on_panic(
                runner.as_ref().ok().filter(|_| is_custom).cloned(),
                is_tinted,
            );
            run(cli)
        }
    };
    if let Err(error) = &result {
        report(error, is_tinted);
    }
    let blame = result.err().map(|error| error.blame());
    match (is_custom, runner) {
        (true, Ok(runner)) => ExitCode::from(runner.report(blame)),
        _ => ExitCode::from(match blame {
            None => 0,
            Some(Blame::Script(status)) if is_ssh => u8::try_from(status).unwrap_or(u8::MAX),
            Some(Blame::Script(_) | Blame::Job | Blame::System) => 1,
            Some(Blame::Usage) => 2,
            Some(Blame::Stopped(signal)) => u8::try_from(128 + signal).unwrap_or(1),
        }),
    }
}

/// Makes a panic, in whatever task, end the process as a failure of the driver.
///
/// The runner must not take a panic for a script's exit status, and the job log has our own lines only. A hook does
/// it, as the released driver is smaller without unwinding (`[profile.driver]`).
fn exit_on_panic(runner: Option<Runner>, is_tinted: bool) {
    panic::set_hook(Box::new(move |panic| {
        let error = bug(panic);
        operate::ssh::restore_terminal();
        report(&error, is_tinted);
        let code = runner
            .as_ref()
            .map_or(1, |runner| runner.report(Some(error.blame())));
        #[expect(clippy::exit, reason = "a panic cannot return to `main`")]
        std::process::exit(i32::from(code));
    }));
}

/// The error for a panic.
fn bug(panic: &PanicHookInfo<'_>) -> Error {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic
        .location()
        .map(|place| format!(" ({}:{})", place.file(), place.line()))
        .unwrap_or_default();
    Error::system(format!("fargate itself failed: {message}{place}"))
        .advise("This is a bug: please report it with this line. A retry of the job may pass.")
}

/// Everything between arguments and exit code.
fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::system(format!("could not start: {error}")))?;
    let result = runtime.block_on(async {
        let shutdown = Shutdown::listen()?;
        command(cli, shutdown).await
    });
    // A name lookup that still runs must not keep the process alive.
    runtime.shutdown_background();
    result
}

/// What the command line asks for.
async fn command(cli: Cli, shutdown: Shutdown) -> Result<()> {
    let Cli { options, command } = cli;
    let operators = || logged_configuration(&options, Audience::Operator);
    match command {
        Command::Custom(custom) => {
            let whole = || logged_configuration(&options, Audience::JobLog);
            let lenient = || cleanup_configuration(&options);
            stages::stage(custom, whole, lenient, &flags(&options), shutdown).await
        }
        Command::Doctor(request) => {
            start_operators_log(&options)?;
            operate::doctor::doctor(&request, options.config.as_deref(), &shutdown).await
        }
        Command::Init(request) => {
            start_operators_log(&options)?;
            operate::init::init(&request, options.config.as_deref(), &shutdown).await
        }
        Command::Reap(options) => operate::reap::reap(&options, &operators()?, &shutdown).await,
        Command::Ps(request) => operate::ps::ps(&request, &operators()?, &shutdown).await,
        Command::Logs(request) => operate::logs::logs(&request, &operators()?, &shutdown).await,
        Command::Ssh(request) => operate::ssh::ssh(&request, &operators()?, &shutdown).await,
        Command::Warm { command } => {
            operate::warm::warm(&command, operators()?, flags(&options), &shutdown).await
        }
        Command::Report(request) => {
            operate::report::report(request, &operators()?, &shutdown).await
        }
        Command::Completions { shell } => operate::manual::completions(shell),
        Command::Man { output } => operate::manual::pages(output.as_deref()),
        #[cfg(feature = "trial")]
        Command::Try(request) => trial::try_job(&request, &options, &shutdown).await,
        #[cfg(feature = "trial")]
        Command::Local {
            command: Local::Serve(serve),
        } => trial::serve(&serve, &shutdown).await,
        #[cfg(any(feature = "agent-image", feature = "trial"))]
        Command::Agent { command } => agent(command, &shutdown).await,
        #[cfg(feature = "agent-image")]
        Command::Manager { command } => manager(command, &options, &shutdown).await,
    }
}

/// The agent's commands.
#[cfg(any(feature = "agent-image", feature = "trial"))]
async fn agent(command: Agent, shutdown: &Shutdown) -> Result<()> {
    match command {
        #[cfg(feature = "agent-image")]
        Agent::Image { programs, output } => images::agent::write(&programs.files, &output),
        #[cfg(feature = "agent-image")]
        Agent::Push {
            programs,
            insecure,
            destination,
        } => images::agent::push(&programs.files, &destination, insecure, shutdown).await,
        #[cfg(feature = "trial")]
        Agent::Serve(options) => trial::serve_agent(options).await,
    }
}

/// The manager's commands.
#[cfg(feature = "agent-image")]
async fn manager(command: Manager, options: &Options, shutdown: &Shutdown) -> Result<()> {
    use images::manager::{push, write};
    match command {
        Manager::Run => {
            start_operators_log(options)?;
            operate::manager::run(shutdown).await
        }
        Manager::Health => operate::manager::health().await,
        Manager::Image { content, output } => {
            write(&content.folders, &content.base, &output, shutdown).await
        }
        Manager::Push {
            content,
            insecure,
            destination,
        } => {
            let Content { base, folders } = content;
            push(&folders, &base, &destination, insecure, shutdown).await
        }
    }
}

/// The options that change a job's task.
fn flags(options: &Options) -> Flags {
    Flags {
        task_definition: options.task_def.clone(),
        platform_version: options.platform_version.clone(),
    }
}

/// The configuration. Starts logging by it and the command line.
fn logged_configuration(options: &Options, audience: Audience) -> Result<Config> {
    let mut config = Config::load(&file(options))?;
    override_logging(&mut config.log, options);
    logging::start(&config.log, audience)?;
    tracing::debug!(
        "configuration read from {} by fargate {}",
        file(options).display(),
        env!("CARGO_PKG_VERSION")
    );
    Ok(config)
}

/// Starts logging by the command line alone, for a command that judges the configuration.
fn start_operators_log(options: &Options) -> Result<()> {
    let mut log = Logging::default();
    override_logging(&mut log, options);
    logging::start(&log, Audience::Operator)
}

/// Cleanup's part of the configuration. Starts logging by it, on standard error if the log file fails.
fn cleanup_configuration(options: &Options) -> Result<CleanupConfig> {
    let mut config = CleanupConfig::load(&file(options))?;
    override_logging(&mut config.log, options);
    config
        .warnings
        .extend(logging::start_or_fall_back(&config.log));
    Ok(config)
}

/// The configuration file.
fn file(options: &Options) -> PathBuf {
    options
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE))
}

/// Applies the command line's options of logging.
fn override_logging(log: &mut Logging, options: &Options) {
    log.level = match (options.debug, options.log_level) {
        (true, _) => tracing::Level::DEBUG,
        (false, Some(level)) => level,
        (false, None) => log.level,
    };
    log.format = options.log_format.unwrap_or(log.format);
    if let Some(file) = options.log_file.as_deref().filter(|file| !file.is_empty()) {
        log.file = Some(PathBuf::from(file));
    }
}

/// Prints the error and the advice. GitLab shows standard error in the job log. Where a signal stopped this process,
/// that is no error of ours, and GitLab Runner says why.
fn report(error: &Error, is_tinted: bool) {
    let message = error.to_string();
    if message.is_empty() {
        return;
    }
    // Several problems have a line each. They may quote a job's author or a server.
    let advice = error
        .advice()
        .into_iter()
        .map(|advice| format!("  {advice}"));
    let label = match error.blame() {
        Blame::Stopped(_) => "",
        _ => "ERROR: ",
    };
    let tint = |line: String| match is_tinted {
        true => tinted(&line).into_owned(),
        false => line,
    };
    let text: String = format!("{label}{message}")
        .lines()
        .map(str::to_owned)
        .chain(advice)
        .map(|line| tint(plain(&line)) + "\n")
        .collect();
    // A closed standard error leaves no place to report it.
    let _nobody_listens = std::io::stderr().write_all(text.as_bytes());
}

fn usage(error: &clap::Error, runner: Option<Runner>) -> ExitCode {
    let _nobody_listens = error.print();
    match runner {
        // The runner would take clap's own exit code for the script's, or would not know it.
        Some(runner) if error.use_stderr() => ExitCode::from(runner.report(Some(Blame::Usage))),
        _ => ExitCode::from(if error.use_stderr() { 2 } else { 0 }),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Runner, exit_on_panic};

    /// Set in the child process, which panics.
    const PANIC: &str = "FARGATE_TEST_PANIC";

    #[test]
    fn a_panic_in_any_thread_is_the_systems_failure() {
        if std::env::var_os(PANIC).is_some() {
            exit_on_panic(Some(Runner::from_environment().unwrap()), false);
            std::thread::spawn(|| panic!("the sky fell"))
                .join()
                .unwrap_err();
            return;
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::a_panic_in_any_thread_is_the_systems_failure",
            ])
            .arg("--nocapture")
            .env(PANIC, "1")
            .envs(Runner::ENVIRONMENT)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&child.stderr);
        assert_eq!(child.status.code(), Some(12), "{log}");
        let line = "ERROR: fargate itself failed: the sky fell (crates/fargate/src/main.rs:";
        assert!(log.starts_with(line), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}
