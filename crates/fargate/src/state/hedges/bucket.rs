//! The token bucket of second tasks. Decisions only.

/// Tenths of a token that a start adds, that a second task takes, and that the bucket holds (DESIGN.md, section 9).
const OF_A_START: u32 = 1;
const OF_A_HEDGE: u32 = 10;
const FULL: u32 = 30;

/// How long there is no second task after AWS refused a start for its rate or for want of room.
const QUIET_MILLIS: u64 = 60_000;

/// The state of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Tenths of tokens in it.
    tenths: u32,
    /// When AWS last refused a start, in milliseconds since 1970; 0 for never.
    refused_at: u64,
}

impl Bucket {
    /// As it is at first.
    pub(crate) const FULL: Self = Self {
        tenths: FULL,
        refused_at: 0,
    };

    /// The bucket that a file's word tells of; a full one where it tells of none.
    pub(crate) fn parse(word: &str) -> Self {
        let parse = || {
            let (tenths, refused_at) = word.split_once(' ')?;
            let tenths: u32 = tenths.parse().ok()?;
            Some(Self {
                tenths: tenths.min(FULL),
                refused_at: refused_at.parse().ok()?,
            })
        };
        parse().unwrap_or(Self::FULL)
    }

    /// Its word, always of one length: a reader sees the old one or the new one.
    pub(crate) fn word(self) -> String {
        format!("{:02} {:020}", self.tenths, self.refused_at)
    }

    /// After another start.
    pub(crate) fn started(self) -> Self {
        Self {
            tenths: (self.tenths + OF_A_START).min(FULL),
            ..self
        }
    }

    /// After a refusal.
    pub(crate) fn refused(self, now: u64) -> Self {
        Self {
            refused_at: now,
            ..self
        }
    }

    /// After a second task, if there may be one.
    pub(crate) fn take(self, now: u64) -> Option<Self> {
        let tenths = self.tenths.checked_sub(OF_A_HEDGE)?;
        // A refusal that is ahead was noted before the clock was set back.
        let since = now.checked_sub(self.refused_at);
        let is_quiet = since.is_some_and(|since| since < QUIET_MILLIS);
        (!is_quiet).then_some(Self { tenths, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Start,
        Refusal,
        Wish,
    }

    proptest! {
        /// Whatever happens in whatever order: at most three and one for ten starts, in any stretch of time, and none
        /// within a minute of a refusal.
        #[test]
        fn second_tasks_are_few_and_none_follows_a_refusal(
            story in prop::collection::vec((prop_oneof![
                4 => Just(Event::Start), 1 => Just(Event::Refusal), 4 => Just(Event::Wish),
            ], 0_u64..30_000), 1..200),
        ) {
            let (mut bucket, mut now, mut refused) = (Bucket::FULL, NOW, None);
            let mut counts = vec![(0_u32, 0_u32)];
            for (event, pause) in story {
                now += pause;
                let &(mut starts, mut hedges) = counts.last().unwrap();
                match event {
                    Event::Start => {
                        bucket = bucket.started();
                        starts += 1;
                    }
                    Event::Refusal => {
                        bucket = bucket.refused(now);
                        refused = Some(now);
                    }
                    Event::Wish => if let Some(less) = bucket.take(now) {
                        prop_assert!(refused.is_none_or(|at| now - at >= 60_000));
                        bucket = less;
                        hedges += 1;
                    },
                }
                // A process that reads it sees the same.
                prop_assert_eq!(Bucket::parse(&bucket.word()), bucket);
                counts.push((starts, hedges));
            }
            for (at, (starts, hedges)) in counts.iter().enumerate() {
                for (later_starts, later_hedges) in &counts[at..] {
                    prop_assert!((later_hedges - hedges) * 10 <= 30 + (later_starts - starts));
                }
            }
        }
    }

    #[test]
    fn a_token_that_is_there_is_given_out() {
        let mut bucket = Bucket::FULL;
        for _ in 0..3 {
            bucket = bucket.take(NOW).unwrap();
        }
        assert_eq!(bucket.take(NOW), None);
        for _ in 0..9 {
            bucket = bucket.started();
        }
        assert_eq!(bucket.take(NOW), None);
        let bucket = bucket.started().refused(NOW);
        assert_eq!(bucket.take(NOW + 59_999), None);
        assert!(bucket.take(NOW + 60_000).is_some());
        // The clock was set back.
        assert!(bucket.take(NOW - 1).is_some());
    }

    #[test]
    fn what_is_no_word_of_ours_is_a_full_bucket() {
        for word in ["", "x", "1", "-1 0", "1 x", " "] {
            assert_eq!(Bucket::parse(word), Bucket::FULL, "{word:?}");
        }
        assert_eq!(Bucket::parse("99 0").tenths, FULL);
    }
}
