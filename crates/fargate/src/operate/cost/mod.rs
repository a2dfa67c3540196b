//! What AWS bills for a task, as far as the ledger knows. Decisions only.

mod prices;

pub(super) use self::prices::Prices;
use crate::config::STORAGE_INCLUDED;
use crate::state::ledger::{Entry, TaskEntry};
use crate::state::outcome::OutcomeKind;

/// AWS bills at least so many seconds (AWS: Fargate pricing, Linux).
const LEAST_SECONDS: u64 = 60;

/// How long a task is billed on after its stop was accepted: from `stoppingAt` to `stoppedAt`, as recorded of tasks
/// whose containers end at once (10 s and 23 s). A container that takes its time adds up to its `stopTimeout`.
pub(super) const WIND_DOWN_SECONDS: u64 = 33;

/// How long a task is taken to run at most, whatever its times say: longer than any job.
const LONGEST_SECONDS: u64 = 30 * 24 * 3600;

/// What was used, and about what it costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Tasks that AWS bills.
    pub(super) tasks: u64,
    pub(super) vcpu_hours: f64,
    pub(super) gb_hours: f64,
    /// USD, without Spot.
    pub(super) usd: f64,
    /// USD on Spot, which is an estimate of an estimate, and no part of the other sum.
    pub(super) spot_usd: f64,
    /// vCPU-hours for which no price is known.
    pub(super) unpriced_vcpu_hours: f64,
    /// The same of storage above what is included, in GB-hours, and of public addresses.
    pub(super) unpriced_storage_gb_hours: f64,
    pub(super) unpriced_address_hours: f64,
    /// Tasks whose end is unknown: they count up to their last sign of life.
    pub(super) unknown_ends: u64,
    /// Hours for which tasks of failed jobs were kept, and their part of both sums.
    pub(super) kept_hours: f64,
    pub(super) kept_usd: f64,
    /// Hours for which tasks waited for jobs, and their part of both sums.
    pub(super) waiting_hours: f64,
    pub(super) waiting_usd: f64,
    /// The same of tasks that were started side by side with the one that took the job's scripts.
    pub(super) hedged_hours: f64,
    pub(super) hedged_usd: f64,
}

impl Usage {
    /// Adds another one.
    pub(super) fn add(&mut self, other: &Self) {
        self.tasks += other.tasks;
        self.vcpu_hours += other.vcpu_hours;
        self.gb_hours += other.gb_hours;
        self.usd += other.usd;
        self.spot_usd += other.spot_usd;
        self.unpriced_vcpu_hours += other.unpriced_vcpu_hours;
        self.unpriced_storage_gb_hours += other.unpriced_storage_gb_hours;
        self.unpriced_address_hours += other.unpriced_address_hours;
        self.unknown_ends += other.unknown_ends;
        self.kept_hours += other.kept_hours;
        self.kept_usd += other.kept_usd;
        self.waiting_hours += other.waiting_hours;
        self.waiting_usd += other.waiting_usd;
        self.hedged_hours += other.hedged_hours;
        self.hedged_usd += other.hedged_usd;
    }

    /// The usage of a task of this entry; none where AWS does not bill it.
    pub(super) fn of(entry: &Entry, task: &TaskEntry, prices: &Prices) -> Option<Self> {
        Self::until(end(entry, task), entry, task, prices)
    }

    /// The usage so far of a task that may still run; `now` is in milliseconds since 1970.
    pub(super) fn so_far(
        entry: &Entry,
        task: &TaskEntry,
        prices: &Prices,
        now: u64,
    ) -> Option<Self> {
        Self::until(end(entry, task).or(Some(now)), entry, task, prices)
    }

    /// The usage up to the task's `end`, or to its last sign of life.
    fn until(end: Option<u64>, entry: &Entry, task: &TaskEntry, prices: &Prices) -> Option<Self> {
        let seconds = billed_seconds(entry, task, end)?;
        let hours = seconds as f64 / 3600.0;
        let facts = &task.facts;
        let vcpu_hours = f64::from(facts.cpu.unwrap_or(0)) / 1024.0 * hours;
        let gb_hours = f64::from(facts.memory.unwrap_or(0)) / 1024.0 * hours;
        let mut usage = Self {
            // One that is kept, or has waited, is the task of its job.
            tasks: u64::from(!entry.is_kept() && !has_waited(entry, task)),
            vcpu_hours,
            gb_hours,
            unknown_ends: u64::from(end.is_none()),
            ..Self::default()
        };
        let is_arm = facts.architecture.as_deref() == Some("arm64");
        let region = prices.of(&entry.region);
        let mut compute = 0.0;
        match region.and_then(|region| region.compute(is_arm)) {
            Some((vcpu, gb)) => compute = vcpu_hours * vcpu + gb_hours * gb,
            None => usage.unpriced_vcpu_hours = vcpu_hours,
        }
        let mut beside = 0.0;
        let storage = facts.storage.unwrap_or(0).saturating_sub(STORAGE_INCLUDED);
        let storage_gb_hours = f64::from(storage) * hours;
        match region.and_then(|region| region.storage) {
            Some(price) => beside += storage_gb_hours * price,
            None => usage.unpriced_storage_gb_hours = storage_gb_hours,
        }
        let address_hours = if entry.public_ip { hours } else { 0.0 };
        match region.and_then(|region| region.ipv4) {
            Some(price) => beside += address_hours * price,
            None => usage.unpriced_address_hours = address_hours,
        }
        match is_spot(task) {
            true => usage.spot_usd = compute * prices.spot_share + beside,
            false => usage.usd = compute + beside,
        }
        if entry.is_kept() {
            usage.kept_hours = hours;
            usage.kept_usd = usage.usd + usage.spot_usd;
        }
        if entry.is_waiting() {
            usage.waiting_hours = hours;
            usage.waiting_usd = usage.usd + usage.spot_usd;
        }
        if entry.is_hedged() {
            usage.hedged_hours = hours;
            usage.hedged_usd = usage.usd + usage.spot_usd;
        }
        Some(usage)
    }
}

/// Whether the entry is of the time for which a job's task waited for it.
fn has_waited(entry: &Entry, task: &TaskEntry) -> bool {
    entry.is_waiting() && task.claimed_at.is_some()
}

/// USD for an hour of a task with so many vCPUs and GB; nothing where a price is missing.
pub(super) fn hourly(
    prices: &Prices,
    region: &str,
    vcpu: f64,
    gb: f64,
    is_arm: bool,
) -> Option<f64> {
    let (of_vcpu, of_gb) = prices.of(region)?.compute(is_arm)?;
    Some(vcpu * of_vcpu + gb * of_gb)
}

/// Whether a task ran on Fargate Spot.
pub(super) fn is_spot(task: &TaskEntry) -> bool {
    task.facts.provider.as_deref() == Some("FARGATE_SPOT")
}

/// The seconds that AWS bills: from the pull to the end, rounded up, and a minute at least. A task that never began to
/// pull is not billed. The time for which a task was kept comes after that of its job, and has no such least.
fn billed_seconds(entry: &Entry, task: &TaskEntry, end: Option<u64>) -> Option<u64> {
    let times = &task.facts.times;
    // Of one that took scripts the pull was only not seen.
    let unseen = times.created.or(entry.times.asked).filter(|_| task.won);
    let claimed_at = task.claimed_at.filter(|_| !entry.is_waiting());
    let begun = match (entry.is_kept(), claimed_at) {
        (true, _) => task.kept_from?,
        (false, Some(claimed_at)) => claimed_at,
        (false, None) => times.pull_started.or(times.started).or(unseen)?,
    };
    let end = end.unwrap_or_else(|| last_sign(entry, task));
    let seconds = end.saturating_sub(begun).div_ceil(1000);
    // A part of a task has no least.
    let is_part = entry.is_kept() || task.claimed_at.is_some();
    let least = if is_part { 0 } else { LEAST_SECONDS };
    Some(seconds.clamp(least, LONGEST_SECONDS))
}

/// When a task ended: as AWS says, or the wind-down after the earlier of AWS's stop and ours. Nothing where AWS no
/// longer knew the task when it was to be stopped. A kept one has ended at its time by then, if not before; in the line
/// of its job it ends when that time begins.
fn end(entry: &Entry, task: &TaskEntry) -> Option<u64> {
    if has_waited(entry, task) {
        return task.claimed_at;
    }
    if !entry.is_kept() && task.kept_from.is_some() {
        return task.kept_from;
    }
    let times = &task.facts.times;
    let stops = [times.stopping, task.stop_accepted];
    let stop = stops.into_iter().flatten().min();
    let wound_down = stop.map(|stop| stop.saturating_add(WIND_DOWN_SECONDS * 1000));
    times.stopped.or(wound_down).or(task.kept_until)
}

/// The last moment at which the entry shows that the task was there. The end of a job that succeeded follows its last
/// script; any other may be one that a sweep came upon later.
fn last_sign(entry: &Entry, task: &TaskEntry) -> u64 {
    let times = &task.facts.times;
    let is_done = entry.outcome.kind == OutcomeKind::Success;
    let of_job = [
        entry.times.ready,
        entry.times.first_script,
        entry.times.ended.filter(|_| is_done),
    ];
    let of_task = [
        times.created,
        times.connected,
        times.pull_started,
        times.pull_stopped,
        times.started,
    ];
    let of_job = of_job.into_iter().filter(|_| task.won);
    let signs = of_job.chain(of_task).flatten();
    signs.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Job;
    use crate::state::ledger::Kind;
    use crate::state::outcome::Outcome;
    use crate::task::{TaskFacts, TaskTimes};

    fn entry(region: &str, public_ip: bool) -> Entry {
        Entry {
            region: region.into(),
            public_ip,
            ..Entry::unrecorded(&Job::default(), Outcome::system(""))
        }
    }

    /// 2 vCPU and 4 GB whose pull began at 0 and that stopped then.
    fn task(stopped: u64) -> TaskEntry {
        TaskEntry {
            facts: TaskFacts {
                times: TaskTimes {
                    pull_started: Some(0),
                    stopped: Some(stopped),
                    ..TaskTimes::default()
                },
                cpu: Some(2048),
                memory: Some(4096),
                ..TaskFacts::default()
            },
            ..TaskEntry::default()
        }
    }

    fn seconds(entry: &Entry, task: &TaskEntry) -> Option<u64> {
        billed_seconds(entry, task, end(entry, task))
    }

    fn cents(usd: f64) -> i64 {
        (usd * 1_000_000.0).round() as i64
    }

    #[test]
    fn a_task_costs_what_aws_says() {
        let prices = Prices::load(None).unwrap();
        let usage = |entry: &Entry, task: &TaskEntry| Usage::of(entry, task, &prices).unwrap();
        let here = entry("us-east-1", false);
        let minutes = usage(&here, &task(600_000));
        // The reference's example: about 0.0165.
        assert_eq!(cents(minutes.usd), 16_457);
        assert_eq!(
            (minutes.vcpu_hours * 3.0, minutes.gb_hours * 3.0),
            (1.0, 2.0)
        );
        // A minute at least, and whole seconds.
        assert_eq!(usage(&here, &task(1)).usd, usage(&here, &task(60_000)).usd);
        assert_eq!(
            usage(&here, &task(60_001)).usd,
            usage(&here, &task(61_000)).usd
        );
        // An address, and storage above what is included.
        let public = usage(&entry("us-east-1", true), &task(3_600_000));
        assert_eq!(cents(public.usd), cents(minutes.usd * 6.0) + 5_000);
        let mut large = task(3_600_000);
        large.facts.storage = Some(120);
        assert_eq!(
            cents(usage(&here, &large).usd),
            cents(minutes.usd * 6.0) + 11_100
        );
        let mut arm = task(3_600_000);
        arm.facts.architecture = Some("arm64".into());
        assert_eq!(cents(usage(&here, &arm).usd), 79_000);
        let nowhere = usage(&entry("ap-east-1", false), &arm);
        assert_eq!((nowhere.usd, nowhere.unpriced_vcpu_hours), (0.0, 2.0));
        // Nor is a price of storage known there, other than one of addresses.
        let mut large = task(3_600_000);
        large.facts.storage = Some(120);
        let beside = usage(&entry("eu-west-1", true), &large);
        let without = usage(&entry("eu-west-1", false), &task(3_600_000));
        assert_eq!(cents(beside.usd - without.usd), 5_000);
        let unpriced = |usage: Usage| {
            (
                usage.unpriced_storage_gb_hours,
                usage.unpriced_address_hours,
            )
        };
        assert_eq!(unpriced(beside), (100.0, 0.0));
        let unknown = usage(&entry("us-gov-west-1", true), &large);
        assert_eq!(unpriced(unknown), (100.0, 1.0));
        let mut spot = task(600_000);
        spot.facts.provider = Some("FARGATE_SPOT".into());
        let spot = usage(&here, &spot);
        assert_eq!((spot.usd, cents(spot.spot_usd)), (0.0, 5_760));
    }

    #[test]
    fn the_end_is_the_stop_and_the_wind_down_where_nobody_saw_it() {
        let here = entry("us-east-1", false);
        let mut stopped = task(0);
        stopped.facts.times.stopped = None;
        stopped.stop_accepted = Some(100_000);
        assert_eq!(seconds(&here, &stopped), Some(133));
        // AWS had begun to stop it before.
        let mut taken = stopped.clone();
        taken.facts.times.stopping = Some(90_000);
        assert_eq!(seconds(&here, &taken), Some(123));
        // AWS bills from the pull on.
        let mut waiting = stopped.clone();
        waiting.facts.times = TaskTimes {
            created: Some(0),
            ..TaskTimes::default()
        };
        assert_eq!(seconds(&here, &waiting), None);
        waiting.won = true;
        assert_eq!(seconds(&here, &waiting), Some(133));
    }

    #[test]
    fn a_kept_task_counts_from_the_end_of_its_job() {
        let prices = Prices::load(None).unwrap();
        let mut job = entry("us-east-1", false);
        let mut kept = task(0);
        kept.facts.times.stopped = None;
        (kept.kept_from, kept.stop_accepted) = (Some(600_000), Some(627_000));
        assert_eq!(seconds(&job, &kept), Some(600));
        let of_job = Usage::of(&job, &kept, &prices).unwrap();
        assert_eq!((of_job.tasks, of_job.kept_hours), (1, 0.0));
        job.kind = Kind::Kept;
        let usage = Usage::of(&job, &kept, &prices).unwrap();
        assert_eq!((usage.tasks, usage.kept_hours), (0, 60.0 / 3600.0));
        assert_eq!(usage.kept_usd, usage.usd);
        assert_eq!(cents(usage.usd * 10.0), cents(of_job.usd));
        // It ended by itself long ago.
        (kept.stop_accepted, kept.kept_until) = (None, Some(4_200_000));
        let usage = Usage::of(&job, &kept, &prices).unwrap();
        assert_eq!((usage.kept_hours, usage.unknown_ends), (1.0, 0));
    }

    #[test]
    fn a_task_that_aws_no_longer_knows_counts_until_its_last_sign_of_life() {
        let prices = Prices::load(None).unwrap();
        let mut swept = entry("us-east-1", false);
        swept.times.ended = Some(1_000_000_000);
        swept.times.ready = Some(90_000);
        let mut gone = task(0);
        (gone.won, gone.facts.times.stopped) = (true, None);
        assert_eq!(seconds(&swept, &gone), Some(90));
        swept.times.first_script = Some(95_000);
        assert_eq!(seconds(&swept, &gone), Some(95));
        let usage = Usage::of(&swept, &gone, &prices).unwrap();
        assert_eq!(usage.unknown_ends, 1);
        swept.outcome.kind = OutcomeKind::Success;
        assert_eq!(seconds(&swept, &gone), Some(1_000_000));
        let known = Usage::of(&swept, &task(60_000), &prices).unwrap();
        assert_eq!(known.unknown_ends, 0);
    }

    #[test]
    fn a_task_that_runs_has_cost_something_so_far() {
        let prices = Prices::load(None).unwrap();
        let here = entry("us-east-1", false);
        let mut running = task(0);
        running.facts.times.stopped = None;
        let so_far = |task: &TaskEntry| Usage::so_far(&here, task, &prices, 600_000).unwrap();
        assert_eq!(cents(so_far(&running).usd), 16_457);
        assert_eq!(so_far(&running).unknown_ends, 0);
        // Its end is known once it has begun.
        running.facts.times.stopped = Some(60_000);
        assert_eq!(cents(so_far(&running).usd), 1_646);
        running.facts.times = TaskTimes::default();
        assert_eq!(Usage::so_far(&here, &running, &prices, 600_000), None);
    }
}
