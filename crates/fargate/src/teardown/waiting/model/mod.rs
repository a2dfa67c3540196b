//! Claims, keep, cleanups and sweeps against all interleavings of a small model, in which any process may be killed
//! between any two of its steps.
//!
//! The model has two waiting tasks at most, two jobs that claim them, a keep that starts and ends them, and a sweep.
//! Its steps are what others can see: a call to AWS, a script's first connection, a write or a rename under the
//! folder's lock.

mod state;
mod steps;

use std::collections::HashSet;

use self::state::{Aws, End, File, JOBS, KILLS, Keep, Prepare, Record, State, TASKS, begin};
use self::steps::{cleanup, keep, prepare, sweep};

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
    if !matches!(state.sweeping, End::Idle | End::Done | End::Dead) {
        kill(&|after| after.sweeping = End::Dead);
    }
    all
}

fn successors(state: &State) -> Vec<State> {
    let jobs = (0..JOBS).flat_map(|job| [prepare(state, job), cleanup(state, job)]);
    let steps = jobs.chain([keep(state), sweep(state)]);
    steps.flatten().chain(kills(state)).collect()
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

/// Everybody is dead or done: the cleanups of both jobs and one sweep leave nothing.
fn finish(state: &State) {
    let mut state = state.clone();
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
    let mut seen = HashSet::new();
    let mut open = vec![begin(1, 2), begin(2, 0)];
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        check(&state);
        finish(&state);
        open.extend(successors(&state));
    }
    assert!(seen.len() > 10_000, "only {} states", seen.len());
}
