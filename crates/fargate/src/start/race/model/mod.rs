//! Second tasks, cleanups and sweeps against all interleavings of a small model, in which any process may be killed
//! between any two of its steps.
//!
//! The model has a prepare with a first and a second task, the job's cleanup, a sweep of another process, and AWS. Its
//! steps are what others can see: a call under way, its effect and its answer, a write under the folder's lock. The
//! record and its folder are real ones; so are the judgements of a sweep, the entries of the ledger, and the decision
//! whether a race goes on. AWS has done with a call by the time at which a teardown takes it for settled.

mod ends;
mod folder;
mod prepare;
mod state;

use std::collections::hash_map::Entry::Vacant;
use std::collections::{BTreeMap, HashMap, VecDeque};

use self::ends::{cleanup, sweep};
use self::folder::{Folder, arn};
use self::prepare::prepare;
use self::state::{End, KILLS, LOSSES, Prepare, STARTS, Second, State, Sweep, Task, begin};

/// A call under way takes effect or not, and AWS takes a task back.
fn aws(state: &State) -> Vec<State> {
    let mut all = Vec::new();
    for start in 0..STARTS {
        let call = state.calls[start];
        let mut change = |under_way, task| {
            let mut after = *state;
            after.calls[start].under_way = under_way;
            after.calls[start].task = task;
            after.losses += u8::from(task == Task::Lost && call.task == Task::Running);
            all.push(after);
        };
        if call.under_way {
            change(false, call.task);
        }
        if call.under_way && call.task == Task::None {
            change(false, Task::Running);
        }
        if call.task == Task::Running && state.losses < LOSSES && !state.is_last {
            change(call.under_way, Task::Lost);
        }
    }
    all
}

fn is_dead(state: &State) -> State {
    State {
        prepare: Prepare::Dead,
        second: Second::Over,
        journal: 0,
        ..*state
    }
}

fn kills(state: &State) -> Vec<State> {
    let mut all = Vec::new();
    if state.kills == KILLS {
        return all;
    }
    let kills = state.kills + 1;
    if !matches!(
        state.prepare,
        Prepare::Begins | Prepare::Done | Prepare::Dead
    ) {
        all.push(State {
            kills,
            ..is_dead(state)
        });
    }
    if !matches!(state.cleanup, End::Begins | End::Over) {
        all.push(State {
            kills,
            cleanup: End::Over,
            ..*state
        });
    }
    if !matches!(state.sweep, Sweep::Idle | Sweep::Over) {
        all.push(State {
            kills,
            sweep: Sweep::Over,
            ..*state
        });
    }
    all
}

/// Everybody is dead or done, and the job's cleanup begins. A sweep follows it.
fn last(state: &State) -> State {
    State {
        cleanup: End::Begins,
        sweep: Sweep::Idle,
        kills: KILLS,
        losses: LOSSES,
        is_last: true,
        ..is_dead(state)
    }
}

fn successors(state: &State, folder: &mut Folder) -> Vec<State> {
    let mut all = aws(state);
    all.extend(cleanup(state, folder));
    if !state.is_last || state.cleanup == End::Over {
        all.extend(sweep(state, folder));
    }
    if !state.is_last {
        all.extend(prepare(state, folder));
        all.extend(kills(state));
        all.push(last(state));
    }
    all
}

/// The task that takes the scripts of a job which goes on.
fn winner(state: &State, folder: &Folder) -> Option<usize> {
    let record = folder.get(state.file?);
    let goes_on = record.has_winner() && !record.ends;
    (0..STARTS).find(|task| goes_on && record.task() == Some(arn(*task).as_str()))
}

/// A job that has a task keeps it until its own end begins.
fn check(state: &State, folder: &Folder) -> Option<&'static str> {
    if state.lost_its_only_task {
        return Some("somebody stopped the only task");
    }
    let task = state.calls[winner(state, folder)?].task;
    let runs = matches!(task, Task::Running | Task::Lost);
    (!runs).then_some("somebody stopped the job's task")
}

/// Nobody is at work but the job's scripts: a sweep leaves no other task.
fn check_sweep(state: &State, folder: &mut Folder) -> Option<&'static str> {
    let is_at_work = !matches!(state.prepare, Prepare::Done | Prepare::Dead)
        || state.cleanup != End::Begins
        || state.is_under_way()
        || state.is_last;
    let winner = winner(state, folder).filter(|_| !is_at_work)?;
    let mut state = State {
        sweep: Sweep::Idle,
        ..*state
    };
    while let Some(next) = sweep(&state, folder).into_iter().next() {
        state = next;
    }
    let others = state.running() & !(1 << winner);
    (others != 0).then_some("a sweep leaves a task")
}

/// Everybody is dead or done, and the job's cleanup and a sweep have come.
fn check_last(state: &State) -> Option<&'static str> {
    let is_stopped = |task: &usize| state.calls[*task].task == Task::Stopped;
    let mut stopped = (0..STARTS).filter(is_stopped);
    let mut faults = [
        (state.is_under_way(), "a call is left"),
        (state.running() != 0, "a task is left"),
        (state.file.is_some(), "a record is left"),
        (
            stopped.any(|task| state.ledger & (1 << task) == 0),
            "the ledger lacks a task",
        ),
    ]
    .into_iter();
    faults.find_map(|(is_so, fault)| is_so.then_some(fault))
}

/// How a state came about, and the records of its history.
fn history(state: State, seen: &HashMap<State, State>, folder: &Folder) -> String {
    let mut states = vec![state];
    while let Some(parent) = states.last().and_then(|last| seen.get(last))
        && !states.contains(parent)
    {
        states.push(*parent);
    }
    let told = states.iter().rev().map(|state| {
        let starts = state.file.map(|id| {
            let starts = folder.get(id).starts().iter();
            let starts = starts.map(|start| (start.standing, start.task.as_deref()));
            starts.collect::<Vec<_>>()
        });
        format!("{state:?}\n    {starts:?}\n")
    });
    told.collect()
}

#[test]
fn after_any_kills_a_job_keeps_its_task_and_a_cleanup_leaves_nothing() {
    let mut folder = Folder::new();
    // The state before each state.
    let mut seen = HashMap::from([(begin(), begin())]);
    let mut open = VecDeque::from([begin()]);
    let mut faults = BTreeMap::new();
    while let Some(state) = open.pop_front() {
        let next = successors(&state, &mut folder);
        let is_over = next.is_empty() && state.is_last;
        let fault = check(&state, &folder)
            .or_else(|| check_sweep(&state, &mut folder))
            .or_else(|| check_last(&state).filter(|_| is_over));
        if let Some(fault) = fault {
            faults.entry(fault).or_insert((state, 0_u32)).1 += 1;
        }
        for after in next {
            if let Vacant(place) = seen.entry(after) {
                place.insert(state);
                open.push_back(after);
            }
        }
    }
    println!("{} states, {} records", seen.len(), folder.len());
    for (fault, (state, count)) in &faults {
        println!("{fault} ({count}):\n{}", history(*state, &seen, &folder));
    }
    assert!(faults.is_empty());
    assert!(seen.len() > 500_000, "only {} states", seen.len());
}
