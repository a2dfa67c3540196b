//! The steps of a prepare: a first task, and a second one beside it.

use super::super::{Second as Progress, is_over};
use super::ends::{end, stop};
use super::folder::{Change, Folder, Id, Write, set};
use super::state::{
    Answer, Asking, End, FIRST, Prepare, SECOND, Second, State, Stopping, Task, members,
};
use crate::connect::start_failure::StartFailure;
use crate::error::{Blame, Error};
use crate::task::Loss;

/// The fates of a call of RunTask.
enum Asked {
    Goes(Asking, bool),
    Brought,
    BroughtNothing,
    /// The record could not be written: the job's cleanup has come.
    Broke,
}

/// Changes the record and writes it. Returns whether prepare goes on.
fn note(state: &mut State, folder: &mut Folder, change: Change) -> bool {
    state.journal = folder.change(state.journal, change);
    let (file, goes_on) = folder.write(state.file, Write::Update(state.journal));
    state.file = file;
    goes_on
}

/// The next steps of a call for this start.
fn ask(
    state: &State,
    folder: &mut Folder,
    start: usize,
    asking: Asking,
    again: bool,
) -> Vec<(State, Asked)> {
    let mut after = *state;
    let call = state.calls[start];
    let noted = |goes_on, next| match goes_on {
        true => next,
        false => Asked::Broke,
    };
    let next = match asking {
        Asking::Intends => {
            let change = match start {
                FIRST => Change::Intend(start),
                _ => Change::IntendHedge(start),
            };
            let goes_on = note(&mut after, folder, change);
            noted(goes_on, Asked::Goes(Asking::Calls, again))
        }
        Asking::Calls => {
            after.calls[start].under_way = true;
            Asked::Goes(Asking::Waits, again)
        }
        Asking::Waits => {
            let answered =
                |after: State, answer| (after, Asked::Goes(Asking::Answered(answer), again));
            let mut all = vec![answered(after, Answer::Unclear)];
            if call.task != Task::None {
                all.push(answered(after, Answer::Task));
            }
            // The call before this one may still bring a task.
            if again || call.task == Task::None {
                after.calls[start].under_way &= again;
                all.push(answered(after, Answer::Refused));
            }
            return all;
        }
        Asking::Answered(Answer::Task) => {
            let goes_on = note(&mut after, folder, Change::Started(start));
            noted(goes_on, Asked::Brought)
        }
        Asking::Answered(Answer::Refused) if !again => {
            let goes_on = note(&mut after, folder, Change::Refuse(start));
            noted(goes_on, Asked::BroughtNothing)
        }
        Asking::Answered(_) => {
            let goes_on = note(&mut after, folder, Change::Nothing);
            noted(goes_on, Asked::Goes(Asking::Pauses, again))
        }
        Asking::Pauses => {
            let mut all = vec![(after, Asked::BroughtNothing)];
            if !again && !folder.get(state.journal).has_winner() {
                all.push((after, Asked::Goes(Asking::Intends, true)));
            }
            return all;
        }
    };
    vec![(after, next)]
}

/// The beginning of stops of the tasks that have lost.
fn stopping(folder: &Folder, record: Id) -> Stopping {
    let lost = folder.get(record).lost();
    match set(lost.filter_map(|start| start.task.as_deref())) {
        0 => Stopping::Over,
        left => Stopping::Stops { left, stopped: 0 },
    }
}

/// The next steps of stops of tasks that have lost. AWS may take too long to answer.
fn stops(state: &State, folder: &mut Folder, stopping: Stopping) -> Vec<(State, Stopping)> {
    let mut after = *state;
    let next = match stopping {
        Stopping::Stops { left, stopped } => match members(left).next() {
            Some(task) => {
                let left = left & !(1 << task);
                let late = Stopping::Stops { left, stopped };
                let mut all = vec![(after, late)];
                stop(&mut after, folder, task);
                let stopped = stopped | 1 << task;
                all.push((after, late));
                all.push((after, Stopping::Stops { left, stopped }));
                return all;
            }
            None => match note(&mut after, folder, Change::Stopped(stopped)) {
                true => Stopping::Over,
                false => Stopping::Broke,
            },
        },
        Stopping::Over | Stopping::Broke => return Vec::new(),
    };
    vec![(after, next)]
}

/// The next steps of a prepare with its second task.
fn second(state: &State, folder: &mut Folder) -> Vec<State> {
    let to = |mut after: State, second| {
        after.second = match second {
            Second::Stops(Stopping::Over) => Second::Over,
            Second::Stops(Stopping::Broke) => Second::Broke,
            other => other,
        };
        after
    };
    let mut after = *state;
    let noted = |goes_on, next| match goes_on {
        true => next,
        false => Second::Broke,
    };
    let next = match state.second {
        Second::Idle => Second::Asks {
            asking: Asking::Intends,
            again: false,
        },
        Second::Asks { asking, again } => {
            let asked = ask(state, folder, SECOND, asking, again).into_iter();
            let stepped = asked.map(|(after, asked)| {
                let has_winner = folder.get(after.journal).has_winner();
                let next = match asked {
                    Asked::Goes(asking, again) => Second::Asks { asking, again },
                    Asked::Brought if !has_winner => Second::Starts,
                    Asked::Brought | Asked::BroughtNothing => Second::Over,
                    Asked::Broke => Second::Broke,
                };
                to(after, next)
            });
            return stepped.collect();
        }
        Second::Starts => {
            let seen = match state.calls[SECOND].task {
                Task::Running => Second::Ready,
                _ => Second::Loses,
            };
            return vec![to(after, seen), to(after, Second::Fails)];
        }
        Second::Loses => noted(note(&mut after, folder, Change::Lose(SECOND)), Second::Over),
        Second::Fails => noted(
            note(&mut after, folder, Change::GiveUp(SECOND)),
            Second::Stops(stopping(folder, after.journal)),
        ),
        Second::Stops(stopping) => {
            let stepped = stops(state, folder, stopping).into_iter();
            let stepped = stepped.map(|(after, next)| to(after, Second::Stops(next)));
            return stepped.collect();
        }
        Second::Ready | Second::Over | Second::Broke => return Vec::new(),
    };
    vec![to(after, next)]
}

/// How far the race takes the second task to be.
fn progress(second: Second) -> Progress {
    match second {
        Second::Idle | Second::Over | Second::Broke => Progress::Idle,
        Second::Asks { .. } => Progress::Asked,
        Second::Starts | Second::Loses | Second::Fails | Second::Stops(_) | Second::Ready => {
            Progress::Starts
        }
    }
}

const FAILED: Prepare = Prepare::Ends(End::Begins);

/// Where a prepare goes on whose first task has failed so.
fn after_failure(state: &State, failure: &StartFailure) -> Prepare {
    match is_over(failure, progress(state.second)) {
        true => FAILED,
        false => Prepare::GivesUpFirst,
    }
}

fn lost() -> StartFailure {
    let loss = Loss::Trouble(String::new());
    StartFailure::Lost(loss, Error::system(""), Box::default())
}

/// The next steps while both tasks start.
fn races(state: &State, folder: &mut Folder) -> Vec<State> {
    match state.second {
        Second::Ready => return vec![to(*state, Prepare::Wins(SECOND))],
        Second::Broke => return vec![to(*state, FAILED)],
        _ => {}
    }
    let mut all = second(state, folder);
    let seen = match state.calls[FIRST].task {
        Task::Running => Prepare::Wins(FIRST),
        _ => Prepare::Loses,
    };
    all.push(to(*state, seen));
    let failures = [
        Error::job(""),
        Error::system(""),
        Error::new(Blame::Stopped(15), ""),
    ];
    all.extend(failures.map(|error| {
        let failure = StartFailure::Failed(error);
        to(*state, after_failure(state, &failure))
    }));
    all
}

/// The next steps with the second task alone, while the first is stopped.
fn goes_on(state: &State, folder: &mut Folder, stopping: Stopping) -> Vec<State> {
    let mut all = second(state, folder);
    let stepped = stops(state, folder, stopping).into_iter();
    all.extend(stepped.map(|(after, next)| to(after, Prepare::GoesOn(next))));
    let next = match (stopping, state.second) {
        (Stopping::Stops { .. }, _) => return all,
        (Stopping::Over, Second::Ready) => Prepare::Wins(SECOND),
        (_, Second::Ready | Second::Over | Second::Broke) => FAILED,
        _ => return all,
    };
    all.push(to(*state, next));
    all
}

fn to(mut after: State, prepare: Prepare) -> State {
    after.prepare = match prepare {
        Prepare::Stops(Stopping::Over) => Prepare::Done,
        Prepare::Stops(Stopping::Broke) => FAILED,
        other => other,
    };
    match after.prepare {
        Prepare::Begins
        | Prepare::Asks { .. }
        | Prepare::Races
        | Prepare::Loses
        | Prepare::GivesUpFirst
        | Prepare::GoesOn(_)
        | Prepare::Wins(FIRST)
        | Prepare::WaitsForCall => {}
        // It does not wait for the second any more.
        Prepare::Wins(_) | Prepare::Stops(_) => after.second = Second::Over,
        Prepare::Ends(_) | Prepare::Done | Prepare::Dead => {
            (after.second, after.journal) = (Second::Over, 0);
        }
    }
    after
}

/// The next steps of a prepare that has failed. It has less time than a cleanup.
fn ends(state: &State, folder: &mut Folder, at: End) -> Vec<State> {
    let mut all = vec![to(*state, Prepare::Dead)];
    let ended = end(state, folder, at);
    all.extend(ended.map(|(after, next)| match next {
        End::Over => to(after, Prepare::Dead),
        next => to(after, Prepare::Ends(next)),
    }));
    all
}

/// The next steps of a prepare.
pub(super) fn prepare(state: &State, folder: &mut Folder) -> Vec<State> {
    let mut after = *state;
    let noted = |goes_on, next| match goes_on {
        true => next,
        false => FAILED,
    };
    let next = match state.prepare {
        Prepare::Begins => {
            after.file = Some(state.journal);
            Prepare::Asks {
                asking: Asking::Intends,
                again: false,
            }
        }
        Prepare::Asks { asking, again } => {
            let asked = ask(state, folder, FIRST, asking, again).into_iter();
            let stepped = asked.map(|(after, asked)| match asked {
                Asked::Goes(asking, again) => to(after, Prepare::Asks { asking, again }),
                Asked::Brought => to(after, Prepare::Races),
                Asked::BroughtNothing | Asked::Broke => to(after, FAILED),
            });
            return stepped.collect();
        }
        Prepare::Races => return races(state, folder),
        Prepare::Loses => {
            let goes_on = note(&mut after, folder, Change::Lose(FIRST));
            noted(goes_on, after_failure(state, &lost()))
        }
        Prepare::GivesUpFirst => {
            let goes_on = note(&mut after, folder, Change::GiveUp(FIRST));
            noted(goes_on, Prepare::GoesOn(stopping(folder, after.journal)))
        }
        Prepare::GoesOn(stopping) => return goes_on(state, folder, stopping),
        Prepare::Wins(start) => {
            let goes_on = note(&mut after, folder, Change::Win(start));
            let is_asked = start == FIRST && progress(state.second) == Progress::Asked;
            noted(
                goes_on,
                match is_asked {
                    true => Prepare::WaitsForCall,
                    false => Prepare::Stops(stopping(folder, after.journal)),
                },
            )
        }
        Prepare::WaitsForCall if state.second == Second::Broke => FAILED,
        Prepare::WaitsForCall => {
            let mut all = second(state, folder);
            let next = stopping(folder, after.journal);
            all.push(to(after, Prepare::Stops(next)));
            return all;
        }
        Prepare::Stops(stopping) => {
            let stepped = stops(state, folder, stopping).into_iter();
            let stepped = stepped.map(|(after, next)| to(after, Prepare::Stops(next)));
            return stepped.collect();
        }
        Prepare::Ends(at) => return ends(state, folder, at),
        Prepare::Done | Prepare::Dead => return Vec::new(),
    };
    vec![to(after, next)]
}
