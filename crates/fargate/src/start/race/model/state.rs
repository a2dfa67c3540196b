//! The states of the model.

use super::folder::Id;

/// The starts of a job: a first one, and a second one beside it.
pub(super) const FIRST: usize = 0;
pub(super) const SECOND: usize = 1;
pub(super) const STARTS: usize = 2;

/// Kills that a history has at most, and tasks that AWS takes back.
pub(super) const KILLS: u8 = 2;
pub(super) const LOSSES: u8 = 1;

/// Some of the tasks, a bit each.
pub(super) type Set = u8;

/// The tasks of a set.
pub(super) fn members(set: Set) -> impl Iterator<Item = usize> {
    (0..STARTS).filter(move |task| set & (1 << task) != 0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Task {
    None,
    Running,
    /// By the driver.
    Stopped,
    /// By AWS.
    Lost,
}

/// AWS's knowledge of the calls with one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Call {
    /// Whether one may still bring the task.
    pub(super) under_way: bool,
    pub(super) task: Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Task,
    Refused,
    /// None, or one that leaves open whether there is a task.
    Unclear,
}

/// How far a call of RunTask is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asking {
    Intends,
    /// The intent is recorded.
    Calls,
    Waits,
    /// The answer is not recorded.
    Answered(Answer),
    /// Before it is repeated.
    Pauses,
}

/// How far the stops are of tasks that have lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stopping {
    Stops {
        left: Set,
        stopped: Set,
    },
    Over,
    /// The record could not be written: the job's cleanup has come.
    Broke,
}

/// Where a prepare is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Prepare {
    Begins,
    Asks {
        asking: Asking,
        again: bool,
    },
    /// Waits for the first task, and does what it does for a second one.
    Races,
    /// AWS has lost the first.
    Loses,
    /// The first takes no scripts, and the second goes on.
    GivesUpFirst,
    GoesOn(Stopping),
    /// The task of this start takes scripts.
    Wins(usize),
    /// Has noted that the first wins.
    WaitsForCall,
    Stops(Stopping),
    /// Has failed.
    Ends(End),
    Done,
    Dead,
}

/// Where a prepare is with its second task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Second {
    Idle,
    Asks {
        asking: Asking,
        again: bool,
    },
    Starts,
    /// AWS has lost it.
    Loses,
    /// It takes no scripts.
    Fails,
    Stops(Stopping),
    /// It takes scripts.
    Ready,
    /// There is none.
    Over,
    /// The record could not be written.
    Broke,
}

/// A teardown with the record that it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Teardown {
    pub(super) record: Id,
    /// Tasks that it is about to stop, those that it has stopped, and how many of those it found.
    pub(super) left: Set,
    pub(super) stopped: Set,
    pub(super) found: u8,
}

/// Where a teardown is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    Begins,
    StopsNamed(Teardown),
    Lists(Teardown),
    NotesFound(Teardown),
    StopsFound(Teardown),
    /// About to look for tasks that others have noted.
    Looks(Teardown),
    StopsNoted(Teardown),
    Removes(Teardown),
    /// Or it was killed.
    Over,
}

/// Where a sweep of another process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sweep {
    Idle,
    /// The job goes on, and had this record.
    Lists(Id),
    Notes {
        record: Id,
        left: Set,
    },
    Stops {
        left: Set,
        stopped: Set,
    },
    Ends(End),
    /// Or it was killed.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The job's record.
    pub(super) file: Option<Id>,
    pub(super) calls: [Call; STARTS],
    pub(super) prepare: Prepare,
    pub(super) second: Second,
    /// The record as the prepare has it.
    pub(super) journal: Id,
    pub(super) cleanup: End,
    pub(super) sweep: Sweep,
    /// The tasks that the ledger lists.
    pub(super) ledger: Set,
    /// Whether somebody stopped the only task of a job that went on.
    pub(super) lost_its_only_task: bool,
    pub(super) kills: u8,
    pub(super) losses: u8,
    /// Whether all others are dead or done, and the job's cleanup and a sweep follow.
    pub(super) is_last: bool,
}

impl State {
    pub(super) fn running(&self) -> Set {
        let tasks = self.calls.iter().enumerate();
        let running = tasks.filter(|(_, call)| call.task == Task::Running);
        running.fold(0, |set, (task, _)| set | 1 << task)
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.calls.iter().any(|call| call.under_way)
    }
}

/// The beginning of all histories. The job's record is the folder's first.
pub(super) fn begin() -> State {
    State {
        file: None,
        calls: [Call {
            under_way: false,
            task: Task::None,
        }; STARTS],
        prepare: Prepare::Begins,
        second: Second::Idle,
        journal: 0,
        cleanup: End::Begins,
        sweep: Sweep::Idle,
        ledger: 0,
        lost_its_only_task: false,
        kills: 0,
        losses: 0,
        is_last: false,
    }
}
