//! The protocol of the shared looks against all interleavings of a small model: three processes, each of which may be
//! killed between any two of its steps.
//!
//! The decisions are those of `schedule`; the model is of what `mod.rs` does with files and locks, a step per call to
//! the kernel or to AWS that others can see.

use std::collections::HashSet;

use super::schedule::{Move, Need, View, next, spacing};

const PROCESSES: usize = 3;
/// One tick of the model's clock in milliseconds.
const TICK: u64 = 25;
/// Ticks that a state's clock runs at most.
const END: u64 = 7;
/// How old an answer may be, in milliseconds: the pause of a job's looks.
const PAUSE: u64 = 50;
/// Kills that a history has at most.
const KILLS: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// About to decide.
    Deciding,
    /// Holds the lock, and has not looked again.
    Locked,
    /// AWS was called at this time, for the processes of this set.
    Asking {
        asked_at: u64,
        waiting: u8,
    },
    /// Lays out answers for the rest of the set.
    Answering {
        asked_at: u64,
        waiting: u8,
    },
    /// Has its answer, asked for at this time.
    Done {
        asked_at: u64,
    },
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    at: [At; PROCESSES],
    /// When each has begun its look.
    begun: [u64; PROCESSES],
    answers: [Option<u64>; PROCESSES],
    lock: Option<usize>,
    next_at: Option<u64>,
    kills: u8,
    calls: u8,
}

fn need(state: &State, process: usize) -> Need {
    Need {
        after: 0,
        not_before: state.begun[process].saturating_sub(PAUSE),
    }
}

fn decide(state: &State, process: usize) -> Move {
    let view = View {
        now: state.now,
        answered: state.answers[process],
        next_at: state.next_at,
    };
    next(need(state, process), view)
}

fn lives(at: At) -> bool {
    !matches!(at, At::Dead | At::Done { .. })
}

/// The next step of a process, if it has one now.
fn step(state: &State, process: usize) -> Option<State> {
    let mut after = state.clone();
    match state.at[process] {
        At::Deciding => match decide(state, process) {
            Move::Take => {
                let asked_at = state.answers[process].unwrap();
                after.at[process] = At::Done { asked_at };
                after.answers[process] = None;
            }
            Move::Ask if state.lock.is_none() => {
                after.lock = Some(process);
                after.at[process] = At::Locked;
            }
            Move::Ask | Move::Wait(_) => return None,
        },
        At::Locked if decide(state, process) == Move::Ask => {
            // Those that are dead show by their locks; those that are done have removed their files.
            let waiting = (0..PROCESSES).filter(|other| lives(state.at[*other]));
            let waiting = waiting.fold(0, |set, other| set | 1 << other);
            let number = usize::try_from(u8::count_ones(waiting)).unwrap();
            after.next_at = Some(state.now + u64::try_from(spacing(number).as_millis()).unwrap());
            after.calls += 1;
            after.at[process] = At::Asking {
                asked_at: state.now,
                waiting,
            };
        }
        At::Locked => {
            after.lock = None;
            after.at[process] = At::Deciding;
        }
        At::Asking { asked_at, waiting } => {
            after.at[process] = At::Answering {
                asked_at,
                waiting: waiting & !(1 << process),
            };
        }
        At::Answering {
            asked_at,
            waiting: 0,
        } => {
            after.lock = None;
            after.at[process] = At::Done { asked_at };
        }
        At::Answering { asked_at, waiting } => {
            let other = usize::try_from(waiting.trailing_zeros()).unwrap();
            if lives(state.at[other]) {
                after.answers[other] = Some(asked_at);
            }
            after.at[process] = At::Answering {
                asked_at,
                waiting: waiting & !(1 << other),
            };
        }
        At::Done { .. } | At::Dead => return None,
    }
    Some(after)
}

fn kill(state: &State, process: usize) -> State {
    let mut after = state.clone();
    after.at[process] = At::Dead;
    after.kills += 1;
    // The kernel takes its locks.
    after.lock = after.lock.filter(|holder| *holder != process);
    after
}

/// All states that may follow.
fn successors(state: &State) -> Vec<State> {
    let mut all: Vec<State> = (0..PROCESSES)
        .filter_map(|process| step(state, process))
        .collect();
    if state.kills < KILLS {
        let living = (0..PROCESSES).filter(|process| lives(state.at[*process]));
        all.extend(living.map(|process| kill(state, process)));
    }
    if state.now < END * TICK + 1000 {
        all.push(State {
            now: state.now + TICK,
            ..state.clone()
        });
    }
    all
}

fn check(state: &State) {
    let asking = |at: &&At| matches!(at, At::Asking { .. } | At::Answering { .. } | At::Locked);
    assert!(
        state.at.iter().filter(asking).count() <= 1,
        "two ask at once: {state:?}"
    );
    for process in 0..PROCESSES {
        if let At::Done { asked_at } = state.at[process] {
            let oldest = need(state, process).not_before;
            assert!(
                asked_at >= oldest,
                "an answer from before {oldest}: {state:?}"
            );
            assert!(
                asked_at <= state.now,
                "an answer from the future: {state:?}"
            );
        }
    }
}

/// Lets everybody who lives go on, in turn, as long as it takes; all must come to an end.
fn finish(state: &State) {
    let mut state = state.clone();
    for _ in 0..200 {
        if !state.at.iter().any(|at| lives(*at)) {
            return;
        }
        for process in 0..PROCESSES {
            state = step(&state, process).unwrap_or(state);
            check(&state);
        }
        state.now += TICK;
    }
    panic!("somebody waits for ever: {state:?}");
}

fn start(begun: [u64; PROCESSES], next_at: Option<u64>) -> State {
    State {
        now: 1000,
        at: [At::Deciding; PROCESSES],
        begun,
        answers: [None; PROCESSES],
        lock: None,
        next_at,
        kills: 0,
        calls: 0,
    }
}

#[test]
fn after_any_kill_the_others_get_fresh_answers_and_one_asks_at_a_time() {
    let mut seen = HashSet::new();
    // Somebody asked a moment ago, or never, or by a clock that was set back since.
    let mut open = vec![
        start([1000; PROCESSES], None),
        start([1000; PROCESSES], Some(1050)),
        start([1000; PROCESSES], Some(900_000)),
    ];
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
fn while_nobody_is_killed_one_call_does_for_all_who_wait() {
    let mut seen = HashSet::new();
    let mut open = vec![State {
        kills: KILLS,
        ..start([1000; PROCESSES], None)
    }];
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        assert!(state.calls <= 1, "asked again: {state:?}");
        open.extend(successors(&state));
    }
}
