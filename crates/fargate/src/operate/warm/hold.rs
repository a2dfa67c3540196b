//! Holds a connection to a waiting task, so that its agents know that it is wanted.

use std::rc::Rc;
use std::time::Duration;

use fargate_wire::AGENT_PORT;
use tokio::time::{Instant, sleep, timeout};

use super::setup::Setup;
use crate::config::Mode;
use crate::connect::job_container::target;
use crate::error::Result;
use crate::ssh::{Connection, KeyPair};
use crate::state::waiting::Waiting;

/// How often the task's file is looked for, and the pause before the task is reached again.
const LOOK: Duration = Duration::from_secs(1);

/// Bound of an agent's answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How a hold ended.
#[derive(Debug)]
pub(super) enum Held {
    /// Somebody has taken the task.
    Taken,
    /// The task cannot be reached any more.
    Lost(String),
}

/// Holds the connection until somebody takes the task, or it is lost for good.
///
/// # Errors
///
/// When the task's file cannot be read.
pub(super) async fn hold(setup: Rc<Setup>, id: &str) -> Result<Held> {
    let context = setup.context();
    let mut since = None;
    loop {
        let Some(task) = setup.warm().find(id)? else {
            return Ok(Held::Taken);
        };
        let Some(login) = &task.login else {
            return Ok(Held::Lost("it never got ready".to_owned()));
        };
        let key = KeyPair::parse(task.private_key())?;
        let why = match Connection::open(&target(&context, login), &key).await {
            Ok(connection) => {
                since = None;
                while !connection.is_over() {
                    sleep(LOOK).await;
                    if setup.warm().find(id)?.is_none() {
                        return Ok(Held::Taken);
                    }
                }
                "its connection was lost".to_owned()
            }
            Err(refusal) => refusal.to_string(),
        };
        let lost_at = *since.get_or_insert_with(Instant::now);
        if lost_at.elapsed() >= setup.config.ssh.reconnect_timeout {
            return Ok(Held::Lost(why));
        }
        sleep(LOOK).await;
    }
}

/// Checks that a task is there: both agents hear of a driver, and have their idle time from now on.
///
/// # Errors
///
/// With the reason why it cannot be claimed.
pub(super) async fn check(setup: &Setup, task: &Waiting) -> Result<(), String> {
    let context = setup.context();
    let login = task.login.as_ref().ok_or("it never got ready")?;
    let key = KeyPair::parse(task.private_key()).map_err(|error| error.to_string())?;
    let is_by_image = matches!(setup.config.mode, Mode::JobImage(_));
    let job = is_by_image.then(|| login.on_port(AGENT_PORT));
    for server in [Some(login), job.as_ref()].into_iter().flatten() {
        let target = target(&context, server);
        let connection = Connection::open(&target, &key).await;
        let connection = connection.map_err(|refusal| format!("{}: {refusal}", target.address))?;
        if is_by_image {
            let answer = timeout(ANSWER, connection.is_claimable()).await;
            answer.unwrap_or_else(|_| Err("its agent gives no answer".to_owned()))?;
        }
    }
    Ok(())
}
