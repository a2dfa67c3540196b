//! How long a call that failed is worth repeating.

use std::time::Duration;

use tokio::time::Instant;

use super::error::AwsError;

/// Time for trouble that either passes soon or needs a person: a name that does not resolve, a provider of credentials
/// that does not answer.
const SOON: Duration = Duration::from_secs(20);

/// The patience with one call and its repetitions. The caller has a bound of its own beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Since when it has met nothing but trouble that passes soon or never.
    since: Instant,
}

impl Patience {
    /// Patience with a call that begins now.
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
        }
    }

    /// Whether the call is worth repeating, after a pause.
    pub(crate) fn allows(&mut self, refusal: &AwsError, pause: Duration) -> bool {
        self.allows_at(Instant::now(), refusal, pause)
    }

    fn allows_at(&mut self, now: Instant, refusal: &AwsError, pause: Duration) -> bool {
        let again = now + pause;
        if refusal.passes_soon_or_never() {
            return again < self.since + SOON;
        }
        self.since = again;
        refusal.may_pass()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::kind::Kind;

    #[test]
    fn trouble_that_passes_soon_or_never_has_twenty_seconds() {
        let begun = Instant::now();
        let mut patience = Patience { since: begun };
        let mut allows = |second: u64, kind, pause: u64| {
            let mut refusal = AwsError::abandoned("ecs:RunTask");
            refusal.kind = kind;
            let now = begun + Duration::from_secs(second);
            patience.allows_at(now, &refusal, Duration::from_secs(pause))
        };
        assert!(allows(0, Kind::Unresolved, 1));
        assert!(allows(10, Kind::LateCredentials, 1));
        assert!(allows(18, Kind::Unresolved, 1));
        assert!(!allows(18, Kind::Unresolved, 2));
        // An answer proves that AWS can be reached.
        assert!(allows(18, Kind::Throttled, 1));
        assert!(allows(37, Kind::Unresolved, 1));
        assert!(!allows(38, Kind::Unresolved, 1));
        // An outage has no bound of its own.
        for second in [39, 4000] {
            assert!(allows(second, Kind::Unreached, 1));
            assert!(allows(second, Kind::Unclear, 1));
        }
        for kind in [Kind::Untrusted, Kind::Credentials, Kind::Wrong] {
            assert!(!allows(4000, kind, 0), "{kind:?}");
        }
    }
}
