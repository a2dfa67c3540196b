//! Quotas of vCPUs, and what is in use of them.

use super::super::catalog::{QUOTA_USE, SPOT_QUOTA, VCPU_QUOTA};
use super::super::check::{Check, Subject};
use super::super::facts::{Account, Facts, FolderState, Named, Vcpus};
use super::answers::read;
use super::prerequisite::named;
use crate::aws::{ON_DEMAND, SPOT};
use crate::config::{Config, Cpu, Mode};

/// CPU units of a vCPU (AWS: task size).
const UNITS: f64 = 1024.0;

/// What this manager's jobs take.
#[derive(Clone, Copy)]
struct Need {
    /// vCPUs of a job.
    size: f64,
    /// Jobs at once.
    jobs: u64,
    /// vCPUs of the jobs that run now.
    running: f64,
    /// Tasks that may wait for jobs at most, and their vCPUs.
    waiting: (usize, f64),
}

/// A quota of one kind of capacity.
struct Kind<'a> {
    subject: &'static Subject,
    code: &'static str,
    vcpus: &'a Vcpus,
    region: &'a str,
}

/// Judges the quotas of the capacity that jobs use.
pub(in super::super) fn quotas(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &VCPU_QUOTA) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let uses = uses(config, named);
    let region = config.fargate.region.as_str();
    let on_demand = Kind {
        subject: &VCPU_QUOTA,
        code: ON_DEMAND,
        vcpus: &named.on_demand,
        region,
    };
    let spot = Kind {
        subject: &SPOT_QUOTA,
        code: SPOT,
        vcpus: &named.spot,
        region,
    };
    let need = need(facts, config, named);
    let kinds = [
        uses.on_demand.then_some(on_demand),
        uses.spot.then_some(spot),
    ];
    let mut checks = Vec::new();
    for kind in kinds.into_iter().flatten() {
        checks.push(kind.quota(need));
        checks.push(kind.in_use(need));
    }
    // The report has a subject's checks together.
    checks.sort_by_key(|check| check.subject.id == QUOTA_USE.id);
    checks
}

/// The kinds of capacity that jobs use.
struct Uses {
    on_demand: bool,
    spot: bool,
}

fn uses(config: &Config, named: &Named) -> Uses {
    let fargate = &config.fargate;
    let strategy = fargate.strategy.iter().chain(&fargate.fallback_strategy);
    let mut providers: Vec<_> = strategy.map(|item| item.provider.as_str()).collect();
    if fargate.strategy.is_empty() {
        let cluster = named.cluster.as_ref().ok().and_then(Option::as_ref);
        let default = cluster.map(|cluster| cluster.default_strategy.as_slice());
        let default = default.unwrap_or_default().iter();
        providers.extend(default.map(|one| one.name.as_str()));
    }
    let spot = providers.contains(&"FARGATE_SPOT");
    Uses {
        on_demand: providers.contains(&"FARGATE") || !spot,
        spot,
    }
}

/// The most that jobs take together; nothing where their size or number is unknown.
fn need(facts: &Facts, config: &Config, named: &Named) -> Option<Need> {
    let units = match &config.mode {
        Mode::JobImage(image) => image.cpu.0,
        Mode::TaskDefinition(_) => {
            let definition = named.definition.as_ref()?.as_ref().ok()?.as_ref()?;
            definition.cpu?
        }
    };
    let size = f64::from(units) / UNITS;
    let folder = facts.machine.folder.as_ref();
    let running = match folder.map(|folder| &folder.state) {
        Some(FolderState::Present(present)) => present.jobs,
        _ => 0,
    };
    Some(Need {
        size,
        jobs: facts.runner.jobs_at_once()?,
        waiting: waiting(config, size),
        running: size * f64::from(u32::try_from(running).unwrap_or(u32::MAX)),
    })
}

impl Need {
    /// vCPUs of all jobs at once.
    fn of_jobs(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no manager runs 2^52 jobs")]
        let jobs = self.jobs as f64;
        self.size * jobs
    }

    /// vCPUs of all jobs at once, and of what waits.
    fn all(&self) -> f64 {
        let (_, of_waiting) = self.waiting;
        self.of_jobs() + of_waiting
    }

    /// How many jobs fit into so many vCPUs, beside what waits.
    fn fit(&self, vcpus: f64) -> f64 {
        let (_, of_waiting) = self.waiting;
        ((vcpus - of_waiting).max(0.0) / self.size).floor()
    }
}

/// How many tasks may wait for jobs of this size at most, and their vCPUs.
fn waiting(config: &Config, size: f64) -> (usize, f64) {
    let of_one = |cpu: Option<Cpu>| cpu.map_or(size, |cpu| f64::from(cpu.0) / UNITS);
    let sizes = config.warm.sizes();
    sizes.fold((0, 0.0), |(tasks, vcpu), cpu| {
        (tasks + 1, vcpu + of_one(cpu))
    })
}

impl Kind<'_> {
    fn quota(&self, need: Option<Need>) -> Check {
        let subject = self.subject;
        let quota = match read(&self.vcpus.quota, subject) {
            Err(skipped) => return skipped,
            Ok(quota) => *quota,
        };
        let Some(need) = need else {
            return subject.pass(format!("{quota} vCPU at once"));
        };
        let Need {
            size,
            jobs,
            waiting: (waiting, of_waiting),
            ..
        } = need;
        if size > quota {
            return subject.fail(
                format!("{quota} vCPU at once, and one job has {size}"),
                self.raise(size, need),
            );
        }
        let (all, of_jobs) = (need.all(), need.of_jobs());
        let mut found = format!("{quota} vCPU at once; {jobs} jobs of {size} vCPU need {of_jobs}");
        let mut beside = "";
        if waiting > 0 {
            found += &format!(", and {waiting} waiting tasks {of_waiting}");
            beside = " beside these";
        }
        match all <= quota {
            true => subject.pass(found),
            false => subject.warn(
                format!("{found}, so {} fit{beside}", need.fit(quota)),
                self.raise(all, need),
            ),
        }
    }

    /// What others leave of the quota. All tasks of the account and Region share it.
    fn in_use(&self, need: Option<Need>) -> Check {
        let used = match read(&self.vcpus.in_use, &QUOTA_USE) {
            Err(skipped) => return skipped,
            Ok(used) => used.unwrap_or_default(),
        };
        let Ok(quota) = self.vcpus.quota else {
            return QUOTA_USE.pass(format!("{used} vCPU"));
        };
        let found = format!("{used} of {quota} vCPU");
        let Some(need) = need else {
            return QUOTA_USE.pass(found);
        };
        let others = (used - need.running).max(0.0);
        let room = quota - others;
        // Too small a quota is a finding of its own.
        let is_short = need.all().min(quota) > room;
        match is_short {
            false => QUOTA_USE.pass(found),
            true => QUOTA_USE.warn(
                format!(
                    "{found}, about {others} of them not by this manager's jobs, so {} jobs of {} vCPU fit",
                    need.fit(room),
                    need.size
                ),
                self.raise(need.all() + others, need),
            ),
        }
    }

    fn raise(&self, wanted: f64, need: Need) -> String {
        let pools = match need.waiting {
            (0, _) => "",
            _ => ", or [Warm] MaxTasks",
        };
        format!(
            "Ask AWS for a higher one (it takes hours to days), or lower concurrent in config.toml{pools}:\n$ aws \
             service-quotas request-service-quota-increase --region {} --service-code fargate --quota-code {} \
             --desired-value {}",
            self.region,
            self.code,
            wanted.ceil()
        )
    }
}
