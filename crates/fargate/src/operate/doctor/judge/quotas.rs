//! Quotas of vCPUs.

use super::super::catalog::{SPOT_QUOTA, VCPU_QUOTA};
use super::super::check::{Check, Subject};
use super::super::facts::{Account, Answer, Facts, Named};
use super::answers::read;
use crate::aws::{ON_DEMAND, SPOT};
use crate::config::{Config, Cpu, Mode};

/// CPU units of a vCPU (AWS: task size).
const UNITS: f64 = 1024.0;

/// Judges the quotas of the capacity that jobs use.
pub(in super::super) fn quotas(facts: &Facts, account: &Account) -> Vec<Check> {
    let (Ok(config), Some(named)) = (&facts.configuration.whole, &account.named) else {
        return Vec::new();
    };
    let strategy = config
        .fargate
        .strategy
        .iter()
        .chain(&config.fargate.fallback_strategy);
    let mut providers: Vec<_> = strategy.map(|item| item.provider.as_str()).collect();
    if config.fargate.strategy.is_empty() {
        let cluster = named.cluster.as_ref().ok().and_then(Option::as_ref);
        let default = cluster.map(|cluster| cluster.default_strategy.as_slice());
        providers.extend(
            default
                .unwrap_or_default()
                .iter()
                .map(|one| one.name.as_str()),
        );
    }
    let uses_spot = providers.contains(&"FARGATE_SPOT");
    let uses_on_demand = providers.contains(&"FARGATE") || !uses_spot;
    let quota = |subject, code, answer| quota(subject, code, answer, facts, (config, named));
    let mut checks = Vec::new();
    if uses_on_demand {
        checks.push(quota(&VCPU_QUOTA, ON_DEMAND, &named.on_demand));
    }
    if uses_spot {
        checks.push(quota(&SPOT_QUOTA, SPOT, &named.spot));
    }
    checks
}

fn quota(
    subject: &'static Subject,
    code: &str,
    answer: &Answer<f64>,
    facts: &Facts,
    (config, named): (&Config, &Named),
) -> Check {
    let limit = match read(answer, subject) {
        Err(skipped) => return skipped,
        Ok(limit) => *limit,
    };
    let size = match &config.mode {
        Mode::JobImage(image) => Some(f64::from(image.cpu.0)),
        Mode::TaskDefinition(_) => {
            let definition = named
                .definition
                .as_ref()
                .and_then(|answer| answer.as_ref().ok());
            let definition = definition.and_then(Option::as_ref);
            definition
                .and_then(|definition| definition.cpu)
                .map(f64::from)
        }
    };
    let (Some(size), Some(jobs)) = (size.map(|units| units / UNITS), facts.runner.jobs_at_once())
    else {
        return subject.pass(format!("{limit} vCPU at once"));
    };
    let (waiting, of_waiting) = waiting(config, size);
    let (pools, beside) = match waiting {
        0 => ("", ""),
        _ => (", or [Warm] MaxTasks", " beside these"),
    };
    let raise = |wanted: f64| {
        format!(
            "Ask AWS for a higher one (it takes hours to days), or lower concurrent in config.toml{pools}:\n$ aws \
             service-quotas request-service-quota-increase --region {} --service-code fargate --quota-code {code} \
             --desired-value {}",
            config.fargate.region,
            wanted.ceil()
        )
    };
    if size > limit {
        return subject.fail(
            format!("{limit} vCPU at once, and one job has {size}"),
            raise(size),
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "no manager runs 2^52 jobs")]
    let of_jobs = size * jobs as f64;
    let wanted = of_jobs + of_waiting;
    let mut found = format!("{limit} vCPU at once; {jobs} jobs of {size} vCPU need {of_jobs}");
    if waiting > 0 {
        found += &format!(", and {waiting} waiting tasks {of_waiting}");
    }
    let fit = ((limit - of_waiting).max(0.0) / size).floor();
    match wanted <= limit {
        true => subject.pass(found),
        false => subject.warn(format!("{found}, so {fit} fit{beside}"), raise(wanted)),
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
