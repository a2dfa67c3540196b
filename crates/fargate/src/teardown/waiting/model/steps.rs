//! The steps of the model's processes. What a sweep decides is `verdict` itself.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::super::verdict;
use super::state::{
    Aws, End, File, GIVEN, JOBS, KEEP, Keep, Prepare, Record, SWEEP, State, TAKER, TASKS,
};
use crate::state::warm::tests::waiting;
use crate::state::warm::{Holder, Keeper, WarmFile};
use crate::teardown::orphan::Verdict;

const ID: &str = "0123456789abcdef";

pub(super) fn prepare(state: &State, job: usize) -> Option<State> {
    let mut after = state.clone();
    let ends = matches!(
        state.records[job],
        Record::There { ends: true, .. } | Record::Absent
    );
    after.prepares[job] = match state.prepares[job] {
        Prepare::Begins => {
            after.records[job] = Record::There {
                claim: None,
                won: false,
                ends: false,
            };
            Prepare::Tries(0)
        }
        Prepare::Tries(task) if task == TASKS => Prepare::Done,
        // It looks for ready files alone.
        Prepare::Tries(task) if state.files[task] != File::Ready => Prepare::Tries(task + 1),
        Prepare::Tries(_) | Prepare::Intended(_) if ends => Prepare::Done,
        Prepare::Tries(task) => {
            after.records[job] = Record::There {
                claim: Some(task),
                won: false,
                ends: false,
            };
            Prepare::Intended(task)
        }
        // Under the lock: the record, and the rename.
        Prepare::Intended(task) if state.files[task] == File::Ready => {
            after.files[task] = File::Taken(job);
            Prepare::Renamed(task)
        }
        Prepare::Intended(task) => {
            after.records[job] = Record::There {
                claim: None,
                won: false,
                ends: false,
            };
            Prepare::Tries(task + 1)
        }
        Prepare::Renamed(task) if state.aws[task] == Aws::Running => {
            assert_eq!(state.used[task], None, "a task is used twice: {state:?}");
            after.used[task] = Some(job);
            Prepare::Proved(task)
        }
        Prepare::Renamed(task) => Prepare::Missed(task),
        Prepare::Proved(_) if ends => Prepare::Done,
        Prepare::Proved(task) => {
            after.records[job] = Record::There {
                claim: Some(task),
                won: true,
                ends: false,
            };
            Prepare::Recorded(task)
        }
        Prepare::Recorded(task) => {
            forget(&mut after, task, job);
            Prepare::Done
        }
        Prepare::Missed(_) | Prepare::GaveAway(_) | Prepare::Forgot(_) | Prepare::Stopped(_) => {
            return miss(state, job, ends);
        }
        Prepare::Done | Prepare::Dead => return None,
    };
    Some(after)
}

/// The steps of a prepare after a claim in vain; whether the job's end has begun.
fn miss(state: &State, job: usize, ends: bool) -> Option<State> {
    let mut after = state.clone();
    after.prepares[job] = match state.prepares[job] {
        // Under the lock: what the job's end stops is given to nobody.
        Prepare::Missed(_) if ends => Prepare::Done,
        Prepare::Missed(task) if state.files[task] == File::Taken(job) => {
            after.files[task] = File::Taken(GIVEN);
            Prepare::GaveAway(task)
        }
        // The job's end has gone on with it.
        Prepare::Missed(_) => Prepare::Done,
        Prepare::GaveAway(_) if ends => Prepare::Done,
        Prepare::GaveAway(task) => {
            after.records[job] = Record::There {
                claim: None,
                won: false,
                ends: false,
            };
            Prepare::Forgot(task)
        }
        Prepare::Forgot(task) => {
            after.aws[task] = Aws::Stopped;
            Prepare::Stopped(task)
        }
        Prepare::Stopped(task) => {
            forget(&mut after, task, GIVEN);
            Prepare::Done
        }
        _ => return None,
    };
    Some(after)
}

/// A task that runs may not prove itself in time.
pub(super) fn prepare_in_vain(state: &State, job: usize) -> Option<State> {
    let Prepare::Renamed(task) = state.prepares[job] else {
        return None;
    };
    let mut after = state.clone();
    after.prepares[job] = Prepare::Missed(task);
    Some(after)
}

/// Removes the file of a task that this attempt has taken.
fn forget(state: &mut State, task: usize, attempt: usize) {
    if state.files[task] == File::Taken(attempt) {
        state.files[task] = File::Absent;
    }
}

/// AWS starts a task by a call that is under way. The call of a keep that was killed may never reach it.
pub(super) fn aws(state: &State) -> Vec<State> {
    let mut all = Vec::new();
    for task in (0..TASKS).filter(|task| state.calls[*task]) {
        let mut after = state.clone();
        after.calls[task] = false;
        if state.keep == Keep::Dead {
            all.push(after.clone());
        }
        after.aws[task] = Aws::Running;
        all.push(after);
    }
    all
}

/// Stops a task by its file; nothing while a call is under way that may start it, which is waited for.
fn stop(state: &mut State, task: usize) -> Option<()> {
    if state.calls[task] {
        return None;
    }
    if state.aws[task] == Aws::Running {
        state.aws[task] = Aws::Stopped;
    }
    Some(())
}

/// Cleanup may come at any time once there is a record.
pub(super) fn cleanup(state: &State, job: usize) -> Option<State> {
    let mut after = state.clone();
    after.cleanups[job] = match state.cleanups[job] {
        End::Idle => {
            let Record::There { claim, won, .. } = state.records[job] else {
                return None;
            };
            after.records[job] = Record::There {
                claim,
                won,
                ends: true,
            };
            End::Begun
        }
        End::Begun => {
            let taken = (0..TASKS).find(|task| state.files[*task] == File::Taken(job));
            let won = match state.records[job] {
                Record::There {
                    claim, won: true, ..
                } => claim,
                _ => None,
            };
            End::Stops(won.or(taken))
        }
        End::Stops(task) => {
            if let Some(task) = task {
                after.aws[task] = Aws::Stopped;
            }
            End::Stopped(task)
        }
        // Before the record goes: a sweep would take the tasks for those of a stranger.
        End::Stopped(task) => {
            for file in &mut after.files {
                if *file == File::Taken(job) {
                    *file = File::Absent;
                }
            }
            End::Forgets(task)
        }
        End::Forgets(_) => {
            after.records[job] = Record::Absent;
            End::Done
        }
        End::Done | End::Dead => return None,
    };
    Some(after)
}

pub(super) fn keep(state: &State) -> Option<State> {
    let mut after = state.clone();
    after.keep = match state.keep {
        Keep::Begins(task) if task == TASKS => Keep::Waits,
        Keep::Begins(task) => {
            after.files[task] = File::Starting;
            Keep::Wrote(task)
        }
        // Under the lock: who finds no file calls nobody.
        Keep::Wrote(task) if state.files[task] != File::Starting => Keep::Begins(task + 1),
        Keep::Wrote(task) => {
            after.calls[task] = true;
            Keep::Asked(task)
        }
        Keep::Asked(task) if state.calls[task] => return None,
        Keep::Asked(task) => Keep::Called(task),
        Keep::Called(task) if state.files[task] == File::Starting => {
            after.files[task] = File::Ready;
            Keep::Begins(task + 1)
        }
        Keep::Called(task) => Keep::Robbed(task),
        // The holder of the file may not know the task.
        Keep::Robbed(task) => {
            stop(&mut after, task)?;
            Keep::Begins(task + 1)
        }
        // It ends what has waited for too long.
        Keep::Waits => match state.files.iter().position(|file| *file == File::Ready) {
            Some(task) => Keep::Takes(task),
            None => return None,
        },
        Keep::Takes(task) if state.files[task] == File::Ready => {
            after.files[task] = File::Taken(KEEP);
            Keep::Stops(task)
        }
        Keep::Takes(_) => Keep::Waits,
        Keep::Stops(task) => {
            stop(&mut after, task)?;
            Keep::Forgets(task)
        }
        Keep::Forgets(task) => {
            forget(&mut after, task, KEEP);
            Keep::Waits
        }
        Keep::Dead => return None,
    };
    Some(after)
}

/// Somebody drains the pools, or has tasks yield: each task once.
pub(super) fn taker(state: &State) -> Option<State> {
    let mut after = state.clone();
    let (task, at) = state.taker;
    if task == TASKS {
        return None;
    }
    after.taker = match at {
        End::Idle if matches!(state.files[task], File::Starting | File::Ready) => {
            after.files[task] = File::Taken(TAKER);
            (task, End::Stops(Some(task)))
        }
        // It need not come, or finds none.
        End::Idle => (task + 1, End::Idle),
        End::Stops(_) => {
            stop(&mut after, task)?;
            (task, End::Forgets(Some(task)))
        }
        End::Forgets(_) => {
            forget(&mut after, task, TAKER);
            (task + 1, End::Idle)
        }
        _ => return None,
    };
    Some(after)
}

/// Whether a sweep ends a task with this holder, whose keeper lives or has been gone for long.
fn is_ended(holder: Holder, keeper_lives: bool) -> bool {
    let keeper = match keeper_lives {
        true => Keeper::Lives,
        false => Keeper::GoneFor(Duration::from_secs(3600)),
    };
    let mut file = WarmFile {
        holder,
        task: waiting(ID),
    };
    (file.task.born, file.task.over_at) = (0, 7200);
    let attempts = BTreeSet::from([RECORDED]);
    let verdict = verdict(&file, &attempts, keeper, Duration::ZERO, 3600);
    matches!(verdict, Verdict::End(_))
}

/// The attempt that has a record, and another one.
const RECORDED: &str = "recorded";
const OTHER: &str = "other";

/// The sweep's decisions: of a task that nobody has taken, that an attempt with a record has, and that another has;
/// with a keeper that is gone and with one that lives.
static VERDICTS: LazyLock<[[bool; 2]; 3]> = LazyLock::new(|| {
    let attempt = |id: &str| Holder::Attempt(id.to_owned());
    let holders = [Holder::Nobody, attempt(RECORDED), attempt(OTHER)];
    holders.map(|holder| [false, true].map(|lives| is_ended(holder.clone(), lives)))
});

/// What a sweep makes of the files at one instant: which it ends.
fn judge(state: &State) -> [Option<File>; TASKS] {
    let is_recorded = |attempt: usize| attempt < JOBS && state.records[attempt] != Record::Absent;
    let lives = usize::from(state.keep != Keep::Dead);
    std::array::from_fn(|task| {
        let holder = match state.files[task] {
            File::Absent => return None,
            File::Starting | File::Ready => 0,
            File::Taken(attempt) if is_recorded(attempt) => 1,
            File::Taken(_) => 2,
        };
        VERDICTS[holder][lives].then_some(state.files[task])
    })
}

pub(super) fn sweep(state: &State) -> Option<State> {
    let mut after = state.clone();
    after.sweeping = match state.sweeping {
        End::Idle => {
            after.sweep = Some(judge(state));
            End::Begun
        }
        End::Begun => {
            let decided = state.sweep.unwrap_or_default();
            let next = decided.iter().position(Option::is_some);
            match next {
                None => End::Done,
                Some(task) => {
                    let seen = decided[task];
                    after.sweep = Some(std::array::from_fn(|other| {
                        decided[other].filter(|_| other != task)
                    }));
                    match seen {
                        // Under the lock: who finds no file leaves it alone.
                        Some(File::Starting | File::Ready)
                            if matches!(state.files[task], File::Starting | File::Ready) =>
                        {
                            after.files[task] = File::Taken(SWEEP);
                            End::Stops(Some(task))
                        }
                        Some(File::Taken(_)) => End::Stops(Some(task)),
                        _ => End::Begun,
                    }
                }
            }
        }
        End::Stops(task) => {
            if let Some(task) = task {
                stop(&mut after, task)?;
            }
            End::Stopped(task)
        }
        End::Stopped(task) => {
            if let Some(task) = task
                && matches!(state.files[task], File::Taken(_))
            {
                after.files[task] = File::Absent;
            }
            End::Begun
        }
        End::Forgets(_) | End::Done | End::Dead => return None,
    };
    Some(after)
}
