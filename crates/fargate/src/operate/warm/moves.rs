//! What keep does next: which tasks it starts, and which it ends. `warm_policy` decides, which replays do as well.

use std::time::Duration;

use warm_policy::{Bounds, End};

use crate::state::clock::millis;

/// How many tasks of one kind wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// The hash of their starts.
    pub(super) hash: String,
    pub(super) wanted: usize,
}

/// A task that waits, or starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) hash: String,
    pub(super) age: Duration,
    pub(super) is_ready: bool,
}

/// The bounds of all pools.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many tasks there are at most.
    pub(super) max_tasks: usize,
    /// How long one waits at most.
    pub(super) max_age: Duration,
}

/// The next moves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// The hashes of tasks to start, one for each.
    pub(super) start: Vec<String>,
    /// Ids of tasks to end, and why.
    pub(super) end: Vec<(String, &'static str)>,
}

/// The next moves, where these tasks are `kept`. Needs come in the order of the file; the first ones are met first.
pub(super) fn moves(needs: &[Need], kept: &[Kept], limits: Limits) -> Moves {
    let wanted: Vec<_> = needs.iter().map(|need| need.wanted).collect();
    let of_kind = |task: &Kept| warm_policy::Kept {
        kind: needs.iter().position(|need| need.hash == task.hash),
        age: millis(task.age),
        is_ready: task.is_ready,
    };
    let tasks: Vec<_> = kept.iter().map(of_kind).collect();
    let bounds = Bounds {
        max_tasks: limits.max_tasks,
        max_age: millis(limits.max_age),
    };
    let next = warm_policy::moves(&wanted, &tasks, bounds);
    let starts = next.start.iter().filter_map(|kind| needs.get(*kind));
    let ends = next.end.into_iter();
    Moves {
        start: starts.map(|need| need.hash.clone()).collect(),
        end: ends
            .filter_map(|(place, end)| Some((kept.get(place)?.id.clone(), why(end))))
            .collect(),
    }
}

/// Why a task ends, for people.
fn why(end: End) -> &'static str {
    match end {
        End::Unwanted => "no pool of this configuration wants it any more",
        End::Old => "it has waited for as long as it may (MaxAge)",
        End::Surplus => "other tasks of its pool are ready",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(100);

    fn kept() -> impl Strategy<Value = Vec<Kept>> {
        let task = (0_u8..4, 0_u64..140, any::<bool>());
        prop::collection::vec(task, 0..12).prop_map(|tasks| {
            let tasks = tasks.into_iter().enumerate();
            tasks
                .map(|(number, (hash, age, is_ready))| Kept {
                    id: number.to_string(),
                    hash: hash.to_string(),
                    age: Duration::from_secs(age),
                    is_ready,
                })
                .collect()
        })
    }

    fn needs() -> impl Strategy<Value = Vec<Need>> {
        prop::collection::vec(0_usize..5, 0..4).prop_map(|wanted| {
            let wanted = wanted.into_iter().enumerate();
            wanted
                .map(|(hash, wanted)| Need {
                    hash: hash.to_string(),
                    wanted,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn pools_get_what_they_want_within_the_limit(
            needs in needs(),
            kept in kept(),
            max_tasks in 0_usize..12,
        ) {
            let limits = Limits { max_tasks, max_age: MAX_AGE };
            let moves = moves(&needs, &kept, limits);
            let is_ended = |task: &Kept| moves.end.iter().any(|(id, _)| *id == task.id);
            // Nobody ends a task twice.
            let mut ids: Vec<_> = moves.end.iter().map(|(id, _)| id).collect();
            ids.dedup();
            prop_assert_eq!(ids.len(), kept.iter().filter(|task| is_ended(task)).count());
            let stay: Vec<_> = kept.iter().filter(|task| !is_ended(task)).collect();
            prop_assert!(moves.start.is_empty() || stay.len() + moves.start.len() <= max_tasks);
            for task in &stay {
                prop_assert!(task.age < MAX_AGE);
                prop_assert!(needs.iter().any(|need| need.hash == task.hash && need.wanted > 0));
            }
            for need in &needs {
                let of = |hash: &String| *hash == need.hash;
                let starts = moves.start.iter().filter(|hash| of(hash)).count();
                let young = |task: &&&Kept| of(&task.hash) && task.age < MAX_AGE.mul_f64(0.9);
                let lasting = stay.iter().filter(|task| young(task)).count();
                // No more than is wanted, and all of it where there is room.
                prop_assert!(starts == 0 || starts + lasting <= need.wanted);
                if stay.len() + moves.start.len() < max_tasks {
                    prop_assert!(starts + lasting >= need.wanted);
                }
                // What is young enough and wanted stays.
                let ready = kept.iter().filter(|task| of(&task.hash) && task.is_ready && task.age < MAX_AGE);
                let left = stay.iter().filter(|task| of(&task.hash) && task.is_ready).count();
                prop_assert_eq!(left, ready.count().min(need.wanted));
            }
        }
    }

    #[test]
    fn a_task_is_replaced_before_its_time_is_over() {
        let need = [Need {
            hash: "a".to_owned(),
            wanted: 1,
        }];
        let task = |id: &str, age, is_ready| Kept {
            id: id.to_owned(),
            hash: "a".to_owned(),
            age: Duration::from_secs(age),
            is_ready,
        };
        let limits = Limits {
            max_tasks: 5,
            max_age: MAX_AGE,
        };
        let old = task("old", 95, true);
        let begun = moves(&need, std::slice::from_ref(&old), limits);
        assert_eq!((begun.start.len(), begun.end.len()), (1, 0));
        let starting = [old.clone(), task("new", 1, false)];
        assert_eq!(moves(&need, &starting, limits), Moves::default());
        let ready = moves(&need, &[old, task("new", 2, true)], limits);
        assert!(ready.start.is_empty());
        assert_eq!(ready.end[0].0, "old");
    }
}
