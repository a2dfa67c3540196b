//! The steps of those who end tasks: teardowns, of which a job's cleanup is one, and sweeps.

use super::folder::{Change, Folder, Id, Write, named, set};
use super::state::{Asking, End, Prepare, Second, Set, State, Sweep, Task, Teardown, members};
use crate::state::liveness::Liveness;
use crate::state::record::Record;
use crate::state::start::{Standing, Start};
use crate::teardown::orphan::{Absence, Verdict, of_job};

/// AWS does what StopTask asks. A job that goes on must not lose its only task by it.
pub(super) fn stop(state: &mut State, folder: &Folder, task: usize) {
    if state.calls[task].task != Task::Running {
        return;
    }
    if let Some(record) = state.file.map(|id| folder.get(id))
        && !record.ends
    {
        let named = |record: &Record, standing| {
            let starts = record.starts().iter();
            let starts = starts.filter(|start| start.standing == standing);
            set(starts.filter_map(|start| start.task.as_deref()))
        };
        let has_other = record.has_winner() && named(record, Standing::Won) & (1 << task) == 0;
        let journal = folder.get(state.journal);
        let is_given_up = named(journal, Standing::Lost) & (1 << task) != 0;
        state.lost_its_only_task |= !has_other && !is_given_up;
    }
    state.calls[task].task = Task::Stopped;
}

/// Whether all calls that the record leaves open have brought their task or never will.
fn is_settled(state: &State) -> bool {
    let asks = |asking| asking == Asking::Calls;
    let first = matches!(state.prepare, Prepare::Asks { asking, .. } if asks(asking));
    let goes_on = !matches!(
        state.prepare,
        Prepare::Ends(_) | Prepare::Done | Prepare::Dead
    );
    let second = matches!(state.second, Second::Asks { asking, .. } if asks(asking));
    !(state.is_under_way() || first || (goes_on && second))
}

fn first(left: Set) -> Option<usize> {
    members(left).next()
}

/// How many calls a teardown's record leaves open.
fn open(folder: &Folder, it: Teardown) -> usize {
    let starts = folder.get(it.record).starts().iter();
    starts.filter(|start| start.is_open()).count()
}

/// The next step of a teardown, if there is one.
pub(super) fn end(state: &State, folder: &mut Folder, end: End) -> Option<(State, End)> {
    let mut after = *state;
    let next = match end {
        End::Begins => {
            let (file, goes_on) = folder.write(state.file, Write::End);
            after.file = file;
            file.filter(|_| goes_on).map_or(End::Over, |record| {
                End::StopsNamed(torn_down(folder, record))
            })
        }
        End::StopsNamed(mut it) => {
            stop_next(&mut after, folder, &mut it);
            End::StopsNamed(it)
        }
        End::Lists(_) | End::NotesFound(_) | End::StopsFound(_) => {
            return search(state, folder, end);
        }
        End::Looks(mut it) => {
            let noted = state.file.map_or(0, |id| named(folder.get(id)));
            it.left = noted & !named(folder.get(it.record)) & !it.stopped;
            End::StopsNoted(it)
        }
        End::StopsNoted(mut it) => {
            stop_next(&mut after, folder, &mut it);
            End::StopsNoted(it)
        }
        End::Removes(it) => {
            after.ledger |= folder.entered(it.record, it.stopped);
            after.file = None;
            End::Over
        }
        End::Over => return None,
    };
    Some((after, without_pause(folder, next)))
}

/// The same teardown after steps that nobody else sees.
fn without_pause(folder: &Folder, end: End) -> End {
    match end {
        End::StopsNamed(it) if it.left == 0 && open(folder, it) > 0 => End::Lists(it),
        End::StopsNamed(it) | End::StopsNoted(it) if it.left == 0 => End::Removes(it),
        end => end,
    }
}

/// A teardown with this record, and the tasks of starts that are not settled.
fn torn_down(folder: &Folder, record: Id) -> Teardown {
    let starts = folder.get(record).starts().iter();
    let starts = starts.filter(|start| !start.is_settled());
    Teardown {
        record,
        left: set(starts.filter_map(|start| start.task.as_deref())),
        stopped: 0,
        found: 0,
    }
}

/// The next step of a teardown that looks for what open calls bring.
fn search(state: &State, folder: &mut Folder, end: End) -> Option<(State, End)> {
    let mut after = *state;
    let next = match end {
        End::Lists(mut it) => {
            it.left = state.running() & !it.stopped;
            let is_over = usize::from(it.found) >= open(folder, it) || is_settled(state);
            match it.left {
                0 if is_over => End::Looks(it),
                0 => return None,
                _ => End::NotesFound(it),
            }
        }
        // Another attempt may have begun.
        End::NotesFound(it) if state.file.is_none() => End::Looks(it),
        End::NotesFound(it) => {
            if let Some(task) = first(it.left) {
                after.file = folder.write(state.file, Write::NoteFound(task)).0;
            }
            End::StopsFound(it)
        }
        End::StopsFound(mut it) => {
            stop_next(&mut after, folder, &mut it);
            it.found += 1;
            let is_over = usize::from(it.found) >= open(folder, it) || is_settled(state);
            match it.left {
                0 if is_over => End::Looks(it),
                0 => End::Lists(it),
                _ => End::NotesFound(it),
            }
        }
        _ => return None,
    };
    Some((after, next))
}

fn stop_next(after: &mut State, folder: &Folder, it: &mut Teardown) {
    if let Some(task) = first(it.left) {
        stop(after, folder, task);
        it.left &= !(1 << task);
        it.stopped |= 1 << task;
    }
}

/// The next step of the job's cleanup, which may come at any time once there is a record.
pub(super) fn cleanup(state: &State, folder: &mut Folder) -> Option<State> {
    if state.cleanup == End::Begins && state.file.is_none() && !state.is_last {
        return None;
    }
    let (mut after, next) = end(state, folder, state.cleanup)?;
    after.cleanup = next;
    Some(after)
}

/// The next steps of a sweep: several where the job's GitLab Runner may be gone or not.
pub(super) fn sweep(state: &State, folder: &mut Folder) -> Vec<State> {
    let mut after = *state;
    after.sweep = match state.sweep {
        Sweep::Idle => {
            let may_be_gone = state.prepare == Prepare::Dead;
            let runners = [
                (!state.is_last).then_some(Liveness::Lives),
                may_be_gone.then_some(Liveness::Gone),
            ];
            let judged = runners.into_iter().flatten();
            return judged.map(|runner| judge(state, folder, runner)).collect();
        }
        Sweep::Lists(record) => notes(folder, record, state.running() & !named(folder.get(record))),
        Sweep::Notes { record, left } => {
            let mut noted = record;
            if let Some(task) = first(left) {
                after.file = folder.write(state.file, Write::NoteFound(task)).0;
                noted = folder.change(record, Change::Found(task));
            }
            notes(folder, noted, left & left.saturating_sub(1))
        }
        Sweep::Stops { left, stopped } => match first(left) {
            Some(task) => {
                stop(&mut after, folder, task);
                Sweep::Stops {
                    left: left & !(1 << task),
                    stopped: stopped | 1 << task,
                }
            }
            None => {
                after.file = folder.write(state.file, Write::NoteStopped(stopped)).0;
                Sweep::Over
            }
        },
        Sweep::Ends(at) => match end(state, folder, at) {
            Some((ended, next)) => {
                after = ended;
                match next {
                    End::Over => Sweep::Over,
                    next => Sweep::Ends(next),
                }
            }
            None => return Vec::new(),
        },
        Sweep::Over => return Vec::new(),
    };
    vec![after]
}

/// A sweep with this record that has found these tasks.
fn notes(folder: &Folder, record: Id, left: Set) -> Sweep {
    match left {
        0 => stops(folder, record),
        _ => Sweep::Notes { record, left },
    }
}

/// A sweep that is about to stop what this record says.
fn stops(folder: &Folder, record: Id) -> Sweep {
    let lost = folder.get(record).lost();
    match set(lost.filter_map(|start| start.task.as_deref())) {
        0 => Sweep::Over,
        left => Sweep::Stops { left, stopped: 0 },
    }
}

/// A sweep looks at the job's record, with its GitLab Runner in this state.
fn judge(state: &State, folder: &Folder, runner: Liveness) -> State {
    let mut after = *state;
    after.sweep = Sweep::Over;
    if let Some(id) = state.file {
        let record = folder.get(id);
        let verdict = of_job(record, runner, Absence::default(), 0);
        after.sweep = match verdict {
            Verdict::End(_) => Sweep::Ends(End::Begins),
            Verdict::Keep(_) if !record.has_winner() => Sweep::Over,
            Verdict::Keep(_) if record.starts().iter().any(Start::is_open) => Sweep::Lists(id),
            Verdict::Keep(_) => stops(folder, id),
        };
    }
    after
}
