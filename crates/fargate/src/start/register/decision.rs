//! What to do next for a task definition, by whoever holds its family's lock. Decisions only.

/// What the holder of the lock knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    /// Nothing yet, or nothing any more.
    Nothing,
    /// AWS has no such definition.
    Absent,
    /// It is there: another job left word, or AWS notes so.
    There,
    /// AWS refused the last call. One that `may_pass` may have had its effect, and may be made again.
    Refused { may_pass: bool },
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// It is there.
    Take,
    /// AWS is to be asked for it.
    LookUp,
    /// It is to be registered.
    Register,
    /// There is to be a pause, and nothing is known after it.
    Pause,
    /// It cannot be had.
    GiveUp,
}

/// What to do next, for one who knows this, and whose time is not over if it `has_time`.
///
/// A registration is never repeated without a look-up before: a call that was refused may have had its effect, and of
/// several managers that register the same, all but one are refused and find it then.
pub(crate) fn next(known: Known, has_time: bool) -> Move {
    match known {
        Known::There => Move::Take,
        Known::Nothing => Move::LookUp,
        Known::Absent => Move::Register,
        Known::Refused { may_pass: true } if has_time => Move::Pause,
        Known::Refused { .. } => Move::GiveUp,
    }
}
