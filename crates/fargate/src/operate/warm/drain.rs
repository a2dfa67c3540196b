//! `fargate warm drain`: ends all waiting tasks, and has keep start none.

use futures_util::{StreamExt, stream};

use super::setup::Setup;
use crate::config::{Config, Flags};
use crate::error::{Error, Result};
use crate::output::say;
use crate::signals::Shutdown;
use crate::state::warm::{Holder, Rest};

/// How many are ended at once.
const AT_ONCE: usize = 8;

/// Ends all tasks of the folder that wait.
///
/// # Errors
///
/// When the mark cannot be left, or a task could not be stopped.
pub(super) async fn drain(config: Config, flags: Flags, shutdown: &Shutdown) -> Result<()> {
    let setup = Setup::new(config, flags, shutdown).await?;
    let warm = setup.warm();
    warm.begin_rest(Rest::Drained)?;
    let mut waiting = warm.all()?;
    waiting.retain(|file| file.holder == Holder::Nobody);
    let endings = stream::iter(waiting).map(async |file| {
        let why = "an operator has drained the pools";
        setup.teardown().end_waiting(&file.task.id, why).await
    });
    let ended = async { Ok(endings.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await) };
    let ended = shutdown.or(ended).await?;
    let (ended, failed): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    say(&format!(
        "Ended {} waiting tasks; none is started until `fargate warm keep --resume`",
        ended.into_iter().flatten().flatten().count()
    ));
    match failed.into_iter().find_map(Result::err) {
        Some(error) => Err(Error::context(error, "not all could be ended")),
        None => Ok(()),
    }
}
