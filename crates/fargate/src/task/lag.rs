//! When a start lags: it takes much longer to a point of its way than starts usually do. Decisions only.

use std::time::Duration;

use super::facts::TaskTimes;

/// Least number of starts that tell how long it usually takes.
const LEAST_STARTS: usize = 20;

/// A start lags after so many times the usual length, and so much longer at least (DESIGN.md, section 9). A high
/// percentile would wait for the slow ones themselves.
const FACTOR: f64 = 1.5;
pub(crate) const LEAST_EXCESS: Duration = Duration::from_secs(3);

/// A point on the way of a start, which looks at its task show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Milestone {
    /// It has an address.
    Address,
    /// Its pull begins.
    Pull,
    /// It runs.
    Running,
}

impl Milestone {
    /// All of them, in their order.
    const ALL: [Self; 3] = [Self::Address, Self::Pull, Self::Running];

    /// The point in words: the task "usually …".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Address => "has an address",
            Self::Pull => "pulls its images",
            Self::Running => "runs",
        }
    }
}

/// A point that a start should have reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) milestone: Milestone,
    /// The age of a task that usually reaches it.
    pub(crate) usual: Duration,
    /// The age at which the start lags if it has not.
    pub(crate) at: Duration,
}

/// How old tasks usually are at the points of a start: the median of each, where enough starts are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UsualStart([Option<Duration>; 3]);

impl UsualStart {
    /// The medians of these starts.
    pub(crate) fn of(starts: &[TaskTimes]) -> Self {
        Self(Milestone::ALL.map(|milestone| {
            let ages = starts.iter().filter_map(|times| {
                let reached = reached(times, milestone)?;
                Some(reached.saturating_sub(times.created?))
            });
            median(ages.collect())
        }))
    }

    /// The next point of a start with these times, and when the start lags; nothing once the task runs, and where it is
    /// not known how long starts take to that point.
    pub(crate) fn lag(&self, times: &TaskTimes) -> Option<Lag> {
        // A look may miss an earlier point.
        let is_reached = |milestone: &Milestone| reached(times, *milestone).is_some();
        let next = Milestone::ALL
            .iter()
            .rposition(is_reached)
            .map_or(0, |last| last + 1);
        let milestone = *Milestone::ALL.get(next)?;
        let usual = self.0.get(next).copied()??;
        Some(Lag {
            milestone,
            usual,
            at: usual.mul_f64(FACTOR).max(usual + LEAST_EXCESS),
        })
    }
}

/// When a start reached a point.
fn reached(times: &TaskTimes, milestone: Milestone) -> Option<u64> {
    match milestone {
        Milestone::Address => times.addressed,
        Milestone::Pull => times.pull_started,
        Milestone::Running => times.started,
    }
}

/// The median of so many milliseconds, if there are enough.
fn median(mut lengths: Vec<u64>) -> Option<Duration> {
    let middle = lengths.len() / 2;
    (lengths.len() >= LEAST_STARTS)
        .then(|| *lengths.select_nth_unstable(middle).1)
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A start that reaches its points at these seconds, and those that are left out not yet.
    fn start(ages: &[u64]) -> TaskTimes {
        let created = 1_800_000_000_000;
        let reached = |number: usize| ages.get(number).map(|age| created + age * 1000);
        TaskTimes {
            created: Some(created),
            addressed: reached(0),
            pull_started: reached(1),
            started: reached(2),
            ..TaskTimes::default()
        }
    }

    fn lag(usual: &UsualStart, ages: &[u64]) -> Option<(Milestone, u64)> {
        let lag = usual.lag(&start(ages))?;
        Some((lag.milestone, lag.at.as_millis().try_into().unwrap()))
    }

    #[test]
    fn each_point_is_held_against_its_own_median() {
        let mut starts = vec![start(&[4, 12, 18]); 19];
        assert_eq!(lag(&UsualStart::of(&starts), &[]), None);
        // Slow ones do not move it.
        starts.extend(vec![start(&[43, 50, 100]); 5]);
        let usual = UsualStart::of(&starts);
        // Three seconds more at least.
        assert_eq!(lag(&usual, &[]), Some((Milestone::Address, 7_000)));
        assert_eq!(lag(&usual, &[11]), Some((Milestone::Pull, 18_000)));
        assert_eq!(lag(&usual, &[11, 16]), Some((Milestone::Running, 27_000)));
        assert_eq!(lag(&usual, &[11, 16, 18]), None);
        // A point that looks have missed is behind a later one.
        let unseen = TaskTimes {
            addressed: None,
            ..start(&[11, 16])
        };
        assert_eq!(usual.lag(&unseen).unwrap().milestone, Milestone::Running);
    }

    #[test]
    fn a_point_whose_usual_age_is_unknown_is_not_waited_for() {
        let without_address = TaskTimes {
            addressed: None,
            ..start(&[8, 12, 18])
        };
        let usual = UsualStart::of(&vec![without_address; 30]);
        assert_eq!(lag(&usual, &[]), None);
        assert_eq!(lag(&usual, &[8]), Some((Milestone::Pull, 18_000)));
    }

    proptest! {
        /// No start lags before it took half as long again as half of the starts, and three seconds more.
        #[test]
        fn most_starts_do_not_lag(ages in prop::collection::vec(0_u64..100, 20..60), age in 0_u64..100) {
            let starts: Vec<_> = ages.iter().map(|age| start(&[*age])).collect();
            let usual = UsualStart::of(&starts);
            let lag = usual.lag(&start(&[])).unwrap();
            let median = lag.usual.as_secs();
            prop_assert!(ages.iter().filter(|age| **age <= median).count() * 2 >= ages.len());
            let lags = Duration::from_secs(age) >= lag.at;
            prop_assert_eq!(lags, age * 2 >= median * 3 && age >= median + 3);
        }
    }
}
