//! How long a start took.

/// How long a start took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StartTime {
    /// From the wish for a task until it took scripts.
    pub(crate) whole: u64,
    /// The part of that which AWS bills: from the pull on. Nothing where AWS did not show it.
    pub(crate) billed: Option<u64>,
}

impl StartTime {
    /// The time of a start that was asked for and ready then. Nothing where a clock was set back in between.
    pub(crate) fn between(asked: u64, ready: u64, pull_started: Option<u64>) -> Option<Self> {
        let whole = ready.checked_sub(asked)?;
        let billed = pull_started.map(|from| ready.saturating_sub(from));
        Some(Self {
            whole,
            billed: billed.filter(|billed| *billed <= whole),
        })
    }
}
