//! What AWS bills for a task, as far as the ledger knows. Decisions only.

use super::prices::Prices;
use crate::config::STORAGE_INCLUDED;
use crate::state::ledger::{Entry, TaskEntry};

/// AWS bills at least so many seconds (AWS: Fargate pricing, Linux).
const LEAST_SECONDS: u64 = 60;

/// How long a task is billed on after its stop was accepted: from `stoppingAt` to `stoppedAt`, as recorded of tasks
/// whose containers end at once (10 s and 23 s). A container that takes its time adds up to its `stopTimeout`.
pub(super) const WIND_DOWN_SECONDS: u64 = 33;

/// How long a task is taken to run whose end nobody saw: longer than any job.
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
    }

    /// The usage of a task of this entry; none where AWS does not bill it.
    pub(super) fn of(entry: &Entry, task: &TaskEntry, prices: &Prices) -> Option<Self> {
        let seconds = billed_seconds(entry, task)?;
        let hours = seconds as f64 / 3600.0;
        let facts = &task.facts;
        let vcpu_hours = f64::from(facts.cpu.unwrap_or(0)) / 1024.0 * hours;
        let gb_hours = f64::from(facts.memory.unwrap_or(0)) / 1024.0 * hours;
        let mut usage = Self {
            tasks: 1,
            vcpu_hours,
            gb_hours,
            ..Self::default()
        };
        let is_arm = facts.architecture.as_deref() == Some("arm64");
        let region = prices.of(&entry.region);
        let Some(((vcpu, gb), region)) =
            region.and_then(|region| Some((region.compute(is_arm)?, region)))
        else {
            usage.unpriced_vcpu_hours = vcpu_hours;
            return Some(usage);
        };
        let storage = f64::from(facts.storage.unwrap_or(0).saturating_sub(STORAGE_INCLUDED));
        let beside = storage * region.storage.unwrap_or(0.0);
        let address = if entry.public_ip {
            region.ipv4.unwrap_or(0.0)
        } else {
            0.0
        };
        let compute = vcpu_hours * vcpu + gb_hours * gb;
        match is_spot(task) {
            true => usage.spot_usd = compute * prices.spot_share + (beside + address) * hours,
            false => usage.usd = compute + (beside + address) * hours,
        }
        Some(usage)
    }
}

/// Whether a task ran on Fargate Spot.
pub(super) fn is_spot(task: &TaskEntry) -> bool {
    task.facts.provider.as_deref() == Some("FARGATE_SPOT")
}

/// The seconds that AWS bills: from the pull to the end, rounded up, and a minute at least. A task that never began to
/// pull is not billed.
fn billed_seconds(entry: &Entry, task: &TaskEntry) -> Option<u64> {
    let times = &task.facts.times;
    // Of one that took scripts the pull was only not seen.
    let unseen = times.created.or(entry.times.asked).filter(|_| task.won);
    let begun = times.pull_started.or(times.started).or(unseen)?;
    let stop = task.stop_accepted.or(times.stopping).or(entry.times.ended);
    let end = times.stopped.unwrap_or_else(|| {
        stop.unwrap_or(entry.at)
            .saturating_add(WIND_DOWN_SECONDS * 1000)
    });
    let seconds = end.saturating_sub(begun).div_ceil(1000);
    Some(seconds.clamp(LEAST_SECONDS, LONGEST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Job;
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
        assert_eq!(billed_seconds(&here, &stopped), Some(133));
        // AWS bills from the pull on.
        let mut waiting = stopped.clone();
        waiting.facts.times = TaskTimes {
            created: Some(0),
            ..TaskTimes::default()
        };
        assert_eq!(billed_seconds(&here, &waiting), None);
        waiting.won = true;
        assert_eq!(billed_seconds(&here, &waiting), Some(133));
    }
}
