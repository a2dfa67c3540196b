//! Checks registration in all interleavings of a small model.
//!
//! Two managers, which share no lock, have two jobs each. Any job may be killed between two of its steps. The decisions
//! are those of `decision`; the model covers the lock's file as `register.rs` and a sweep use it, and AWS, which
//! refuses a registration while another one of the family is under way. The model leaves out eventual consistency: AWS
//! may not know a recent registration yet, or may still act on the call of a dead process.

use std::collections::HashSet;

use super::decision::{Known, Move, next};

const JOBS: usize = 4;
/// Most kills, failures of AWS, and sweeps of a history.
const KILLS: u8 = 2;
const FAILURES: u8 = 2;
const SWEEPS: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// About to open the lock's file.
    Coming,
    /// Has opened this one, and tries to lock it.
    Waiting(u8),
    /// Has locked this one, and has not checked that it still has its name.
    Locked(u8),
    /// Holds the lock of this one.
    Holding(u8, Known),
    /// AWS is registering for it.
    Registering(u8),
    /// Has emptied the file, and not written the answer yet.
    Noting(u8),
    Done,
    Dead,
}

/// The file in the metadata folder of a manager.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct File {
    /// The file that has the name now. A sweep removes it, and the next job makes another.
    named: Option<u8>,
    next: u8,
    /// Whether the file with the name says that the definition exists.
    says: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    at: [At; JOBS],
    files: [File; 2],
    /// Revisions that each manager has registered.
    revisions: [u8; 2],
    kills: u8,
    failures: u8,
    sweeps: u8,
}

fn manager(job: usize) -> usize {
    job / 2
}

/// Which of the manager's files a job has locked.
fn locked(at: At) -> Option<u8> {
    match at {
        At::Locked(file) | At::Holding(file, _) | At::Registering(file) | At::Noting(file) => {
            Some(file)
        }
        At::Coming | At::Waiting(_) | At::Done | At::Dead => None,
    }
}

fn is_locked(state: &State, manager: usize, file: u8) -> bool {
    (0..JOBS).any(|job| self::manager(job) == manager && locked(state.at[job]) == Some(file))
}

fn lives(at: At) -> bool {
    !matches!(at, At::Done | At::Dead)
}

/// The next steps of a job: none while another holds the lock, several where AWS may answer differently.
fn steps(state: &State, job: usize) -> Vec<State> {
    let manager = manager(job);
    let to = |at: At| moved(state, job, at);
    match state.at[job] {
        At::Coming => {
            let mut after = state.clone();
            let file = &mut after.files[manager];
            let named = *file.named.get_or_insert_with(|| {
                file.says = false;
                file.next += 1;
                file.next
            });
            after.at[job] = At::Waiting(named);
            vec![after]
        }
        At::Waiting(file) if is_locked(state, manager, file) => Vec::new(),
        At::Waiting(file) => vec![to(At::Locked(file))],
        At::Locked(file) if state.files[manager].named != Some(file) => vec![to(At::Coming)],
        At::Locked(file) => {
            let there = state.files[manager].says;
            let known = if there { Known::There } else { Known::Nothing };
            vec![to(At::Holding(file, known))]
        }
        At::Holding(file, known) => holding_steps(state, job, file, known),
        At::Registering(file) => {
            let mut done = to(At::Holding(file, Known::There));
            done.revisions[manager] += 1;
            // The answer is lost, or nothing came of the call.
            let refused = At::Holding(file, Known::Refused { may_pass: true });
            let mut lost = to(refused);
            lost.revisions[manager] += 1;
            let mut all = vec![done];
            all.extend(failing(&lost));
            all.extend(failing(&to(refused)));
            all
        }
        At::Noting(file) => {
            let mut after = to(At::Done);
            let noted = &mut after.files[manager];
            noted.says |= noted.named == Some(file);
            vec![after]
        }
        At::Done | At::Dead => Vec::new(),
    }
}

/// The state with one job moved on.
fn moved(state: &State, job: usize, at: At) -> State {
    let mut after = state.clone();
    after.at[job] = at;
    after
}

/// The next steps of a job that holds the lock.
fn holding_steps(state: &State, job: usize, file: u8, known: Known) -> Vec<State> {
    let manager = manager(job);
    let to = |at: At| moved(state, job, at);
    match next(known, true) {
        Move::Take if state.files[manager].says => vec![to(At::Done)],
        Move::Take => vec![to(At::Noting(file))],
        Move::LookUp => {
            let is_there = state.revisions.iter().any(|revisions| *revisions > 0);
            let known = if is_there {
                Known::There
            } else {
                Known::Absent
            };
            let mut all = vec![to(At::Holding(file, known))];
            all.extend(failing(&to(At::Holding(
                file,
                Known::Refused { may_pass: true },
            ))));
            all
        }
        Move::Register => {
            let busy = (0..JOBS).any(|other| matches!(state.at[other], At::Registering(_)));
            if busy {
                vec![to(At::Holding(file, Known::Refused { may_pass: true }))]
            } else {
                vec![to(At::Registering(file))]
            }
        }
        Move::Pause => vec![to(At::Holding(file, Known::Nothing))],
        Move::GiveUp => panic!("it has time: {state:?}"),
    }
}

/// The state, if AWS may fail once more.
fn failing(state: &State) -> Option<State> {
    (state.failures < FAILURES).then(|| State {
        failures: state.failures + 1,
        ..state.clone()
    })
}

/// A job is killed. Its registration under way may succeed or not.
fn kills(state: &State, job: usize) -> Vec<State> {
    let mut after = state.clone();
    after.at[job] = At::Dead;
    after.kills += 1;
    let mut all = vec![after.clone()];
    if matches!(state.at[job], At::Registering(_)) {
        after.revisions[manager(job)] += 1;
        all.push(after);
    }
    all
}

/// A sweep removes the file of a lock that nobody has used for long, or its answer is too old.
fn sweeps(state: &State, manager: usize) -> Vec<State> {
    let mut all = Vec::new();
    let Some(file) = state.files[manager].named else {
        return all;
    };
    let swept = State {
        sweeps: state.sweeps + 1,
        ..state.clone()
    };
    if !is_locked(state, manager, file) {
        let mut removed = swept.clone();
        removed.files[manager].named = None;
        all.push(removed);
    }
    let mut forgotten = swept;
    forgotten.files[manager].says = false;
    all.push(forgotten);
    all
}

fn successors(state: &State) -> Vec<State> {
    let living: Vec<_> = (0..JOBS).filter(|job| lives(state.at[*job])).collect();
    let mut all: Vec<State> = living.iter().flat_map(|job| steps(state, *job)).collect();
    if state.kills < KILLS {
        all.extend(living.iter().flat_map(|job| kills(state, *job)));
    }
    if state.sweeps < SWEEPS {
        all.extend((0..2).flat_map(|manager| sweeps(state, manager)));
    }
    all
}

fn check(state: &State) {
    for manager in 0..2 {
        assert!(
            state.revisions[manager] <= 1,
            "a manager registers twice: {state:?}"
        );
        let jobs = (0..JOBS).filter(|job| self::manager(*job) == manager);
        let inside = jobs.filter(|job| {
            matches!(
                state.at[*job],
                At::Holding(..) | At::Registering(_) | At::Noting(_)
            )
        });
        assert!(inside.count() <= 1, "two hold the lock: {state:?}");
    }
    if state.at.contains(&At::Done) {
        assert!(
            state.revisions.iter().sum::<u8>() > 0,
            "taken for registered: {state:?}"
        );
    }
}

/// Lets all living jobs go on in turn while nothing fails; all must come to an end.
fn finish(state: &State) {
    let mut state = State {
        failures: FAILURES,
        ..state.clone()
    };
    for _ in 0..100 {
        if !state.at.iter().any(|at| lives(*at)) {
            return;
        }
        for job in 0..JOBS {
            state = steps(&state, job).into_iter().next().unwrap_or(state);
            check(&state);
        }
    }
    panic!("somebody waits for ever: {state:?}");
}

#[test]
fn a_manager_registers_once_whoever_is_killed_and_nobody_waits_for_ever() {
    let file = File {
        named: None,
        next: 0,
        says: false,
    };
    let mut seen = HashSet::new();
    let mut open = vec![State {
        at: [At::Coming; JOBS],
        files: [file.clone(), file],
        revisions: [0; 2],
        kills: 0,
        failures: 0,
        sweeps: 0,
    }];
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

#[test]
fn whoever_has_no_time_left_gives_up_and_so_does_who_is_refused_for_good() {
    for (may_pass, has_time, expected) in [
        (true, true, Move::Pause),
        (true, false, Move::GiveUp),
        (false, true, Move::GiveUp),
        (false, false, Move::GiveUp),
    ] {
        assert_eq!(next(Known::Refused { may_pass }, has_time), expected);
    }
}
