//! The states of the model.

pub(super) const TASKS: usize = 2;
pub(super) const JOBS: usize = 2;

/// Kills that a history has at most.
pub(super) const KILLS: u8 = 2;

/// The attempts of others who take a task's file: keep, a sweep, whoever drains the pools or has a task yield, and a
/// job that gives its task away. None of them has a record.
pub(super) const KEEP: usize = JOBS;
pub(super) const SWEEP: usize = JOBS + 1;
pub(super) const TAKER: usize = JOBS + 2;
pub(super) const GIVEN: usize = JOBS + 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum File {
    Absent,
    /// Written before RunTask is called; whether it names its task.
    Starting,
    Ready,
    /// Taken by this attempt.
    Taken(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Aws {
    None,
    Running,
    Stopped,
}

/// A job's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Record {
    Absent,
    /// The task that its start claims; whether the start names it as its own; whether the job's end has begun.
    There {
        claim: Option<usize>,
        won: bool,
        ends: bool,
    },
}

/// Where a prepare is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Prepare {
    Begins,
    /// About to try this task.
    Tries(usize),
    /// Its record says that it claims the task.
    Intended(usize),
    Renamed(usize),
    /// The task has the job's limits.
    Proved(usize),
    Recorded(usize),
    /// The task did not prove itself: its file is given away, the record forgets it, and it is stopped.
    Missed(usize),
    GaveAway(usize),
    Forgot(usize),
    Stopped(usize),
    /// Jobs of their own task are no part of the model.
    Done,
    Dead,
}

/// Where a cleanup is, or a keep or sweep that ends a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    Idle,
    Begun,
    /// Knows the task that it stops, if there is one.
    Stops(Option<usize>),
    Stopped(Option<usize>),
    /// The files are gone.
    Forgets(Option<usize>),
    Done,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Keep {
    Begins(usize),
    Wrote(usize),
    /// The file says that RunTask is called.
    Asked(usize),
    Called(usize),
    /// Somebody took the file meanwhile.
    Robbed(usize),
    Waits,
    Takes(usize),
    Stops(usize),
    Forgets(usize),
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) files: [File; TASKS],
    pub(super) aws: [Aws; TASKS],
    /// Whether a call of RunTask is under way that may start it.
    pub(super) calls: [bool; TASKS],
    /// Which job a task has proved itself to.
    pub(super) used: [Option<usize>; TASKS],
    pub(super) records: [Record; JOBS],
    pub(super) prepares: [Prepare; JOBS],
    pub(super) cleanups: [End; JOBS],
    pub(super) keep: Keep,
    /// The sweep's decision about each task, from its snapshot: to end it, as the file was then.
    pub(super) sweep: Option<[Option<File>; TASKS]>,
    pub(super) sweeping: End,
    /// A drain, or a job that has a task yield: the task, and how far that is.
    pub(super) taker: (usize, End),
    pub(super) kills: u8,
}

/// The beginning of histories with so many tasks, and so many kills at most. Somebody `takes` tasks in order to end
/// them, beside one job; or nobody does, beside two.
pub(super) fn begin(tasks: usize, kills: u8, takes: bool) -> State {
    State {
        files: [File::Absent; TASKS],
        aws: [Aws::None; TASKS],
        calls: [false; TASKS],
        used: [None; TASKS],
        records: [Record::Absent; JOBS],
        prepares: if takes {
            [Prepare::Begins, Prepare::Done]
        } else {
            [Prepare::Begins; JOBS]
        },
        cleanups: [End::Idle; JOBS],
        keep: Keep::Begins(TASKS - tasks),
        sweep: None,
        sweeping: End::Idle,
        taker: (if takes { TASKS - tasks } else { TASKS }, End::Idle),
        kills: KILLS - kills,
    }
}
