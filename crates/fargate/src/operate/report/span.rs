//! The stretch of time of a report.

use std::time::Duration;

use crate::state::clock::{millis, now_millis};

/// The stretch of time of a report, in milliseconds since 1970.
pub(super) struct Span {
    pub(super) since: u64,
    pub(super) until: u64,
}

impl Span {
    /// The stretch up to now.
    pub(super) fn of(length: Duration) -> Self {
        let until = now_millis();
        Self {
            since: until.saturating_sub(millis(length)),
            until,
        }
    }
}
