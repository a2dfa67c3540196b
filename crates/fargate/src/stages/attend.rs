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
    let mut announced = false;
    let mut silent_since = None;
    loop {
        let (received, answers, begun) = (script.received(), script.answers(), Instant::now());
        let why = match script.attend(&connection, &context.shutdown).await? {
            Attended::Over(ended) => return Ok(ended),
            Attended::Lost(why) => why,
        };
        if connection.has_left() {
            return give_up(context, &mut script, why).await;
        }
        if script.answers() > answers || script.received() > received {
            silent_since = None;
        }
        // A connection that carries nothing counts as lost time.
        let since: Instant = *silent_since.get_or_insert_with(Instant::now);
        let patience = context.config.ssh.reconnect_timeout;
        if since.elapsed() > patience {
            let seconds = patience.as_secs();
            let why = format!(
                "{why}, and nothing came over another one within {seconds} s (ReconnectTimeout)"
            );
            return give_up(context, &mut script, why).await;
        }
        drop(connection);
        tracing::debug!("the connection to the job's task was lost: {why}");
        if !announced {
            announced = true;
            let line = format!("Lost the connection to the job's task ({why}), reconnecting");
            // The runner may not read. Then a stop is more urgent.
            tokio::select! {
                () = script.say(&line) => {}
                _ = context.shutdown.requested() => {}
            }
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
        connection = match reconnect(context, record, login, pause).await {
            Ok(connection) => connection,
            Err(ReconnectFailure::Stopped(stopped)) => return Ok(Ended::Stopped(stopped)),
            Err(ReconnectFailure::Failed(error)) => return Err(error),
            Err(ReconnectFailure::TaskGone) => return give_up(context, &mut script, why).await,
            Err(ReconnectFailure::Expired(expired)) => {
                return give_up(context, &mut script, format!("{why}, and {expired}")).await;
            }
        };
    }
}

/// Passes on the output that has come, and ends with the loss.
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
    Ok(Ended::Lost(why))
}
