//! `custom run`: runs one script in the job's task.
//!
//! A process per script, about ten per job, so it reads only what it needs, starts no thread, and asks AWS
//! nothing unless the connection is lost, or what services print is to be shown.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::service_log::ServiceLog;
use super::services;
use crate::aws::Aws;
use crate::connect::inquiry::{KILLED, TERMINATED, cut_down, explain};
use crate::connect::job_container::{self, target};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::gitlab::{RunsIn, is_job_script};
use crate::output::Output;
use crate::ssh::{Attended, ConnectError, Connection, Ended, KeyPair, Resumable};
use crate::state::looks::TaskWatcher;
use crate::state::record::{Login, Record};
use crate::state::records::Found;

/// Attempts to connect; the server was there when prepare ended.
const CONNECT_ATTEMPTS: u32 = 3;

/// Shortest and longest pause between attempts to get a lost connection back. The first attempt comes at once.
const RECONNECT_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How long a lost connection is tried before AWS is asked whether the task still runs, and how often after that.
const ASK_AFTER: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How long a lost connection is tried once we were told to stop: the script is to be ended, too.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(context: &Context<'_>, script: &Path, stage: &str) -> Result<()> {
    tracing::debug!("running {stage} from {}", script.display());
    let file = File::open(script).map_err(|error| {
        Error::system(format!(
            "could not read the script of {stage}, {}: {error}",
            script.display()
        ))
    })?;
    let found = record(context)?;
    let login = found.login.as_ref().ok_or_else(|| {
        Error::system("the job's task never became ready, so it takes no scripts")
            .advise("See what prepare says above.")
    })?;
    let streams = Output::stdout().and_then(|stdout| Ok((stdout, Output::stderr()?)));
    let (mut stdout, stderr) = streams
        .map_err(|error| Error::system(format!("could not open the standard streams: {error}")))?;

    let build = found
        .build
        .as_ref()
        .filter(|_| RunsIn::of(stage) == RunsIn::JobContainer);
    let (connection, record) = match build {
        Some(build) => {
            let connecting = job_container::connect(context, &found, login, build);
            let connection = context.shutdown.or(connecting).await?;
            (connection, &begins(context, &found)?)
        }
        None => match context.shutdown.or(connect(context, login)).await? {
            Ok(connection) => (connection, &found),
            Err(refusal) => return Err(unreachable(context, &found, login, &refusal).await),
        },
    };
    let services = build.filter(|_| is_job_script(stage));
    let mut service_log =
        services.and_then(|build| ServiceLog::wanted(context, record, build, &mut stdout));
    let running = async {
        // Here, so that they end with the script.
        let (mut stdout, mut stderr) = (stdout, stderr);
        if let Some(build) = services {
            services::wait(context, record, login, build).await?;
        }
        if connection.is_agent() {
            let at = build.map_or_else(|| login.clone(), |build| login.on_port(build.port));
            let patience = context.config.ssh.reconnect_timeout;
            let script = Resumable::new(file, &mut stdout, &mut stderr, patience);
            persist(context, record, &at, connection, script).await
        } else {
            connection
                .run_script(file, &mut stdout, &mut stderr, &context.shutdown)
                .await
        }
    };
    let ended = match &mut service_log {
        Some(log) => log.beside(running).await?,
        None => running.await?,
    };
    if let (Some(log), Ended::Exited(_) | Ended::Signalled(_)) = (service_log, &ended) {
        log.finish(!matches!(ended, Ended::Exited(0))).await;
    }
    if let (Ended::Exited(1..) | Ended::Signalled(_), Some(build)) = (&ended, build) {
        services::report(context, record, login, build).await;
    }
    match ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(status @ (KILLED | TERMINATED)) => {
            Err(cut_down(context, record, status, None).await)
        }
        // The script's own output has said why, and the runner says the status.
        Ended::Exited(status) => Err(Error::new(Blame::Script(status), "")),
        Ended::Signalled(name) => {
            let (number, name) = signal(&name);
            Err(cut_down(context, record, 128 + number, Some(&name)).await)
        }
        Ended::Stopped(stopped) => Err(stopped.context(format!("the script of {stage} was ended"))),
        Ended::Lost(why) => Err(lost(context, record, &why).await),
    }
}

/// Number and name of a signal from its name in SSH. One that neither SSH nor the agent has a word for counts as
/// SIGKILL.
fn signal(ssh_name: &str) -> (i32, String) {
    let numbered = ssh_name.strip_suffix(NUMBERED_SIGNAL_SUFFIX);
    if let Some(number) = numbered
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=64).contains(number))
    {
        let name = Signal::try_from(number)
            .map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
        return (number, name);
    }
    match Signal::from_str(&format!("SIG{ssh_name}")) {
        Ok(signal) => (signal as i32, signal.to_string()),
        // The server may belong to the job: what it calls a signal may be anything, of any length.
        Err(_) => (Signal::SIGKILL as i32, "an unknown signal".to_owned()),
    }
}

fn record(context: &Context<'_>) -> Result<Record> {
    let what = match context.records.find(&context.job)? {
        Found::Record(record) => return Ok(*record),
        Found::Nothing => "there is no record of the job's task".to_owned(),
        Found::Damaged(why) => format!("the record of the job's task is damaged: {why}"),
    };
    Err(Error::system(format!("{what} in {}", context.config.metadata_directory.display())).advise(
        "prepare makes it and cleanup removes it; all stages must use the same [TaskMetadata] Directory. Run the job again.",
    ))
}

/// Notes that the job's own container takes scripts: whatever becomes of it from now on, its image can be used.
fn begins(context: &Context<'_>, record: &Record) -> Result<Record> {
    let mut noted = record.clone();
    noted.began = true;
    if !record.began {
        context.records.update(&noted)?;
    }
    Ok(noted)
}

async fn connect(context: &Context<'_>, login: &Login) -> Result<Result<Connection, ConnectError>> {
    let (target, key) = (target(context, login), KeyPair::parse(&login.private_key)?);
    let mut attempt = 1;
    loop {
        match Connection::open(&target, &key).await {
            Err(ConnectError::Refused | ConnectError::Silent | ConnectError::Other(_))
                if attempt < CONNECT_ATTEMPTS =>
            {
                attempt += 1;
                sleep(Duration::from_millis(500)).await;
            }
            answer => return Ok(answer),
        }
    }
}

/// Stays with a script that goes on without us, over as many connections as it takes.
async fn persist(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    mut connection: Connection,
    mut script: Resumable<'_>,
) -> Result<Ended> {
    let mut pause = Duration::ZERO;
    let mut told = false;
    loop {
        let (before, begun) = (script.received(), Instant::now());
        let why = match script.attend(&connection, &context.shutdown).await? {
            Attended::Over(ended) => return Ok(ended),
            Attended::Lost(why) => why,
        };
        if connection.has_left() {
            return given_up(context, &mut script, why).await;
        }
        drop(connection);
        tracing::debug!("the connection to the job's task was lost: {why}");
        if !told {
            told = true;
            script
                .say(&format!(
                    "Lost the connection to the job's task ({why}), reconnecting"
                ))
                .await;
        }
        // One that is lost as soon as it is there is not to be tried at full speed: each costs the manager a handshake.
        pause = match script.received() > before {
            true if begun.elapsed() > RECONNECT_PAUSES.1 => Duration::ZERO,
            true => RECONNECT_PAUSES.0,
            false => longer(pause),
        };
        connection = match reconnect(context, record, login, pause).await? {
            Ok(connection) => connection,
            Err(ReconnectFailure::Stopped(stopped)) => return Ok(Ended::Stopped(stopped)),
            Err(ReconnectFailure::Task(what)) => {
                let why = match what {
                    Some(what) => format!("{why}, and {what}"),
                    None => why,
                };
                return given_up(context, &mut script, why).await;
            }
        };
    }
}

/// What there is of the output still belongs into the job log.
async fn given_up(context: &Context<'_>, script: &mut Resumable<'_>, why: String) -> Result<Ended> {
    let flushing = async {
        script.flush().await;
        Ok(())
    };
    context.shutdown.or(flushing).await?;
    Ok(Ended::Lost(why))
}

/// Why there is no new connection.
enum ReconnectFailure {
    /// We were told to stop.
    Stopped(Error),
    /// It is the task that is gone, or nothing can be said.
    Task(Option<String>),
}

/// Connects again, until that has been tried for long enough or there is nothing to connect to.
async fn reconnect(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    pause: Duration,
) -> Result<Result<Connection, ReconnectFailure>> {
    let (target, key) = (target(context, login), KeyPair::parse(&login.private_key)?);
    let limit = context.config.ssh.reconnect_timeout;
    let trying = async {
        let mut pause = pause;
        loop {
            sleep(pause).await;
            match Connection::open(&target, &key).await {
                Ok(connection) => return Ok(connection),
                Err(refusal @ (ConnectError::OtherHost { .. } | ConnectError::KeyRefused(_))) => {
                    return Err(refusal);
                }
                Err(refusal) => tracing::debug!("no connection to the job's task: {refusal}"),
            }
            pause = longer(pause);
        }
    };
    let told_to_stop = async {
        let stopped = context.shutdown.requested().await;
        // The script can only be ended over a connection.
        tokio::select! {
            _ = context.shutdown.insisted() => {}
            () = sleep(STOP_PATIENCE) => {}
        }
        stopped
    };
    tokio::select! {
        connected = trying => match connected {
            Ok(connection) => Ok(Ok(connection)),
            Err(refusal) => Err(unreachable(context, record, login, &refusal).await),
        },
        () = end_of_task(context, record) => Ok(Err(ReconnectFailure::Task(None))),
        () = sleep(limit) => Ok(Err(ReconnectFailure::Task(Some(format!(
            "no other was to be had within {} s (ReconnectTimeout)",
            limit.as_secs()
        ))))),
        stopped = told_to_stop => Ok(Err(ReconnectFailure::Stopped(stopped))),
    }
}

/// The next pause between attempts.
fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(RECONNECT_PAUSES.0, RECONNECT_PAUSES.1)
}

/// Resolves when AWS says that the task stops or is gone. AWS is not asked at once: connections are lost more often
/// than tasks.
async fn end_of_task(context: &Context<'_>, record: &Record) {
    let Some(arn) = record.task() else {
        return;
    };
    sleep(ASK_AFTER).await;
    let fargate = &context.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let mut lookout = match TaskWatcher::new(context.records.directory(), &record.cluster, arn) {
        Ok(lookout) => lookout,
        Err(error) => {
            tracing::debug!("{error}");
            return std::future::pending().await;
        }
    };
    loop {
        match lookout.look(&aws, ASK_AGAIN).await {
            Ok(Some(task)) if !task.is_ending() => {}
            Ok(_) => return,
            Err(refusal) => tracing::debug!("could not ask AWS for the task: {refusal}"),
        }
        sleep(ASK_AGAIN).await;
    }
}

async fn unreachable(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    refusal: &ConnectError,
) -> Error {
    let server = SocketAddr::new(login.address, login.port);
    let error = Error::system(format!(
        "could not connect to the job's task at {server}: {refusal}"
    ));
    match refusal {
        ConnectError::OtherHost { .. } => error.advise(
            "This is not the server that prepare saw: the task is gone and its address in use again, or somebody is in \
             between. Nothing was sent to it. Run the job again.",
        ),
        _ => explain(error, context, record).await,
    }
}

async fn lost(context: &Context<'_>, record: &Record, why: &str) -> Error {
    explain(
        Error::system(format!("the connection to the job's task was lost: {why}")),
        context,
        record,
    )
    .await
}
