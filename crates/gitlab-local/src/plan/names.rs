//! Jobs by their names: a file may have thousands of jobs that need thousands of others.

use std::collections::HashMap;

use crate::file::{JobDefinition, Need};

/// The places of jobs by their own names and by those of their groups: the name of a job with `parallel` stands for all
/// of its instances.
#[derive(Debug)]
pub(super) struct Names<'a> {
    jobs: Vec<&'a JobDefinition>,
    places: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(jobs: impl IntoIterator<Item = &'a JobDefinition>) -> Self {
        let jobs: Vec<_> = jobs.into_iter().collect();
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, &job) in jobs.iter().enumerate() {
            places.entry(&job.name).or_default().push(place);
            if job.group != job.name {
                places.entry(&job.group).or_default().push(place);
            }
        }
        Self { jobs, places }
    }

    /// The places of the jobs that have `name`.
    pub(super) fn places(&self, name: &str) -> &[usize] {
        self.places.get(name).map_or(&[], Vec::as_slice)
    }

    /// The jobs that have `name`.
    pub(super) fn jobs(&self, name: &str) -> impl Iterator<Item = &'a JobDefinition> {
        let places = self.places(name).iter();
        places.filter_map(|place| self.jobs.get(*place).copied())
    }

    /// The jobs that `need` names, with their places.
    pub(super) fn needed(&self, need: &Need) -> impl Iterator<Item = (usize, &'a JobDefinition)> {
        let places = self.places(&need.job).iter();
        let jobs = places.filter_map(|place| Some((*place, *self.jobs.get(*place)?)));
        jobs.filter(|(_, job)| is_named(job, need))
    }
}

/// Whether `need` names `job`, by its own name or as one of the instances of its group.
pub(super) fn is_named(job: &JobDefinition, need: &Need) -> bool {
    // A job without `parallel` has no instances to choose from (`Normalizer#expand_parallelized_needs`).
    let is_instance =
        || need.instances.is_empty() || job.node.is_none() || need.instances.contains(&job.name);
    job.name == need.job || (job.group == need.job && is_instance())
}

/// Whether `job` itself or its group has `name`.
pub(super) fn has_name(job: &JobDefinition, name: &str) -> bool {
    job.name == name || job.group == name
}
