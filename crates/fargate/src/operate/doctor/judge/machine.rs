//! This machine.

use super::super::catalog::{CERTIFICATES, MEMORY};
use super::super::check::Check;
use super::super::facts::Facts;
use super::folder;

/// Memory of a job's largest process of ours, and of the first one (docs/performance.md: 200 prepares at once). The
/// runner's own comes on top.
const MIB_PER_JOB: u64 = 1;
const MIB: u64 = 12;

/// Judges this machine.
pub(in super::super) fn machine(facts: &Facts) -> Vec<Check> {
    let mut checks = folder::folder(facts);
    checks.push(match &facts.machine.certificate_fault {
        None => CERTIFICATES.pass("there"),
        Some(fault) => CERTIFICATES.fail(
            fault.as_str(),
            "Install the package ca-certificates, or name a bundle in AWS_CA_BUNDLE in the environment of GitLab \
             Runner's service.",
        ),
    });
    checks.push(memory(facts));
    checks
}

fn memory(facts: &Facts) -> Check {
    let Some(available) = facts.machine.available_mib else {
        return MEMORY.skip("/proc/meminfo does not show it");
    };
    let Some(jobs) = facts.runner.jobs_at_once() else {
        return MEMORY.pass(format!("{available} MiB available"));
    };
    let needed = MIB + jobs * MIB_PER_JOB;
    let found = format!("{available} MiB available; {jobs} jobs at once need about {needed} MiB");
    match available >= needed {
        true => MEMORY.pass(found),
        false => MEMORY.warn(
            found,
            "Lower concurrent in config.toml, or give the manager more memory.",
        ),
    }
}
