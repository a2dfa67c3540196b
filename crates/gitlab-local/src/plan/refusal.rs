//! Why GitLab would refuse a pipeline for what its jobs say of each other (`Gitlab::Ci::YamlProcessor`, and
//! `Seed::Build` for jobs that rules keep out).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::names::Names;
use super::order;
use crate::file::{JobDefinition, Need, Pipeline, When};

/// Jobs that one job may need (`ci_needs_size_limit`).
const MAX_NEEDS: usize = 50;

/// What is known of the jobs of a file.
#[derive(Debug)]
pub(super) struct Refusals<'a> {
    /// In the order of their stages.
    jobs: Vec<&'a JobDefinition>,
    names: Names<'a>,
    /// Stages by their places in the order: those of their first jobs.
    stages: HashMap<&'a str, usize>,
    /// Names of jobs that are there, and cannot be read here.
    broken: HashSet<&'a str>,
    /// An included file is not here, which may have more jobs.
    is_partial: bool,
}

impl Pipeline {
    /// Why GitLab would refuse this pipeline for what its jobs say of each other, each reason in GitLab's words.
    pub fn refusals(&self) -> Vec<String> {
        let jobs = self.jobs().iter();
        let (mut read, mut broken) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Ok(job) => read.push(job),
                Err(job) => broken.push(job.name.as_str()),
            }
        }
        Refusals::new(read, broken, !self.absent().is_empty()).reasons()
    }
}

impl<'a> Refusals<'a> {
    pub(super) fn new(
        jobs: Vec<&'a JobDefinition>,
        broken: impl IntoIterator<Item = &'a str>,
        is_partial: bool,
    ) -> Self {
        let mut stages = HashMap::new();
        for (place, &job) in jobs.iter().enumerate() {
            stages.entry(job.stage.as_str()).or_insert(place);
        }
        Self {
            names: Names::of(jobs.iter().copied()),
            jobs,
            stages,
            broken: broken.into_iter().collect(),
            is_partial,
        }
    }

    /// The reasons in GitLab's words. GitLab itself stops at the first.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for job in &self.jobs {
            self.needs(job, &mut reasons);
            self.dependencies(job, &mut reasons);
            reasons.extend(self.on_stop(job));
        }
        reasons.extend(self.circle());
        // Instances of `parallel` often have the same fault.
        let mut known = BTreeSet::new();
        reasons.retain(|reason| known.insert(reason.clone()));
        reasons
    }

    fn needs(&self, job: &JobDefinition, reasons: &mut Vec<String>) {
        let name = &job.name;
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        let needs = job.needs.iter().flat_map(|needs| &needs.jobs);
        for need in needs {
            let named: Vec<_> = self.names.needed(need).map(|(_, other)| other).collect();
            let missing = self.missing(need, &named);
            reasons.extend(missing.map(|need| format!("{name} job: undefined need: {need}")));
            for other in &named {
                *times.entry(&other.name).or_default() += 1;
                if times.len() > MAX_NEEDS {
                    let count = self.count(job);
                    reasons.push(format!(
                        "{name}: one job can only need {MAX_NEEDS} others, but you have listed {count}"
                    ));
                    return;
                }
                if self.stage(other) > self.stage(job) {
                    let other = &other.name;
                    reasons.push(format!(
                        "{name} job: need {other} is not defined in current or prior stages"
                    ));
                } else if is_out(other) && !is_out(job) && !need.optional {
                    let other = &other.name;
                    reasons.push(format!(
                        "'{name}' job needs '{other}' job, but '{other}' does not exist in the pipeline"
                    ));
                }
            }
        }
        let twice = times.into_iter().filter(|(_, times)| *times > 1);
        let twice: Vec<_> = twice.map(|(need, _)| need).collect();
        if !twice.is_empty() {
            reasons.push(format!(
                "{name} has the following needs duplicated: {}",
                twice.join(", ")
            ));
        }
    }

    /// How many jobs the needs of `job` name.
    fn count(&self, job: &JobDefinition) -> usize {
        let needs = job.needs.iter().flat_map(|needs| &needs.jobs);
        let count = |need: &Need| match need.instances.is_empty() {
            true => self.names.places(&need.job).len(),
            false => self.names.needed(need).count(),
        };
        needs.map(count).sum()
    }

    /// The name that `need` has and no job of `named`.
    fn missing<'b>(&self, need: &'b Need, named: &[&JobDefinition]) -> Option<&'b str> {
        if need.optional || self.is_partial || self.broken.contains(need.job.as_str()) {
            return None;
        }
        if named.is_empty() && need.instances.is_empty() {
            return Some(&need.job);
        }
        let is_there = |instance: &String| {
            named
                .iter()
                .any(|job| job.name == *instance || job.node.is_none())
        };
        let mut instances = need.instances.iter();
        instances
            .find(|instance| !is_there(instance))
            .map(String::as_str)
    }

    fn dependencies(&self, job: &JobDefinition, reasons: &mut Vec<String>) {
        let name = &job.name;
        for dependency in job.dependencies.iter().flatten() {
            let mut named = self.names.jobs(dependency).peekable();
            let is_known = self.is_partial || self.broken.contains(dependency.as_str());
            if named.peek().is_none() && !is_known {
                reasons.push(format!("{name} job: undefined dependency: {dependency}"));
            }
            if named.any(|other| self.stage(other) > self.stage(job)) {
                reasons.push(format!(
                    "{name} job: dependency {dependency} is not defined in current or prior stages"
                ));
            }
            let mut needs = job.needs.iter().flat_map(|needs| &needs.jobs).peekable();
            if needs.peek().is_some() && !needs.any(|need| need.job == *dependency) {
                reasons.push(format!(
                    "jobs:{name} dependencies the {dependency} should be part of needs"
                ));
            }
        }
    }

    /// The fault of `environment:on_stop`.
    fn on_stop(&self, job: &JobDefinition) -> Option<String> {
        let environment = job.environment.as_ref()?;
        let wanted = environment.on_stop.as_ref()?;
        if self.is_partial || self.broken.contains(wanted.as_str()) {
            return None;
        }
        let other = self.names.jobs(wanted).find(|other| other.name == *wanted);
        let fault = match other.map(|other| &other.environment) {
            None => "is not defined",
            Some(None) => "does not have environment defined",
            Some(Some(other)) if other.name != environment.name => {
                "have different environment name"
            }
            Some(Some(other)) if other.action.as_deref() != Some("stop") => {
                "needs to have action stop defined"
            }
            Some(Some(_)) => return None,
        };
        Some(format!("{} job: on_stop job {wanted} {fault}", job.name))
    }

    fn circle(&self) -> Option<String> {
        let waits = |job: &JobDefinition| {
            let needs = job.needs.iter().flat_map(|needs| &needs.jobs);
            let named = needs.flat_map(|need| self.names.needed(need));
            named.map(|(place, _)| place).collect::<Vec<_>>()
        };
        // One that needs more jobs is refused for their number.
        let waits = self
            .jobs
            .iter()
            .map(|job| match self.count(job) > MAX_NEEDS {
                true => Vec::new(),
                false => waits(job),
            });
        let waits: Vec<_> = waits.collect();
        let circle = order(&waits, &(0..self.jobs.len()).collect()).err()?;
        let names = circle.iter().filter_map(|place| self.jobs.get(*place));
        let names: Vec<_> = names.map(|job| job.name.as_str()).collect();
        Some(format!(
            "The pipeline has circular dependencies: {}",
            names.join(", ")
        ))
    }

    /// The place of the job's stage in the order.
    fn stage(&self, job: &JobDefinition) -> Option<usize> {
        self.stages.get(job.stage.as_str()).copied()
    }
}

/// Whether rules keep the job out of the pipeline.
fn is_out(job: &JobDefinition) -> bool {
    job.when == When::Never
}
