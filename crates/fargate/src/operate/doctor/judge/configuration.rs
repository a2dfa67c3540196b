//! `fargate.toml`.

use super::super::catalog::{CONFIG_FILE, CONFIG_KEYS, CONFIG_REMARKS};
use super::super::check::Check;
use super::super::facts::Facts;
use super::kept::kept_tasks;
use crate::config::{Mode, UNKNOWN_KEY};

/// Judges the configuration: its syntax, its values, its keys.
pub(in super::super) fn configuration(facts: &Facts) -> Vec<Check> {
    let configuration = &facts.configuration;
    let file = configuration.file.display();
    let config = match &configuration.whole {
        Ok(config) => config,
        Err(_) if facts.pre && !configuration.exists => {
            return vec![CONFIG_FILE.skip(format!("{file} is not there yet"))];
        }
        Err(error) => {
            let advice = error.advice().unwrap_or("Correct the file.");
            let lines = error.to_string();
            let problems = lines
                .lines()
                .map(|line| CONFIG_FILE.fail(line.trim(), advice));
            return problems.collect();
        }
    };
    let mode = match config.mode {
        Mode::TaskDefinition(_) => "TaskDefinition mode",
        Mode::JobImage(_) => "JobImage mode",
    };
    let mut checks = vec![CONFIG_FILE.pass(format!("{file}, {mode}"))];
    let (unknown, remarks): (Vec<_>, Vec<_>) = config
        .warnings
        .iter()
        .partition(|warning| warning.contains(UNKNOWN_KEY));
    let keys = unknown.iter().map(|warning| {
        CONFIG_KEYS.fail(
            warning.as_str(),
            "Correct the key's name, or remove it; docs/configuration.md has every key.",
        )
    });
    let remarks = remarks.iter().map(|remark| {
        CONFIG_REMARKS.warn(
            remark.as_str(),
            "Change the value; docs/configuration.md describes the key.",
        )
    });
    checks.extend(or_pass(keys.collect(), || {
        CONFIG_KEYS.pass("all are known")
    }));
    checks.extend(or_pass(remarks.collect(), || {
        CONFIG_REMARKS.pass("all fit together")
    }));
    checks.push(kept_tasks(config, facts));
    checks
}

/// The findings, or that all is well.
pub(super) fn or_pass(findings: Vec<Check>, pass: impl FnOnce() -> Check) -> Vec<Check> {
    match findings.is_empty() {
        true => vec![pass()],
        false => findings,
    }
}
