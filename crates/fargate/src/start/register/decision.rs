//! The next step towards a registered task definition, for the holder of its family's lock. Decisions only.

/// The state of the definition, as far as the holder of the lock knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    /// Nothing yet, or nothing any more.
    Nothing,
    /// AWS has no such definition.
    Absent,
    /// It exists, according to another job or to AWS.
    There,
    /// AWS refused the last call. A refusal that `may_pass` may be retried, and the call may have had its effect.
    Refused { may_pass: bool },
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// Take the definition, which exists.
    Take,
    /// Look the family up.
    LookUp,
    /// Register it.
    Register,
    /// Pause, and know nothing afterwards.
    Pause,
    /// Fail with the last refusal.
    GiveUp,
}

/// The next step in this state of knowledge, if there still `has_time` for a pause.
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
