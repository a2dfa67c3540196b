//! The schedule of shared looks: which process asks AWS for all, and when. Decisions only.

use std::time::Duration;

use crate::state::clock::millis;

/// The answer that a look needs: asked for after `after`, and not before `not_before`. Times are in milliseconds
/// since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// When the last answer was asked for that this process has seen.
    pub(crate) after: u64,
    pub(crate) not_before: u64,
}

/// The state of the folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) now: u64,
    /// When the answer was asked for that lies there for this process.
    pub(crate) answered: Option<u64>,
    /// When anybody may ask again.
    pub(crate) next_at: Option<u64>,
}

/// The next step of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// Takes the answer in the folder.
    Take,
    /// Asks AWS, if this process gets the lock.
    Ask,
    /// Waits, because AWS was asked a moment ago.
    Wait(Duration),
}

/// The next step of a look with this need and view. A time in the future comes from a clock that was set back, and
/// counts for nothing.
pub(crate) fn next(need: Need, view: View) -> Move {
    let is_fresh = |asked_at: u64| {
        asked_at > need.after && asked_at >= need.not_before && asked_at <= view.now
    };
    if view.answered.is_some_and(is_fresh) {
        return Move::Take;
    }
    let longest = millis(spacing(usize::MAX));
    match view.next_at {
        Some(at) if at > view.now && at - view.now <= longest => {
            Move::Wait(Duration::from_millis(at - view.now))
        }
        _ => Move::Ask,
    }
}

/// How far apart AWS is asked while so many processes wait for an answer. One alone need not wait; a crowd asks once a
/// second, and once in two seconds where that takes many calls (AWS: 20 calls a second for all in an account).
pub(crate) fn spacing(waiting: usize) -> Duration {
    let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
    let few = waiting.saturating_mul(25).min(1000);
    let many = waiting.saturating_mul(10).min(2000);
    Duration::from_millis(if waiting <= 1 { 0 } else { few.max(many) })
}
