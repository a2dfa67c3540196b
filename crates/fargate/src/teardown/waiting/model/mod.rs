//! Claims, keep, yields, drains, cleanups and sweeps against all interleavings of a small model, in which any process
//! may be killed between any two of its steps.
//!
//! The model has two waiting tasks at most, two jobs that claim them, a keep that starts and ends them, somebody who
//! takes tasks to end them (a drain, or a job without room), and a sweep.
//! Its steps are what others can see: a call to AWS, a script's first connection, a write or a rename under the
//! folder's lock.

mod state;
mod steps;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use self::state::{Aws, End, File, JOBS, KILLS, Keep, Prepare, Record, State, TASKS, begin};
use self::steps::{aws, cleanup, keep, prepare, prepare_in_vain, sweep, taker};

fn kills(state: &State) -> Vec<State> {
    let mut all = Vec::new();
    if state.kills == KILLS {
        return all;
    }
    let mut kill = |change: &dyn Fn(&mut State)| {
        let mut after = state.clone();
        change(&mut after);
        after.kills += 1;
        all.push(after);
    };
    for job in 0..JOBS {
        if !matches!(state.prepares[job], Prepare::Done | Prepare::Dead) {
            kill(&|after| after.prepares[job] = Prepare::Dead);
        }
        if !matches!(state.cleanups[job], End::Idle | End::Done | End::Dead) {
            kill(&|after| after.cleanups[job] = End::Dead);
        }
    }
    if state.keep != Keep::Dead {
        kill(&|after| after.keep = Keep::Dead);
    }
    if state.taker.0 < state::TASKS && !matches!(state.taker.1, End::Idle | End::Dead) {
        kill(&|after| after.taker.1 = End::Dead);
    }
    if !matches!(state.sweeping, End::Idle | End::Done | End::Dead) {
        kill(&|after| after.sweeping = End::Dead);
    }
    all
}

fn successors(state: &State) -> Vec<State> {
    let of_job = |job| {
        [
            prepare(state, job),
            prepare_in_vain(state, job),
            cleanup(state, job),
        ]
    };
    let steps = (0..JOBS).flat_map(of_job);
    let steps = steps.chain([keep(state), taker(state), sweep(state)]);
    steps
        .flatten()
        .chain(aws(state))
        .chain(kills(state))
        .collect()
}

/// A job that has a task keeps it until its own end begins.
fn check(state: &State) {
    for job in 0..JOBS {
        if let Record::There {
            claim: Some(task),
            won: true,
            ends: false,
        } = state.records[job]
        {
            assert_eq!(
                state.aws[task],
                Aws::Running,
                "somebody stopped it: {state:?}"
            );
        }
        if let Prepare::Proved(task) = state.prepares[job]
            && matches!(state.records[job], Record::There { ends: false, .. })
        {
            assert_eq!(
                state.aws[task],
                Aws::Running,
                "somebody stopped it: {state:?}"
            );
        }
    }
}

/// Everybody is dead or done: the cleanups of both jobs and one sweep leave nothing, and whatever a call under way has
/// brought.
fn finish(state: &State) {
    for reaches_aws in [false, true] {
        finish_after(state, reaches_aws);
    }
}

fn finish_after(state: &State, reaches_aws: bool) {
    let mut state = state.clone();
    for task in 0..TASKS {
        if std::mem::take(&mut state.calls[task]) && reaches_aws {
            state.aws[task] = Aws::Running;
        }
    }
    state.kills = KILLS;
    for job in 0..JOBS {
        state.prepares[job] = Prepare::Dead;
    }
    state.keep = Keep::Dead;
    for job in 0..JOBS {
        state.cleanups[job] = End::Idle;
        while let Some(next) = cleanup(&state, job) {
            state = next;
        }
    }
    state.sweeping = End::Idle;
    while let Some(next) = sweep(&state) {
        state = next;
    }
    assert!(
        !state.aws.contains(&Aws::Running),
        "a task is left: {state:?}"
    );
    assert_eq!(
        state.files,
        [File::Absent; TASKS],
        "a file is left: {state:?}"
    );
    assert_eq!(
        state.records,
        [Record::Absent; JOBS],
        "a record is left: {state:?}"
    );
}

#[test]
fn after_any_kills_no_task_is_used_twice_and_one_sweep_leaves_nothing() {
    for (first, least) in [
        (begin(1, 2, true), 10_000),
        (begin(1, 2, false), 10_000),
        (begin(2, 0, false), 10_000),
    ] {
        let (mut seen, mut open) = (HashSet::new(), vec![first]);
        let hasher = RandomState::new();
        while let Some(state) = open.pop() {
            // Hashes in place of a million states: that two of them are one is less likely than a broken processor.
            if !seen.insert(hasher.hash_one(&state)) {
                continue;
            }
            check(&state);
            finish(&state);
            open.extend(successors(&state));
        }
        println!("{} states", seen.len());
        assert!(seen.len() > least, "only {} states", seen.len());
    }
}
