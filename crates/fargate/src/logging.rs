//! The diagnostic log: for operators, quiet unless asked.
//!
//! Stages print messages for job authors on their standard streams, which GitLab Runner puts into the job log. This log
//! has the rest, on standard error or in `LogFile`.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Logging};
use crate::error::{Error, Result};
use crate::output::tinted;
use crate::text::plain;

/// AWS's libraries log credentials and raw replies at every level. Our errors repeat what AWS said.
const AWS_LIBRARIES: &str = "aws_";

/// The readers of standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Readers of the job log: warnings and errors look like GitLab Runner's own.
    JobLog,
    /// Operators, at a terminal or in GitLab Runner's log.
    Operator,
}

/// Starts logging by the settings in `log`.
///
/// # Errors
///
/// When the log file cannot be opened.
pub(crate) fn start(log: &Logging, audience: Audience) -> Result<()> {
    match &log.file {
        None => subscribe(log, audience, io::stderr),
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
            subscribe(log, Audience::Operator, Mutex::new(file));
        }
    }
    Ok(())
}

/// Starts logging, on standard error if the log file cannot be opened; returns why it cannot.
pub(crate) fn start_or_fall_back(log: &Logging) -> Option<String> {
    let refused = start(log, Audience::Operator).err()?;
    subscribe(log, Audience::Operator, io::stderr);
    Some(refused.to_string())
}

fn subscribe(
    log: &Logging,
    audience: Audience,
    writer: impl for<'a> MakeWriter<'a, Writer: Write> + Send + Sync + 'static,
) {
    let targets = Targets::new()
        .with_default(of_libraries(log.level))
        .with_target(AWS_LIBRARIES, LevelFilter::OFF)
        .with_targets(["fargate", "ecs_local"].map(|target| (target, log.level)));
    let lines = tracing_subscriber::fmt::format()
        .with_ansi(false)
        .with_target(log.level == tracing::Level::DEBUG);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(log.level)
        .with_ansi(false)
        .with_writer(writer)
        .event_format(lines.clone());
    // A second start in one process is our bug, and must not fail a job.
    let started = match (log.format, audience) {
        (LogFormat::Text, Audience::Operator) => subscriber.finish().with(targets).try_init(),
        (LogFormat::Text, Audience::JobLog) => {
            let subscriber = subscriber.event_format(JobLogLines(lines));
            subscriber.finish().with(targets).try_init()
        }
        (LogFormat::Json, _) => subscriber.json().finish().with(targets).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!("{error}");
    }
}

/// Lines of the job log: warnings and errors look like GitLab Runner's own, and all others as in a log.
struct JobLogLines(Format<Full>);

impl<S, N> FormatEvent<S, N> for JobLogLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let label = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            _ => return self.0.format_event(context, writer, event),
        };
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        writeln!(writer, "{}", tinted(&plain(&format!("{label}: {fields}"))))
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
