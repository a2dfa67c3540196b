//! `custom run`: runs one script in the job's task.
//!
//! A process per script, about ten per job, so it reads only what it needs, starts no thread, and asks AWS
//! nothing unless the connection is lost.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use nix::sys::signal::Signal;
use tokio::time::sleep;

use super::Context;
use crate::ecs::Aws;
use crate::error::{Blame, Error, Result};
use crate::output::Output;
use crate::record::{Found, Login, Record};
use crate::ssh::{Connection, Ended, KeyPair, Refusal, Target};

/// Attempts to connect; the server was there when prepare ended.
const CONNECT_ATTEMPTS: u32 = 3;

/// How long ECS is asked what became of a task whose connection was lost, and how often. The end of a task
/// shows there a moment after its connections are gone.
const INQUIRIES: u32 = 5;
const INQUIRY_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(context: &Context<'_>, script: &Path, stage: &str) -> Result<()> {
    tracing::debug!("running {stage} from {}", script.display());
    let file = File::open(script).map_err(|error| {
        Error::system(format!(
            "could not read the script of {stage}, {}: {error}",
            script.display()
        ))
    })?;
    let record = record(context)?;
    let login = record.login.as_ref().ok_or_else(|| {
        Error::system("the job's task never became ready, so it takes no scripts")
            .advise("See what prepare says above.")
    })?;
    let streams = Output::stdout().and_then(|stdout| Ok((stdout, Output::stderr()?)));
    let (mut stdout, mut stderr) = streams
        .map_err(|error| Error::system(format!("could not open the standard streams: {error}")))?;

    let connection = match context.stop.or(connect(context, login)).await? {
        Ok(connection) => connection,
        Err(refusal) => return Err(unreachable(context, &record, login, &refusal).await),
    };
    match connection
        .run_script(file, &mut stdout, &mut stderr, &context.stop)
        .await?
    {
        Ended::Exited(0) => Ok(()),
        // The script's own output has said why, and the runner says the status.
        Ended::Exited(status) => Err(Error::new(Blame::Script(status), "")),
        Ended::Signalled(name) => {
            let (number, name) = signal(&name);
            Err(Error::new(
                Blame::Script(128 + number),
                format!("the script was killed by {name}"),
            ))
        }
        Ended::Stopped(stopped) => Err(stopped.context(format!("the script of {stage} was ended"))),
        Ended::Lost(why) => Err(lost(context, &record, &why).await),
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
    let name = format!("SIG{ssh_name}");
    let number = Signal::from_str(&name).unwrap_or(Signal::SIGKILL) as i32;
    (number, name)
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

async fn connect(context: &Context<'_>, login: &Login) -> Result<Result<Connection, Refusal>> {
    let ssh = &context.config.ssh;
    let key = KeyPair::parse(&login.private_key)?;
    let target = Target {
        address: SocketAddr::new(login.address, login.port),
        username: login.username.clone(),
        host_key: Some(login.host_key.clone()),
        reach_timeout: ssh.connect_timeout,
        connect_timeout: ssh.connect_timeout,
        keepalive_interval: ssh.keepalive_interval,
    };
    let mut attempt = 1;
    loop {
        match Connection::open(&target, &key).await {
            Err(Refusal::Refused | Refusal::Silent | Refusal::Other(_))
                if attempt < CONNECT_ATTEMPTS =>
            {
                attempt += 1;
                sleep(Duration::from_millis(500)).await;
            }
            answer => return Ok(answer),
        }
    }
}

async fn unreachable(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    refusal: &Refusal,
) -> Error {
    let server = SocketAddr::new(login.address, login.port);
    let error = Error::system(format!(
        "could not connect to the job's task at {server}: {refusal}"
    ));
    match refusal {
        Refusal::OtherHost { .. } => error.advise(
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

/// Adds what ECS says of the task.
async fn explain(error: Error, context: &Context<'_>, record: &Record) -> Error {
    match context.stop.or(inquire(context, record)).await {
        Ok((fate, advice)) => {
            let error = Error::system(format!("{error}; {fate}"));
            error.advise(advice.unwrap_or("Run the job again."))
        }
        Err(stopped) if matches!(stopped.blame(), Blame::Stopped(_)) => error,
        Err(refusal) => {
            tracing::warn!("could not ask AWS what became of the task: {refusal}");
            error
        }
    }
}

/// What became of the task, and what to do about it.
async fn inquire(context: &Context<'_>, record: &Record) -> Result<(String, Option<&'static str>)> {
    let Some(arn) = record.task.as_deref() else {
        return Ok(("it has no ARN".to_owned(), None));
    };
    let fargate = &context.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let mut inquiry = 1;
    loop {
        let task = aws.describe_task(&record.cluster, arn).await?;
        let last = inquiry == INQUIRIES;
        match task {
            // Exit codes and the containers' own reasons come with the very end.
            Some(task) if task.is_over() || (task.is_ending() && last) => {
                let death = task.death();
                return Ok((
                    format!("AWS stopped the task: {}", death.cause),
                    death.advice,
                ));
            }
            Some(task) if last => {
                return Ok((
                    format!("the task still is {}", task.last_status),
                    Some(
                        "Check the network between the manager and the task, and what the script does to the SSH server.",
                    ),
                ));
            }
            None if last => return Ok(("AWS no longer knows the task".to_owned(), None)),
            _ => {}
        }
        inquiry += 1;
        sleep(INQUIRY_PAUSE).await;
    }
}
