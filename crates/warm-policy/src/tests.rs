//! Properties of the decision and of the replays, on any jobs.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::*;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const TASK: TaskTimes = TaskTimes {
    start: 30 * SECOND,
    billed_start: 20 * SECOND,
    wind_down: 33 * SECOND,
};
/// No bounds.
const ENDLESS: Bounds = Bounds {
    max_tasks: usize::MAX,
    max_age: u64::MAX,
};
/// A moment with much time before it.
const NOW: u64 = 1_000_000 * SECOND;

/// When jobs asked for one kind, in order, some of them in the future.
fn arrivals() -> impl Strategy<Value = Vec<u64>> {
    let lately = (NOW - WINDOW - MINUTE)..(NOW + 5 * MINUTE);
    let close = (NOW - 20 * MINUTE)..NOW;
    vec(prop_oneof![lately, close], 0..60).prop_map(|mut all| {
        all.sort_unstable();
        all
    })
}

fn kinds() -> impl Strategy<Value = Vec<(Vec<u64>, usize, bool)>> {
    vec((arrivals(), 0..4_usize, any::<bool>()), 0..6)
}

fn demands(kinds: &[(Vec<u64>, usize, bool)]) -> Vec<Demand<'_>> {
    let demand = |(arrivals, scheduled, is_followed)| Demand {
        arrivals,
        task: TASK,
        scheduled,
        is_followed,
    };
    let kinds = kinds.iter();
    kinds
        .map(|kind| demand((&kind.0, kind.1, kind.2)))
        .collect()
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..20_usize, 0..20_usize, 0..120 * MINUTE).prop_map(|(max_tasks, follow_tasks, max_idle)| {
        Limits {
            max_tasks,
            follow_tasks,
            max_idle,
        }
    })
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let job = (0..600 * SECOND, 0..3_usize).prop_map(|(at, kind)| Job {
        at,
        kind,
        length: MINUTE,
        is_willing: true,
    });
    vec(job, 0..80).prop_map(|mut jobs| {
        jobs.sort_by_key(|job| job.at);
        jobs
    })
}

proptest! {
    #[test]
    fn never_more_than_the_limits(kinds in kinds(), limits in limits()) {
        let demands = demands(&kinds);
        let wanted = wanted(&demands, &limits, NOW);
        prop_assert_eq!(wanted.len(), demands.len());
        prop_assert!(wanted.iter().sum::<usize>() <= limits.max_tasks);
        let scheduled: usize = demands.iter().map(|demand| demand.scheduled).sum();
        let followed: usize = wanted.iter().zip(&demands).map(|(tasks, demand)| tasks.saturating_sub(demand.scheduled)).sum();
        prop_assert!(followed <= limits.follow_tasks);
        if scheduled <= limits.max_tasks {
            prop_assert!(wanted.iter().zip(&demands).all(|(tasks, demand)| *tasks >= demand.scheduled));
        } else {
            prop_assert_eq!(wanted.iter().sum::<usize>(), limits.max_tasks);
        }
    }

    #[test]
    fn none_is_followed_after_its_time_or_against_the_operators_wish(kinds in kinds(), limits in limits()) {
        let demands = demands(&kinds);
        for (tasks, demand) in wanted(&demands, &limits, NOW).iter().zip(&demands) {
            let is_live = demand.arrivals.iter().any(|at| *at <= NOW && NOW - at <= limits.max_idle);
            if !is_live || !demand.is_followed {
                prop_assert!(*tasks <= demand.scheduled);
            }
        }
    }

    #[test]
    fn higher_limits_never_take_a_task_away(kinds in kinds(), limits in limits(), more in 0..5_usize, follow in 0..5_usize) {
        let demands = demands(&kinds);
        let higher = Limits {
            max_tasks: limits.max_tasks + more,
            follow_tasks: limits.follow_tasks + follow,
            ..limits
        };
        let (few, many) = (wanted(&demands, &limits, NOW), wanted(&demands, &higher, NOW));
        prop_assert!(few.iter().zip(&many).all(|(few, many)| few <= many), "{:?} and {:?}", few, many);
    }

    #[test]
    fn a_clock_may_say_anything(kinds in vec((vec(any::<u64>(), 0..20), 0..4_usize, any::<bool>()), 0..4), limits in limits(), now: u64) {
        let limits = Limits { max_idle: limits.max_idle.wrapping_mul(now), ..limits };
        prop_assert!(wanted(&demands(&kinds), &limits, now).iter().sum::<usize>() <= limits.max_tasks);
    }

    #[test]
    fn a_fixed_decision_is_a_fixed_stock(jobs in jobs(), stocks in vec(0..5_usize, 3)) {
        let rules = Rules { from: 0, until: 700 * SECOND, interval: 5 * SECOND, bounds: ENDLESS };
        let course = simulate(&jobs, &[TASK; 3], &rules, |_, _| stocks.clone());
        let span = Span { from: 0, until: rules.until, max_idle: u64::MAX, is_over: true };
        let mut sum = Outcome::default();
        for (kind, stock) in stocks.iter().enumerate() {
            let arrivals = jobs.iter().filter(|job| job.kind == kind).map(|job| job.at);
            let outcome = replay(arrivals, *stock, &TASK, &span);
            sum.hits += outcome.hits;
            sum.idle += outcome.idle;
        }
        prop_assert_eq!(course.outcome(), sum);
        prop_assert_eq!(course.hits.len(), jobs.len());
    }

    #[test]
    fn the_best_stocks_are_beaten_by_none(jobs in jobs(), stocks in vec(0..5_usize, 3)) {
        let span = Span { from: 0, until: 700 * SECOND, max_idle: u64::MAX, is_over: true };
        let best = best_stocks(&jobs, &[(TASK, span); 3], 4);
        let mut sum = Outcome::default();
        for (kind, stock) in stocks.iter().enumerate() {
            let arrivals = jobs.iter().filter(|job| job.kind == kind).map(|job| job.at);
            let outcome = replay(arrivals, *stock, &TASK, &span);
            sum.hits += outcome.hits;
            sum.idle += outcome.idle;
        }
        let as_good = best.iter().find(|best| best.outcome.hits >= sum.hits).unwrap();
        prop_assert!(as_good.outcome.idle <= sum.idle);
        prop_assert!(best.is_sorted_by_key(|best| (best.outcome.hits, best.outcome.idle)));
    }

    #[test]
    fn hits_and_idle_time_are_within_what_there_was(jobs in jobs(), limits in limits()) {
        let bounds = Bounds { max_tasks: limits.max_tasks, max_age: 5 * MINUTE };
        let rules = Rules { from: 0, until: 700 * SECOND, interval: 5 * SECOND, bounds };
        let course = simulate(&jobs, &[TASK; 3], &rules, |now, arrivals| {
            let demands: Vec<_> = arrivals
                .iter()
                .map(|arrivals| Demand { arrivals, task: TASK, scheduled: 0, is_followed: true })
                .collect();
            wanted(&demands, &limits, now)
        });
        let hits = course.hits.iter().filter(|is_hit| **is_hit).count() as u64;
        prop_assert_eq!(course.outcome().hits, hits);
        // A task that starts stays though it is not wanted any more, and an old one until the next is ready.
        let waits = limits.max_tasks as u64 * (rules.until + course.unclaimed * TASK.billed(0));
        prop_assert!(course.outcome().idle <= waits);
    }
}

#[test]
fn a_kind_that_is_asked_for_every_minute_is_kept_and_one_of_once_an_hour_is_not() {
    let every = |interval: u64| -> Vec<u64> {
        let mut all: Vec<_> = (0..WINDOW / interval)
            .map(|number| NOW - number * interval)
            .collect();
        all.reverse();
        all
    };
    let (often, seldom) = (every(MINUTE), every(60 * MINUTE));
    let demand = |arrivals| Demand {
        arrivals,
        task: TASK,
        scheduled: 0,
        is_followed: true,
    };
    let limits = Limits {
        max_tasks: 10,
        follow_tasks: 10,
        max_idle: 15 * MINUTE,
    };
    let tasks = wanted(&[demand(&often), demand(&seldom)], &limits, NOW);
    assert_eq!(tasks, [1, 0]);
    // So few jobs do not tell when work is over.
    let few = often[often.len() - 20..].to_vec();
    let later = NOW + 15 * MINUTE;
    assert_eq!(wanted(&[demand(&few)], &limits, later), [1]);
    assert_eq!(wanted(&[demand(&few)], &limits, later + 1), [0]);
}

#[test]
fn pools_that_come_first_get_what_they_ask_for() {
    assert_eq!(shares(&[8, 8, 1], 10), [8, 2, 0]);
    assert_eq!(shares(&[1, 2], 10), [1, 2]);
    assert_eq!(shares(&[], 10), [0; 0]);
}

#[test]
fn a_stock_of_one_serves_jobs_that_come_one_by_one() {
    let arrivals = [MINUTE, 2 * MINUTE, 2 * MINUTE + SECOND, 10 * MINUTE];
    let span = Span {
        from: 0,
        until: 20 * MINUTE,
        max_idle: u64::MAX,
        is_over: true,
    };
    let one = replay(arrivals, 1, &TASK, &span);
    assert_eq!(one.hits, 3);
    // Ready after 30 s of each start; at the end it is stopped.
    let waits = [
        30 * SECOND,
        30 * SECOND,
        7 * MINUTE + 30 * SECOND,
        9 * MINUTE + 30 * SECOND,
    ];
    let stopped = TASK.billed_start + TASK.wind_down;
    assert_eq!(one.idle, waits.iter().sum::<u64>() + stopped);
    assert_eq!(replay(arrivals, 0, &TASK, &span), Outcome::default());
    let given_up = Span {
        max_idle: 5 * MINUTE,
        is_over: false,
        ..span
    };
    assert_eq!(replay(arrivals, 1, &TASK, &given_up).hits, 2);
}

/// The course of one kind where so many tasks are wanted from each of these moments on, until half an hour is over.
fn course(jobs: &[u64], wanted: &[(u64, usize)], bounds: Bounds) -> Course {
    let job = |at: &u64| Job {
        at: *at,
        kind: 0,
        length: MINUTE,
        is_willing: true,
    };
    let jobs: Vec<_> = jobs.iter().map(job).collect();
    let rules = Rules {
        from: 0,
        until: 30 * MINUTE,
        interval: SECOND,
        bounds,
    };
    simulate(&jobs, &[TASK], &rules, |now, _| {
        let last = wanted.iter().rfind(|(from, _)| *from <= now);
        vec![last.map_or(0, |(_, tasks)| *tasks)]
    })
}

#[test]
fn a_task_that_starts_waits_first_and_of_two_the_older_ends() {
    // Too many after ten seconds: the second one ends once both are ready.
    let surplus = course(&[], &[(0, 1), (5 * SECOND, 2), (10 * SECOND, 1)], ENDLESS);
    // The older one is ready after 30 s and ends after 35 s, when the other one is ready.
    let older = TASK.billed(5 * SECOND);
    let younger = TASK.billed(30 * MINUTE - 35 * SECOND);
    assert_eq!(surplus.unclaimed, 2);
    assert_eq!(surplus.outcome().idle, older + younger);
    // None is wanted: a start is cut short, before its pull.
    let none = course(&[], &[(0, 1), (5 * SECOND, 0)], ENDLESS);
    assert_eq!((none.unclaimed, none.outcome().idle), (1, 0));
}

#[test]
fn a_task_that_was_pulled_costs_a_minute() {
    let at = |second: u64| {
        course(&[], &[(0, 1), (second * SECOND, 0)], ENDLESS)
            .outcome()
            .idle
    };
    assert_eq!((at(9), at(10), at(11)), (0, MINUTE, MINUTE));
    assert_eq!((at(30), at(37)), (MINUTE, MINUTE));
    assert_eq!(at(38), MINUTE + SECOND);
}

#[test]
fn an_old_task_and_the_next_one_overlap() {
    let bounds = |max_tasks| Bounds {
        max_tasks,
        max_age: 10 * MINUTE,
    };
    // Started after 0, 9 and 18 minutes, and after 27 minutes; each but the last ends when the next is ready.
    let each = TASK.billed(9 * MINUTE);
    let last = TASK.billed(2 * MINUTE + 30 * SECOND);
    let renewed = course(&[], &[(0, 1)], bounds(2));
    assert_eq!(
        (renewed.unclaimed, renewed.outcome().idle),
        (4, 3 * each + last)
    );
    let missed = |bounds| {
        let jobs = [10 * MINUTE + 5 * SECOND];
        course(&jobs, &[(0, 1)], bounds).outcome().hits == 0
    };
    assert!(!missed(bounds(2)));
    // Without room for both there is a gap.
    assert!(missed(bounds(1)));
}

#[test]
fn a_job_that_declines_takes_no_task_and_proves_nothing() {
    let job = |at, is_willing| Job {
        at,
        kind: 0,
        length: MINUTE,
        is_willing,
    };
    let jobs = [job(5 * MINUTE, false), job(6 * MINUTE, true)];
    let rules = Rules {
        from: 0,
        until: 10 * MINUTE,
        interval: MINUTE,
        bounds: ENDLESS,
    };
    let mut seen = Vec::new();
    let course = simulate(&jobs, &[TASK], &rules, |_, arrivals| {
        seen = arrivals.to_vec();
        vec![1]
    });
    assert_eq!(course.hits, [false, true]);
    assert_eq!(seen, [[6 * MINUTE]]);
}

#[test]
fn a_silence_of_all_jobs_ends_what_each_kind_alone_would_not() {
    // One kind has a job a minute, another one every ten: until then, and one an hour later.
    let every = |interval: u64| -> Vec<u64> {
        let number = 2 * 60 * MINUTE / interval;
        (0..=number)
            .map(|job| NOW - (number - job) * interval)
            .collect()
    };
    let (often, seldom) = (every(MINUTE), every(10 * MINUTE));
    let limits = Limits {
        max_tasks: 10,
        follow_tasks: 10,
        max_idle: 15 * MINUTE,
    };
    let tasks = |often: &[u64], seldom: &[u64], now| {
        let demand = |arrivals| Demand {
            arrivals,
            task: TASK,
            scheduled: 0,
            is_followed: true,
        };
        wanted(&[demand(often), demand(seldom)], &limits, now)
    };
    assert_eq!(tasks(&often, &seldom, NOW), [1, 1]);
    // Twice the longest pause is less than what a silence takes at least.
    assert_eq!(tasks(&often, &seldom, NOW + 5 * MINUTE), [1, 1]);
    assert_eq!(tasks(&often, &seldom, NOW + 5 * MINUTE + 1), [0, 0]);
    // Alone it has not been idle for long, and has too few pauses.
    assert_eq!(tasks(&[], &seldom, NOW + 14 * MINUTE), [0, 1]);
    // A job of the night does not bring the day back; a second one begins anew.
    let later = NOW + 60 * MINUTE;
    let at_night: Vec<_> = often.iter().copied().chain([later]).collect();
    assert_eq!(tasks(&at_night, &seldom, later), [0, 0]);
    let again: Vec<_> = at_night.into_iter().chain([later + MINUTE]).collect();
    assert_eq!(tasks(&again, &seldom, later + MINUTE), [1, 0]);
}
