//! Follow: tasks for what jobs asked for lately, beside those that pools want. Decisions only.

use warm_policy::{Demand, Limits, TaskTimes, wanted};

use super::moves::Need;
use super::start_times::task_times;

/// Jobs that asked for one kind of start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    /// The hash of their starts.
    pub(super) hash: String,
    /// When they asked for it, in milliseconds since 1970.
    pub(super) arrivals: Vec<u64>,
    /// The times of their tasks.
    pub(super) task: TaskTimes,
}

/// Adds the needs of followed jobs to those of pools.
pub(super) fn with_followed(
    mut needs: Vec<Need>,
    followed: Vec<Followed>,
    limits: &Limits,
    now: u64,
) -> Vec<Need> {
    let mut kinds = vec![(Vec::new(), task_times(&[])); needs.len()];
    for Followed {
        hash,
        arrivals,
        task,
    } in followed
    {
        let known = needs.iter().position(|need| need.hash == hash);
        match known.and_then(|place| kinds.get_mut(place)) {
            Some(known) => {
                known.0.extend(arrivals);
                known.1 = task;
            }
            None => {
                needs.push(Need { hash, wanted: 0 });
                kinds.push((arrivals, task));
            }
        }
    }
    for (arrivals, _) in &mut kinds {
        arrivals.sort_unstable();
    }
    let demands: Vec<_> = needs
        .iter()
        .zip(&kinds)
        .map(|(need, (arrivals, task))| Demand {
            arrivals,
            task: *task,
            scheduled: need.wanted,
            is_followed: !arrivals.is_empty(),
        })
        .collect();
    let targets = wanted(&demands, limits, now);
    for (need, target) in needs.iter_mut().zip(targets) {
        need.wanted = target;
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::start_time::StartTime;

    const MINUTE: u64 = 60_000;
    const NOW: u64 = 1_000 * MINUTE;

    fn need(hash: &str, wanted: usize) -> Need {
        Need {
            hash: hash.to_owned(),
            wanted,
        }
    }

    /// Jobs of this kind, one a minute until now.
    fn busy(hash: &str) -> Followed {
        Followed {
            hash: hash.to_owned(),
            arrivals: (0..60).map(|ago| NOW - (59 - ago) * MINUTE).collect(),
            task: task_times(&[]),
        }
    }

    #[test]
    fn tasks_that_start_slowly_are_more() {
        let limits = Limits {
            max_tasks: 10,
            follow_tasks: 10,
            max_idle: 15 * MINUTE,
        };
        let wanted = |whole| {
            let start = StartTime {
                whole,
                billed: None,
            };
            let busy = Followed {
                task: task_times(&[start]),
                ..busy("job")
            };
            with_followed(Vec::new(), vec![busy], &limits, NOW)[0].wanted
        };
        assert_eq!([30_000, 90_000, 250_000].map(wanted), [1, 2, 5]);
    }

    #[test]
    fn followed_jobs_come_beside_pools_and_within_the_limit() {
        let limits = Limits {
            max_tasks: 3,
            follow_tasks: 3,
            max_idle: 15 * MINUTE,
        };
        let pools = || vec![need("pool", 2)];
        let both = with_followed(pools(), vec![busy("job"), busy("other")], &limits, NOW);
        assert_eq!((both.len(), &both[0]), (3, &need("pool", 2)));
        assert_eq!(both.iter().map(|need| need.wanted).sum::<usize>(), 3);
        // A pool has its jobs' tasks already.
        let same = with_followed(pools(), vec![busy("pool")], &limits, NOW);
        assert_eq!(same, pools());
        let later = with_followed(pools(), vec![busy("job")], &limits, NOW + 16 * MINUTE);
        assert_eq!(later, [need("pool", 2), need("job", 0)]);
    }
}
