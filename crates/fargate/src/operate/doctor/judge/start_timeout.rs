//! Images whose starts come near `StartTimeout`.

use std::time::Duration;

use super::super::catalog::START_TIMEOUT;
use super::super::check::Check;
use super::super::facts::Pulls;
use crate::state::clock::millis;

/// The part of the limit, in percent, above which a start is near to it: the next one may be half slower.
const NEAR: u64 = 66;

/// Judges the slow starts against the limit. Nothing where the ledger has none.
pub(super) fn start_timeout(all: &[Pulls], limit: Duration) -> Option<Check> {
    let slowest = all.iter().max_by_key(|one| one.most)?;
    let told = |time: u64| {
        let time = Duration::from_secs((time + 500) / 1000);
        humantime::format_duration(time)
            .to_string()
            .replace(' ', "")
    };
    let (most, limit) = (slowest.most, millis(limit));
    let found = format!(
        "{}; with {}, the slowest image, 95 % of {} starts took {} at most",
        told(limit),
        slowest.image,
        slowest.starts,
        told(most)
    );
    Some(match most.saturating_mul(100) >= limit.saturating_mul(NEAR) {
        false => START_TIMEOUT.pass(found),
        true => START_TIMEOUT.warn(
            found,
            "Raise [Fargate] StartTimeout (and GitLab Runner's prepare_exec_timeout above it), or shorten the pull: \
             docs/cold-starts.md has what helps.",
        ),
    })
}
