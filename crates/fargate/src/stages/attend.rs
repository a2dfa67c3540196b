//! Stays with a script that our agent runs, over as many connections as it takes.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::connect::stage::{ReconnectFailure, reconnect};
use crate::context::Context;
use crate::error::Result;
use crate::ssh::{Attended, Connection, Ended, ResumableScript};
use crate::state::record::{Login, Record};

/// Pauses between reconnections while connections bring nothing: each costs the manager a handshake.
const PAUSES: (Duration, Duration) = (Duration::from_millis(150), Duration::from_secs(2));

/// Runs the script to its end. A connection that is lost costs nothing but time.
pub(super) async fn attend(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    mut connection: Connection,
    mut script: ResumableScript<'_>,
) -> Result<Ended> {
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
    // Whether there were connections in this outage, and none carried anything.
    let mut in_vain = false;
    loop {
        let (received, begun) = (script.received(), Instant::now());
        let why = match script.attend(&connection, &context.shutdown).await? {
            Attended::Over(Ended::Lost(why)) => return give_up(context, &mut script, why).await,
            Attended::Over(ended) => return Ok(ended),
            Attended::Lost(why) => why,
        };
        if connection.has_left() {
            return give_up(context, &mut script, why).await;
        }
        drop(connection);
        tracing::debug!("the connection to the job's task was lost: {why}");
        if script.lost() {
            in_vain = false;
            script.tell(&format!(
                "Lost the connection to the job's task ({why}), reconnecting"
            ));
        }
        // Over all connections: one that carries nothing counts as lost time.
        let deadline = script.given_up_at().unwrap_or(begun);
        if Instant::now() >= deadline {
            return give_up(context, &mut script, nothing_came(context, &why)).await;
        }
        if script.received() > received {
            backoff.reset();
        }
        let lasted = begun.elapsed() > PAUSES.1;
        let pause = if lasted && script.received() > received {
            Duration::ZERO
        } else {
            backoff.pause()
        };
        // Meanwhile the output that has come is passed on.
        let reconnected = tokio::select! {
            reconnected = reconnect(context, record, login, pause, deadline) => reconnected,
            () = flush_to_the_end(&mut script) => return give_up(context, &mut script, why).await,
        };
        connection = match reconnected {
            Ok(connection) => {
                in_vain = true;
                connection
            }
            Err(ReconnectFailure::Stopped(stopped)) => return Ok(Ended::Stopped(stopped)),
            Err(ReconnectFailure::Failed(error)) => return Err(error),
            Err(ReconnectFailure::TaskGone) => return give_up(context, &mut script, why).await,
            Err(ReconnectFailure::Expired(_)) if in_vain => {
                return give_up(context, &mut script, nothing_came(context, &why)).await;
            }
            Err(ReconnectFailure::Expired(expired)) => {
                return give_up(context, &mut script, format!("{why}, and {expired}")).await;
            }
        };
    }
}

/// Passes on the output that has come. Returns if the script's end came with it, so that no connection is needed; else
/// when a script that nobody listens to is not worth one any more.
async fn flush_to_the_end(script: &mut ResumableScript<'_>) {
    if !script.flush().await {
        script.overdue().await;
    }
}

/// The reason for giving up an outage in which connections succeeded.
fn nothing_came(context: &Context<'_>, why: &str) -> String {
    let seconds = context.config.ssh.reconnect_timeout.as_secs();
    format!("{why}, and nothing came over another one within {seconds} s (ReconnectTimeout)")
}

/// Passes on the output that has come, and ends with the script's end if that is in it, otherwise with the loss.
async fn give_up(
    context: &Context<'_>,
    script: &mut ResumableScript<'_>,
    why: String,
) -> Result<Ended> {
    let flushing = async {
        script.flush().await;
        Ok(())
    };
    context.shutdown.or(flushing).await?;
    Ok(script.outcome()?.unwrap_or(Ended::Lost(why)))
}
