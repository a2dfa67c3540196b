//! Keeping the task of a failed job: its agents are told until when.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::ssh::{Connection, KeyPair, Target};
use crate::state::record::{Login, Record};

/// Bounds of reaching a server and of its answers.
const REACH: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);

/// How long each server is tried, and the pause between attempts: its task took a script a moment ago.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(500);

/// Has the agents of a job's task end it at this time by themselves, in seconds since 1970, and not before. An OpenSSH
/// server is only reached: its task stays until it is stopped.
///
/// # Errors
///
/// When one of the task's servers is not reached, or is an agent that cannot keep its task.
pub(crate) async fn keep(record: &Record, until: u64) -> Result<(), String> {
    let helper = record.login.as_ref().ok_or("it never took scripts")?;
    let key = KeyPair::parse(&helper.private_key).map_err(|error| error.to_string())?;
    let job = record.build.as_ref();
    let job = job.map(|container| helper.on_port(container.port));
    for login in job.iter().chain([helper]) {
        told(login, &key, until).await?;
    }
    Ok(())
}

/// Tells one server, and tries again where it is not reached.
async fn told(login: &Login, key: &KeyPair, until: u64) -> Result<(), String> {
    let target = Target {
        address: SocketAddr::new(login.address, login.port),
        username: login.username.clone(),
        host_key: Some(login.host_key.clone()),
        reach_timeout: REACH,
        connect_timeout: ANSWER,
        keepalive_interval: ANSWER,
    };
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let why = match Connection::open(&target, key).await {
            Ok(connection) if !connection.is_agent() => return Ok(()),
            Ok(connection) => match timeout(ANSWER, connection.keep_until(until)).await {
                Ok(answer) => return answer.map(drop),
                Err(_) => format!("no answer from {}", target.address),
            },
            Err(refusal) if refusal.is_of_stranger() => return Err(refusal.to_string()),
            Err(refusal) => format!("{}: {refusal}", target.address),
        };
        if Instant::now() + PAUSE >= give_up_at {
            return Err(why);
        }
        sleep(PAUSE).await;
    }
}
