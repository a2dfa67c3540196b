//! Follow: tasks for what jobs asked for lately, beside those that pools want. Decisions only.

use warm_policy::{Demand, Limits, TaskTimes, wanted};

use super::moves::Need;

/// The times of tasks that wait: a start of half a minute, two thirds of it billed, and the wind-down of
/// `fargate report`.
pub(super) const USUAL: TaskTimes = TaskTimes {
    start: 30_000,
    billed_start: 20_000,
    wind_down: 33_000,
};

/// Jobs that asked for one kind of start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    /// The hash of their starts.
    pub(super) hash: String,
    /// When they asked for it, in milliseconds since 1970.
    pub(super) arrivals: Vec<u64>,
}

/// Adds the needs of followed jobs to those of pools.
pub(super) fn with_followed(
    mut needs: Vec<Need>,
    followed: Vec<Followed>,
    limits: &Limits,
    now: u64,
) -> Vec<Need> {
    let mut arrivals = vec![Vec::new(); needs.len()];
    for kind in followed {
        let known = needs.iter().position(|need| need.hash == kind.hash);
        match known.and_then(|place| arrivals.get_mut(place)) {
            Some(known) => known.extend(kind.arrivals),
            None => {
                needs.push(Need {
                    hash: kind.hash,
                    wanted: 0,
                });
                arrivals.push(kind.arrivals);
            }
        }
    }
    for arrivals in &mut arrivals {
        arrivals.sort_unstable();
    }
    let demands: Vec<_> = needs
        .iter()
        .zip(&arrivals)
        .map(|(need, arrivals)| Demand {
            arrivals,
            task: USUAL,
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
        }
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
