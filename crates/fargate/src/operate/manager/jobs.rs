//! What the records say of living jobs.

use crate::config::Config;
use crate::error::Result;
use crate::state::clock::now;
use crate::state::records::Records;

use super::protection::{LONGEST, latest_end};

/// Looks at the records of jobs.
///
/// Jobs that cannot be seen count as living, for as long as ECS protects a task: no job outlasts that here.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// When the records could not be read for the first time, in seconds since 1970.
    unseen_since: Option<u64>,
}

/// The sight of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// When the last job is over at the latest, in seconds since 1970.
    pub(super) until: u64,
    /// Whether there are jobs, or may be.
    pub(super) has_jobs: bool,
}

impl Jobs {
    /// Reads the records.
    pub(super) fn look(&mut self, config: &Config) -> Look {
        let entries = Records::open(&config.metadata_directory, config.ledger_months)
            .and_then(|records| records.all());
        let ends = entries.map(|entries| {
            let ends = entries.into_iter().map(|entry| entry.record.ok()?.over_at);
            ends.collect()
        });
        self.judge(ends, now().as_secs())
    }

    /// Takes the ends of all jobs; none for a job whose end is not known.
    fn judge(&mut self, ends: Result<Vec<Option<u64>>>, now: u64) -> Look {
        match ends {
            Ok(ends) => {
                self.unseen_since = None;
                Look {
                    until: latest_end(ends.iter().copied()),
                    has_jobs: !ends.is_empty(),
                }
            }
            Err(error) => {
                let since = *self.unseen_since.get_or_insert(now);
                let until = since.saturating_add(LONGEST.as_secs());
                let has_jobs = now < until;
                let counted = match has_jobs {
                    true => "so they count as living",
                    false => "for so long that none of them can live",
                };
                tracing::warn!("the records of jobs cannot be read, {counted}: {error}");
                Look { until, has_jobs }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn jobs_that_cannot_be_seen_count_as_living_for_as_long_as_ecs_protects() {
        let mut jobs = Jobs::default();
        let unread = || Err(Error::system("input/output error"));
        let begin = 1_000_000;
        let until = begin + LONGEST.as_secs();
        let living = Look {
            until,
            has_jobs: true,
        };
        for now in [begin, begin + 60, until - 1] {
            assert_eq!(jobs.judge(unread(), now), living);
        }
        assert!(!jobs.judge(unread(), until).has_jobs);
        // The time starts again after a look that saw them.
        let none = Look {
            until: 0,
            has_jobs: false,
        };
        assert_eq!(jobs.judge(Ok(Vec::new()), until), none);
        assert!(jobs.judge(unread(), until).has_jobs);
    }

    #[test]
    fn a_job_without_a_known_end_is_a_job() {
        let look = Jobs::default().judge(Ok(vec![Some(60), None]), 0);
        assert_eq!((look.until, look.has_jobs), (u64::MAX, true));
    }
}
