//! What a report says, summed up over a stream of entries in bounded memory.

use std::collections::BTreeMap;

use super::phases::{Phase, phases};
use super::sketch::Sketch;
use crate::operate::cost::{Prices, Usage};
use crate::state::ledger::{Entry, TaskEntry, rfc3339};
use crate::state::outcome::OutcomeKind;

/// Most names of a kind that are told apart: of projects, images and causes. What comes after them is one more.
const NAMES: usize = 1000;

/// The name of what is not told apart, and of what has no name.
pub(super) const OTHER: &str = "(other)";
pub(super) const UNNAMED: &str = "(unknown)";

/// Longest text of a cause's kind, in characters.
const CAUSE_LIMIT: usize = 160;

/// The summary of a stretch of time.
#[derive(Default)]
pub(super) struct Summary {
    /// Attempts by outcome.
    pub(super) outcomes: BTreeMap<OutcomeKind, u64>,
    /// Durations of phases.
    pub(super) phases: BTreeMap<Phase, Sketch>,
    /// Starts by image and by zone: the whole, and the pull.
    pub(super) images: BTreeMap<String, Start>,
    pub(super) zones: BTreeMap<String, Start>,
    /// Starts by day.
    pub(super) days: BTreeMap<String, Sketch>,
    /// Second tasks of starts that lagged.
    pub(super) hedges: Hedges,
    /// Failures by outcome and cause.
    pub(super) failures: BTreeMap<(OutcomeKind, String), Failure>,
    /// Usage by project, image and day, and in all.
    pub(super) cost_by_project: BTreeMap<String, Usage>,
    pub(super) cost_by_image: BTreeMap<String, Usage>,
    pub(super) cost_by_day: BTreeMap<String, Usage>,
    pub(super) cost: Usage,
    /// Regions for which a price is missing that was needed.
    pub(super) unpriced_regions: BTreeMap<String, u64>,
    /// The day of the last entry.
    day: Day,
}

/// Starts of one kind.
#[derive(Default)]
pub(super) struct Start {
    pub(super) whole: Sketch,
    pub(super) pull: Sketch,
}

/// Second tasks, started because another lagged.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hedges {
    pub(super) count: u64,
    /// How many were ready first.
    pub(super) won: u64,
}

/// Failures of one kind.
#[derive(Debug, Default, Clone)]
pub(super) struct Failure {
    pub(super) count: u64,
    /// The last one: when it ended, its job and its project.
    pub(super) last_at: u64,
    pub(super) last_job: u64,
    pub(super) last_project: String,
}

impl Summary {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Entry, prices: &Prices) {
        if entry.is_attempt() {
            *self.outcomes.entry(entry.outcome.kind).or_default() += 1;
            self.add_start(entry);
            self.add_failure(entry);
        }
        // A task that is kept has a second line.
        let is_hedge = |task: &&TaskEntry| task.hedge && !entry.is_kept();
        for task in entry.tasks.iter().filter(is_hedge) {
            self.hedges.count += 1;
            self.hedges.won += u64::from(task.won);
        }
        self.add_cost(entry, prices);
    }

    /// How many attempts there are.
    pub(super) fn attempts(&self) -> u64 {
        self.outcomes.values().sum()
    }

    fn add_start(&mut self, entry: &Entry) {
        let known = phases(entry);
        let of_phase = |wanted| {
            let mut known = known.iter();
            let (_, millis) = known.find(|(phase, _)| *phase == wanted)?;
            Some(*millis)
        };
        for (phase, millis) in &known {
            self.phases.entry(*phase).or_default().add(*millis);
        }
        if known.is_empty() {
            return;
        }
        let zone = entry.tasks.iter().find(|task| task.won);
        let zone = zone.and_then(|task| task.facts.zone.as_deref());
        let (whole, pull) = (of_phase(Phase::Whole), of_phase(Phase::Pull));
        let image = entry.image.as_deref();
        update(&mut self.images, image, |start| start.add(whole, pull));
        if whole.is_some() || pull.is_some() {
            update(&mut self.zones, zone, |start| start.add(whole, pull));
        }
        if let Some(millis) = whole {
            let day = self.day.of(entry);
            update_named(&mut self.days, day, |starts| starts.add(millis));
        }
    }

    fn add_failure(&mut self, entry: &Entry) {
        let outcome = &entry.outcome;
        if outcome.kind == OutcomeKind::Success {
            return;
        }
        let cause = match (outcome.exit_code, outcome.cause.as_deref()) {
            (_, Some(cause)) => kind(cause),
            (Some(status), None) => format!("exit status {status}"),
            (None, None) => UNNAMED.to_owned(),
        };
        let mut key = (outcome.kind, cause);
        if self.failures.len() >= NAMES && !self.failures.contains_key(&key) {
            key.1 = OTHER.to_owned();
        }
        let failure = self.failures.entry(key).or_default();
        failure.count += 1;
        if entry.at >= failure.last_at {
            failure.last_at = entry.at;
            failure.last_job = entry.job_id;
            failure.last_project.clone_from(&entry.project);
        }
    }

    fn add_cost(&mut self, entry: &Entry, prices: &Prices) {
        let usages = entry
            .tasks
            .iter()
            .filter_map(|task| Usage::of(entry, task, prices));
        let mut usage = Usage::default();
        for of_task in usages {
            usage.add(&of_task);
        }
        if usage.tasks == 0 && usage.kept_hours == 0.0 && usage.waiting_hours == 0.0 {
            return;
        }
        if usage.unpriced_vcpu_hours > 0.0 {
            *self
                .unpriced_regions
                .entry(entry.region.clone())
                .or_default() += 1;
        }
        let project = Some(entry.project.as_str()).filter(|name| !name.is_empty());
        let image = entry.image.as_deref();
        update(&mut self.cost_by_project, project, |sum| sum.add(&usage));
        update(&mut self.cost_by_image, image, |sum| sum.add(&usage));
        let day = self.day.of(entry);
        update_named(&mut self.cost_by_day, day, |sum| sum.add(&usage));
        self.cost.add(&usage);
    }
}

impl Start {
    fn add(&mut self, whole: Option<u64>, pull: Option<u64>) {
        whole.into_iter().for_each(|millis| self.whole.add(millis));
        pull.into_iter().for_each(|millis| self.pull.add(millis));
    }
}

/// Changes the value of a name, among a bounded number of them.
fn update<T: Default>(
    map: &mut BTreeMap<String, T>,
    name: Option<&str>,
    change: impl FnOnce(&mut T),
) {
    let name = name.unwrap_or(UNNAMED);
    let is_told_apart = map.len() < NAMES || map.contains_key(name);
    update_named(map, if is_told_apart { name } else { OTHER }, change);
}

/// Changes the value of a name. Most are known, and need no copy of the name.
fn update_named<T: Default>(
    map: &mut BTreeMap<String, T>,
    name: &str,
    change: impl FnOnce(&mut T),
) {
    if let Some(value) = map.get_mut(name) {
        return change(value);
    }
    let mut value = T::default();
    change(&mut value);
    map.insert(name.to_owned(), value);
}

/// A day (UTC), as its name was made for the last entry: most entries are of the same one.
#[derive(Default)]
struct Day {
    number: u64,
    name: String,
}

impl Day {
    /// The name of the day in which an entry was written.
    fn of(&mut self, entry: &Entry) -> &str {
        const MILLIS: u64 = 24 * 60 * 60 * 1000;
        if self.name.is_empty() || self.number != entry.at / MILLIS {
            self.number = entry.at / MILLIS;
            self.name = rfc3339(entry.at).chars().take("2026-11-29".len()).collect();
        }
        &self.name
    }
}

/// The kind of a cause: its words without ids, addresses and numbers, which differ from failure to failure.
fn kind(cause: &str) -> String {
    let mut kind = String::new();
    for word in cause.split_whitespace().map(general) {
        if word == "…" && kind.ends_with('…') {
            continue;
        }
        if !kind.is_empty() {
            kind.push(' ');
        }
        kind.push_str(&word);
    }
    match kind.char_indices().nth(CAUSE_LIMIT) {
        Some((end, _)) => kind.get(..end).unwrap_or_default().to_owned() + "…",
        None => kind,
    }
}

/// A word without what differs: one with a digit in it keeps only the marks around it.
fn general(word: &str) -> String {
    if !word.bytes().any(|byte| byte.is_ascii_digit()) {
        return word.to_owned();
    }
    let core = word.trim_matches(|character: char| !character.is_alphanumeric());
    word.replace(core, "…")
}

/// Names by what they cost, the most expensive first.
pub(super) fn largest(map: &BTreeMap<String, Usage>) -> Vec<(&String, &Usage)> {
    let mut rows: Vec<_> = map.iter().collect();
    let weight = |usage: &Usage| usage.usd + usage.spot_usd;
    rows.sort_by(|(one, less), (other, more)| {
        let by_cost = weight(more).total_cmp(&weight(less));
        by_cost
            .then_with(|| more.vcpu_hours.total_cmp(&less.vcpu_hours))
            .then_with(|| one.cmp(other))
    });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Job;
    use crate::state::outcome::Outcome;

    #[test]
    fn causes_of_one_kind_differ_by_ids_and_numbers_only() {
        assert_eq!(
            kind("StartTimeout (900 s) is over"),
            "StartTimeout (… s) is over"
        );
        let one = "could not start the job's task in 899 s, and StartTimeout (900 s) is over";
        let other = "could not start the job's task in 1799 s, and StartTimeout (1800 s) is over";
        assert_eq!(kind(one), kind(other));
        assert_eq!(
            kind("no answer from 10.0.3.17:22 for subnet-0a1b2c"),
            "no answer from … for …"
        );
        assert_eq!(kind(&"x ".repeat(500)).chars().count(), CAUSE_LIMIT + 1);
    }

    #[test]
    fn a_second_task_that_is_kept_counts_once() {
        let task = TaskEntry {
            won: true,
            hedge: true,
            ..TaskEntry::default()
        };
        let job = Entry {
            tasks: vec![task],
            ..Entry::unrecorded(&Job::default(), Outcome::system("no room"))
        };
        let mut kept = serde_json::to_value(&job).unwrap();
        kept["kind"] = "kept".into();
        let kept: Entry = serde_json::from_value(kept).unwrap();
        let (mut summary, prices) = (Summary::default(), Prices::load(None).unwrap());
        summary.add(&job, &prices);
        summary.add(&kept, &prices);
        assert_eq!(summary.hedges, Hedges { count: 1, won: 1 });
    }

    #[test]
    fn names_are_bounded() {
        let mut map = BTreeMap::<String, u64>::new();
        for number in 0..2 * NAMES {
            update(&mut map, Some(&number.to_string()), |count| *count += 1);
        }
        update(&mut map, Some("0"), |count| *count += 1);
        assert_eq!(map.len(), NAMES + 1);
        assert_eq!((map["0"], map[OTHER]), (2, NAMES as u64));
    }
}
