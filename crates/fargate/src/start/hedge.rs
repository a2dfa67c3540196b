//! When a second task is asked for beside one that lags.

use std::fmt;
use std::future::pending;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::HedgeAfter;
use crate::connect::progress::Sight;
use crate::state::ledger::{folder, recent_starts};
use crate::task::lag::{LEAST_EXCESS, Lag, UsualStart};

/// A look that is older does not show how far the task is. Looks at a task without an address are
/// no further apart.
const FRESH: Duration = Duration::from_secs(2);

/// Why a second task is asked for.
#[derive(Debug)]
pub(super) enum Reason {
    /// The first is not ready after this time.
    Time(Duration),
    /// Its start takes longer than usual.
    Lag(Lag),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(
                f,
                "it is not ready after {:.1} s (HedgeAfter)",
                time.as_secs_f64()
            ),
            Self::Lag(Lag {
                milestone, usual, ..
            }) => write!(
                f,
                "it usually {} after {:.1} s",
                milestone.words(),
                usual.as_secs_f64()
            ),
        }
    }
}

/// Returns when a task lags that was asked for a moment ago, and that these `sights` are of. Never returns for one that
/// does not lag. The folder of the records has the ledger.
pub(super) async fn lagging(
    after: HedgeAfter,
    directory: &Path,
    sights: watch::Receiver<Option<Sight>>,
) -> Reason {
    match after {
        HedgeAfter::Off => pending().await,
        HedgeAfter::Time(time) => {
            sleep(time).await;
            Reason::Time(time)
        }
        HedgeAfter::Auto => Reason::Lag(behind_others(directory, sights).await),
    }
}

/// Returns when the start lags behind others of its family.
async fn behind_others(directory: &Path, mut sights: watch::Receiver<Option<Sight>>) -> Lag {
    let asked_at = Instant::now();
    // No start lags sooner, so the ledger is not read for those that are quick.
    sleep(LEAST_EXCESS).await;
    let mut usual = None;
    loop {
        let sight = sights.borrow_and_update().clone();
        let lag = sight.as_ref().and_then(|sight| {
            let family = sight.facts.family.as_deref()?;
            let usual = usual
                .get_or_insert_with(|| UsualStart::of(&recent_starts(&folder(directory), family)));
            usual.lag(&sight.facts.times)
        });
        let is_fresh = sight.is_some_and(|sight| sight.at.elapsed() <= FRESH);
        // AWS's clock may differ from ours, and AWS creates a task while it answers the call.
        let due_at = lag.map(|lag| (lag, asked_at + lag.at));
        let due = async {
            match due_at {
                Some((_, at)) if at > Instant::now() => sleep_until(at).await,
                _ => pending().await,
            }
        };
        match due_at {
            Some((lag, at)) if is_fresh && at <= Instant::now() => return lag,
            _ => {}
        }
        tokio::select! {
            () = due => {}
            changed = sights.changed() => if changed.is_err() {
                pending::<()>().await;
            },
        }
    }
}
