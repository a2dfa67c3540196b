//! Pauses between attempts.
//!
//! They grow to a bound, because frequent attempts do not end a lasting failure sooner. They are irregular, because
//! many processes of one manager meet the same failure at the same time.
//!
//! ```text
//! let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
//! while refused { sleep(backoff.pause()).await }
//! ```

use std::ops::Range;
use std::time::Duration;

/// Range of an irregular pause, as a factor of the regular one.
const JITTER: Range<f64> = 0.75..1.25;

/// Growing pauses: each is twice as long as the one before, up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    pauses: u32,
}

impl Backoff {
    /// Pauses that begin with `first`, which is not longer than `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            pauses: 0,
        }
    }

    /// The next pause: at most a quarter shorter or longer than the [`regular`](Self::regular) one.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.regular(self.pauses);
        self.pauses = self.pauses.saturating_add(1);
        jitter(pause)
    }

    /// The pause after `earlier` others, without jitter.
    pub(crate) fn regular(&self, earlier: u32) -> Duration {
        self.first
            .saturating_mul(2_u32.saturating_pow(earlier))
            .min(self.longest)
    }

    /// Begins with the first pause again, after a successful attempt.
    pub(crate) fn reset(&mut self) {
        self.pauses = 0;
    }
}

/// A pause made irregular, by a quarter at most.
pub(crate) fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(JITTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoffs() -> impl Strategy<Value = Backoff> {
        (1_u64..10_000, 0_u64..1_000_000).prop_map(|(first, more)| {
            Backoff::new(
                Duration::from_millis(first),
                Duration::from_millis(first + more),
            )
        })
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let pauses: Vec<_> = (0..8).map(|n| backoff.regular(n).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.regular(u32::MAX), Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn pauses_grow_and_stay_within_their_bounds(backoff in backoffs(), earlier in 0_u32..200) {
            let pause = backoff.regular(earlier);
            prop_assert!(pause >= backoff.first && pause <= backoff.longest);
            let next = backoff.regular(earlier + 1);
            prop_assert_eq!(next, (pause * 2).min(backoff.longest));
        }

        #[test]
        fn jitter_is_a_quarter_at_most(mut backoff in backoffs(), count in 1_u32..40) {
            for earlier in 0..count {
                let (regular, pause) = (backoff.regular(earlier), backoff.pause());
                prop_assert!(pause >= regular.mul_f64(0.74) && pause <= regular.mul_f64(1.26));
            }
            backoff.reset();
            prop_assert!(backoff.pause() <= backoff.first.mul_f64(1.26));
        }
    }
}
