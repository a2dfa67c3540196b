//! Holds a connection to a waiting task, so that its agents know that it is wanted.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::setup::Setup;
use crate::connect::job_container::target;
use crate::error::Result;
use crate::ssh::{Connection, KeyPair};

/// How often the task's file is looked for, and the pause before the task is reached again.
const LOOK: Duration = Duration::from_secs(1);

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
