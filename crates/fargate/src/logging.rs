//! The diagnostic log: for operators, quiet unless asked.
//!
//! Stages print messages for job authors on their standard streams, which GitLab Runner puts into the job log. This log
//! has the rest, on standard error or in `LogFile`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Logging};
use crate::error::{Error, Result};

/// AWS's libraries log credentials and raw replies at every level. Our errors repeat what AWS said.
const AWS_LIBRARIES: &str = "aws_";

/// Starts logging by the settings in `log`.
///
/// # Errors
///
/// When the log file cannot be opened.
pub(crate) fn start(log: &Logging) -> Result<()> {
    match &log.file {
        None => subscribe(log, io::stderr),
        Some(path) => {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)
                .map_err(|error| {
                    Error::system(format!("could not open the log file {}: {error}", path.display()))
                        .advise("Check LogFile and --log-file, and that GitLab Runner's user may write there.")
                })?;
            subscribe(log, Mutex::new(file));
        }
    }
    Ok(())
}

/// Starts logging, on standard error if the log file cannot be opened; returns why it cannot.
pub(crate) fn start_or_fall_back(log: &Logging) -> Option<String> {
    let refused = start(log).err()?;
    subscribe(log, io::stderr);
    Some(refused.to_string())
}

fn subscribe(
    log: &Logging,
    writer: impl for<'a> MakeWriter<'a, Writer: Write> + Send + Sync + 'static,
) {
    let targets = Targets::new()
        .with_default(of_libraries(log.level))
        .with_target(AWS_LIBRARIES, LevelFilter::OFF)
        .with_targets(["fargate", "ecs_local"].map(|target| (target, log.level)));
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(log.level)
        .with_ansi(false)
        .with_target(log.level == tracing::Level::DEBUG)
        .with_writer(writer);
    // A second start in one process is our bug, and must not fail a job.
    let started = match log.format {
        LogFormat::Text => subscriber.finish().with(targets).try_init(),
        LogFormat::Json => subscriber.json().finish().with(targets).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!("{error}");
    }
}

/// The level of libraries. Their words are for readers of our own debug messages only, and at debug they log every
/// request.
fn of_libraries(ours: tracing::Level) -> LevelFilter {
    if ours == tracing::Level::DEBUG {
        LevelFilter::WARN
    } else {
        LevelFilter::OFF
    }
}
