//! Which jobs of a pipeline run, after which others, and whose artifacts they get: GitLab's part, without any run.
//!
//! A job with `needs` waits for these, any other for all jobs of the stages before. What a job waits for decides, with
//! its `when`, whether it runs.

mod names;
mod refusal;
mod standing;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::file::{JobDefinition, When};

use self::names::{Names, has_name, is_named};
pub(crate) use self::standing::Standing;
use self::standing::not_run;

/// Jobs of one trial: they run one after the other, each for a second at least.
const MAX_JOBS: usize = 5000;

/// The jobs of a trial, in an order in which each comes after all that it waits for.
#[derive(Debug)]
pub struct Plan {
    jobs: Vec<PlannedJob>,
}

/// A job, and its place among the others.
#[derive(Debug)]
pub(crate) struct PlannedJob {
    pub(crate) definition: JobDefinition,
    /// Places in the plan.
    waits_for: Vec<usize>,
    /// Places of the jobs whose artifacts it gets.
    pub(crate) artifacts_from: Vec<usize>,
    /// A person has asked for it, so a manual job is started.
    is_asked_for: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A job needs one that the pipeline does not have.
    #[error("'{job}' job needs '{need}' job, but '{need}' does not exist in the pipeline")]
    MissingNeed {
        /// The job.
        job: String,
        /// What it needs.
        need: String,
    },
    /// Jobs need each other.
    #[error("the pipeline has circular dependencies: {}", .0.join(", "))]
    Circle(Vec<String>),
    /// More jobs than a trial runs.
    #[error("these are more than {MAX_JOBS} jobs, and a trial runs no more")]
    TooMany,
    /// Nothing is left to run.
    #[error("GitLab would run none of the jobs in this pipeline")]
    Nothing,
}

impl PlanError {
    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::MissingNeed { .. } => Some(
                "The job may be kept out by its rules: set the variables that these look at with --variable.",
            ),
            Self::Circle(_) | Self::TooMany | Self::Nothing => None,
        }
    }
}

impl Plan {
    /// All `jobs`, which are in the order of their stages, but those that GitLab would not run.
    ///
    /// # Errors
    ///
    /// When a job needs one that is not there, or itself.
    pub fn all(jobs: Vec<JobDefinition>) -> Result<Self, PlanError> {
        let jobs: Vec<_> = jobs
            .into_iter()
            .filter(|job| job.when != When::Never)
            .collect();
        // GitLab: "If a pipeline contains only jobs in the .pre or .post stages, it does not run."
        if jobs
            .iter()
            .all(|job| matches!(job.stage(), ".pre" | ".post"))
        {
            return Err(PlanError::Nothing);
        }
        if jobs.len() > MAX_JOBS {
            return Err(PlanError::TooMany);
        }
        let names = Names::of(&jobs);
        let waits_for = jobs.iter().map(|job| waits(job, &jobs, &names));
        let waits_for: Vec<_> = waits_for.collect::<Result<_, _>>()?;
        let wanted = (0..jobs.len()).collect();
        Self::of(jobs, &waits_for, &wanted, None)
    }

    /// Job `name` of `jobs`, which are in the order of their stages, and all that it waits for.
    ///
    /// # Errors
    ///
    /// As [`Self::all`].
    pub fn with_needs(jobs: Vec<JobDefinition>, name: &str) -> Result<Self, PlanError> {
        let keep = |job: &JobDefinition| job.when != When::Never || job.name == name;
        let jobs: Vec<_> = jobs.into_iter().filter(keep).collect();
        let Some(target) = jobs.iter().position(|job| job.name == name) else {
            return Err(PlanError::Nothing);
        };
        let names = Names::of(&jobs);
        let mut waits_for = vec![Vec::new(); jobs.len()];
        let mut wanted = BTreeSet::new();
        let mut left = vec![target];
        while let Some(place) = left.pop() {
            let (true, Some(job)) = (wanted.insert(place), jobs.get(place)) else {
                continue;
            };
            let waits = waits(job, &jobs, &names)?;
            if wanted.len().max(waits.len()) > MAX_JOBS {
                return Err(PlanError::TooMany);
            }
            left.extend(&waits);
            if let Some(known) = waits_for.get_mut(place) {
                *known = waits;
            }
        }
        Self::of(jobs, &waits_for, &wanted, Some(target))
    }

    /// Puts the wanted jobs in order.
    fn of(
        jobs: Vec<JobDefinition>,
        waits_for: &[Vec<usize>],
        wanted: &BTreeSet<usize>,
        asked: Option<usize>,
    ) -> Result<Self, PlanError> {
        let order = order(waits_for, wanted).map_err(|circle| {
            let name = |place: usize| jobs.get(place).map(|job| job.name.clone());
            PlanError::Circle(circle.into_iter().filter_map(name).collect())
        })?;
        let places: BTreeMap<usize, usize> = order.iter().copied().zip(0..).collect();
        let place = |old: &usize| places.get(old).copied();
        let needed: BTreeSet<usize> = jobs
            .iter()
            .enumerate()
            .filter(|(at, job)| wanted.contains(at) && job.needs.is_some())
            .flat_map(|(at, _)| waits_for.get(at).cloned().unwrap_or_default())
            .collect();
        let mut planned = Vec::new();
        for old in &order {
            let (Some(job), Some(waits)) = (jobs.get(*old), waits_for.get(*old)) else {
                continue;
            };
            let sources = waits.iter().filter(|other| {
                jobs.get(**other)
                    .is_some_and(|other| gets_artifacts(job, other))
            });
            planned.push(PlannedJob {
                waits_for: waits.iter().filter_map(place).collect(),
                artifacts_from: sources.filter_map(place).collect(),
                // A manual job that may not fail keeps back all after it, so the job that is asked for wants it, too.
                is_asked_for: asked == Some(*old)
                    || (asked.is_some() && (needed.contains(old) || !job.allow_failure.always)),
                definition: job.clone(),
            });
        }
        match planned.is_empty() {
            true => Err(PlanError::Nothing),
            false => Ok(Self { jobs: planned }),
        }
    }

    /// The jobs in order.
    pub fn definitions(&self) -> impl Iterator<Item = &JobDefinition> {
        self.jobs.iter().map(|job| &job.definition)
    }

    /// Sets `change` upon each job.
    pub fn for_each(&mut self, change: impl FnMut(&mut JobDefinition)) {
        self.jobs
            .iter_mut()
            .map(|job| &mut job.definition)
            .for_each(change);
    }

    pub(crate) fn jobs(&self) -> &[PlannedJob] {
        &self.jobs
    }
}

impl PlannedJob {
    /// Why the job does not run after jobs that ended so, by their names, and how it stands then; `None` where it runs.
    pub(crate) fn not_run<'a>(
        &self,
        ended: impl Fn(usize) -> Option<(&'a str, Standing)>,
    ) -> Option<(String, Standing)> {
        let ended = self.waits_for.iter().filter_map(|place| ended(*place));
        let ended: Vec<_> = ended.collect();
        not_run(&self.definition, self.is_asked_for, &ended)
    }
}

/// The places of the jobs that `job` of `jobs` waits for.
fn waits(
    job: &JobDefinition,
    jobs: &[JobDefinition],
    names: &Names<'_>,
) -> Result<Vec<usize>, PlanError> {
    let Some(needs) = &job.needs else {
        let first = jobs.iter().position(|other| other.stage == job.stage);
        return Ok((0..first.unwrap_or_default()).collect());
    };
    let mut all = Vec::new();
    for need in &needs.jobs {
        let mut named = names.needed(need).map(|(place, _)| place).peekable();
        if named.peek().is_none() && !need.optional {
            return Err(PlanError::MissingNeed {
                job: job.name.clone(),
                need: need.job.clone(),
            });
        }
        all.extend(named);
    }
    Ok(all)
}

/// Whether `job`, which waits for `other`, gets its artifacts.
fn gets_artifacts(job: &JobDefinition, other: &JobDefinition) -> bool {
    if let Some(dependencies) = &job.dependencies {
        return dependencies.iter().any(|name| has_name(other, name));
    }
    match &job.needs {
        Some(needs) => needs
            .jobs
            .iter()
            .any(|need| need.artifacts && is_named(other, need)),
        None => true,
    }
}

/// The wanted places, each after all that it waits for and else in their own order; or those in a circle.
fn order(waits_for: &[Vec<usize>], wanted: &BTreeSet<usize>) -> Result<Vec<usize>, Vec<usize>> {
    let mut left: BTreeMap<usize, usize> = BTreeMap::new();
    let mut kept_back: HashMap<usize, Vec<usize>> = HashMap::new();
    for &place in wanted {
        let waits = waits_for.get(place).into_iter().flatten();
        let waits: BTreeSet<_> = waits.filter(|other| wanted.contains(other)).collect();
        for &other in &waits {
            kept_back.entry(*other).or_default().push(place);
        }
        left.insert(place, waits.len());
    }
    let mut free: BTreeSet<usize> = wanted.clone();
    free.retain(|place| left.get(place) == Some(&0));
    let mut order = Vec::new();
    while let Some(next) = free.pop_first() {
        left.remove(&next);
        order.push(next);
        for place in kept_back.remove(&next).unwrap_or_default() {
            if let Some(waits) = left.get_mut(&place) {
                *waits -= 1;
                if *waits == 0 {
                    free.insert(place);
                }
            }
        }
    }
    match left.is_empty() {
        true => Ok(order),
        false => Err(left.into_keys().collect()),
    }
}

#[cfg(test)]
mod tests;
