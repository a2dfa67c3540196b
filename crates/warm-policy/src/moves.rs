//! What a manager does next: which tasks it starts, and which it ends.

/// From this percentage of its greatest age on another task is started in a task's place, so that it is ready in time.
const RENEWAL_PERCENT: u128 = 90;

/// A task that waits, or starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The number of its kind. Nothing where nobody knows a need for its kind.
    pub kind: Option<usize>,
    /// How long ago it was asked for, in milliseconds.
    pub age: u64,
    /// Whether it takes jobs.
    pub is_ready: bool,
}

/// The bounds of all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many tasks there are at most.
    pub max_tasks: usize,
    /// How old one gets at most, in milliseconds.
    pub max_age: u64,
}

/// Why a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No task of its kind is wanted.
    Unwanted,
    /// It has waited for as long as it may.
    Old,
    /// As many as are wanted are ready without it.
    Surplus,
}

/// The next moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// The kinds of tasks to start, one for each.
    pub start: Vec<usize>,
    /// The places among the kept tasks of those to end, and why.
    pub end: Vec<(usize, End)>,
}

/// The next moves, where so many tasks of each kind are `wanted`, and these are `kept`. The first kinds come first
/// where there is no room for all.
///
/// A task that starts ends only where none of its kind is wanted: it may be the next one's time to wait. Of those that
/// are ready and too many the oldest end.
#[must_use]
pub fn moves(wanted: &[usize], kept: &[Kept], bounds: Bounds) -> Moves {
    let mut end: Vec<(usize, End)> = kept
        .iter()
        .enumerate()
        .filter_map(|(place, task)| Some((place, over(wanted, task, bounds)?)))
        .collect();
    for (kind, wanted_of_kind) in wanted.iter().enumerate() {
        let stays = |task: &Kept| {
            task.kind == Some(kind) && task.is_ready && over(wanted, task, bounds).is_none()
        };
        let mut ready: Vec<_> = kept
            .iter()
            .enumerate()
            .filter(|(_, task)| stays(task))
            .collect();
        ready.sort_by_key(|(_, task)| std::cmp::Reverse(task.age));
        let surplus = ready.len().saturating_sub(*wanted_of_kind);
        end.extend(
            ready
                .iter()
                .take(surplus)
                .map(|(place, _)| (*place, End::Surplus)),
        );
    }
    let mut room = bounds
        .max_tasks
        .saturating_sub(kept.len().saturating_sub(end.len()));
    let mut start = Vec::new();
    for (kind, wanted_of_kind) in wanted.iter().enumerate() {
        let lasts = |(place, task): &(usize, &Kept)| {
            task.kind == Some(kind)
                && task.age < bounds.renewal()
                && !end.iter().any(|(ended, _)| ended == place)
        };
        let lasting = kept.iter().enumerate().filter(lasts).count();
        let missing = wanted_of_kind.saturating_sub(lasting).min(room);
        room -= missing;
        start.extend(std::iter::repeat_n(kind, missing));
    }
    Moves { start, end }
}

/// Why a task ends whatever the others do.
fn over(wanted: &[usize], task: &Kept, bounds: Bounds) -> Option<End> {
    let wanted = task.kind.and_then(|kind| wanted.get(kind));
    if wanted.is_none_or(|wanted| *wanted == 0) {
        Some(End::Unwanted)
    } else if task.age >= bounds.max_age {
        Some(End::Old)
    } else {
        None
    }
}

impl Bounds {
    /// The age from which on another task is started in a task's place.
    pub(crate) fn renewal(&self) -> u64 {
        let renewal = u128::from(self.max_age) * RENEWAL_PERCENT / 100;
        u64::try_from(renewal).unwrap_or(self.max_age)
    }
}
