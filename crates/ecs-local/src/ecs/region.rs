//! The resources of ECS in one region, and the names by which requests find them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::definition::TaskDefinition;
use super::idempotency::ClientTokens;
use crate::error::ApiError;
use crate::guarded::Guarded;
use crate::ids;
use crate::tasks::LocalTask;

/// The time for which a stopped task is shown. AWS promises at least an hour.
const STOPPED_TASKS_STAY: Duration = Duration::from_secs(3600);

/// The resources of ECS in one region.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// Revisions of each family, the first revision first.
    pub(super) families: BTreeMap<String, Vec<TaskDefinition>>,
    /// By task ID.
    pub(super) tasks: BTreeMap<String, Guarded<LocalTask>>,
    /// The client tokens of each cluster.
    pub(super) tokens: HashMap<String, ClientTokens>,
}

impl Region {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            clusters: BTreeMap::new(),
            families: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tokens: HashMap::new(),
        }
    }

    /// The short name of a cluster, from its name or ARN. Without either it is `default`.
    pub(super) fn cluster_name<'a>(&self, given: Option<&'a str>) -> Result<&'a str, ApiError> {
        match given {
            None | Some("") => Ok("default"),
            Some(arn) if arn.starts_with("arn:") => ids::resource(&self.name, arn)
                .and_then(|resource| resource.strip_prefix("cluster/"))
                .filter(|name| !name.is_empty())
                .ok_or_else(|| ApiError::invalid_parameter(format!("Invalid cluster ARN: {arn}"))),
            Some(name) => Ok(name),
        }
    }

    /// The cluster of a request.
    pub(super) fn cluster(&self, given: Option<&str>) -> Result<&Cluster, ApiError> {
        self.clusters
            .get(self.cluster_name(given)?)
            .ok_or_else(ApiError::cluster_not_found)
    }

    /// As [`Region::cluster`], to change it.
    pub(super) fn cluster_mut(&mut self, given: Option<&str>) -> Result<&mut Cluster, ApiError> {
        let name = self.cluster_name(given)?.to_owned();
        self.clusters
            .get_mut(&name)
            .ok_or_else(ApiError::cluster_not_found)
    }

    /// The task definition of a request: `family` (the latest active revision), `family:revision`, or an ARN.
    pub(super) fn task_definition(&self, given: &str) -> Option<&TaskDefinition> {
        let name = match given.strip_prefix("arn:") {
            Some(_) => ids::resource(&self.name, given)?.strip_prefix("task-definition/")?,
            None => given,
        };
        let Some((family, revision)) = name.split_once(':') else {
            return self
                .families
                .get(name)?
                .iter()
                .rev()
                .find(|definition| definition.is_active());
        };
        let revision: usize = revision.parse().ok()?;
        self.families.get(family)?.get(revision.checked_sub(1)?)
    }

    /// As [`Region::task_definition`], to change it.
    pub(super) fn task_definition_mut(&mut self, given: &str) -> Option<&mut TaskDefinition> {
        let found = self.task_definition(given)?;
        let (family, revision) = (found.family.clone(), found.revision);
        self.families
            .get_mut(&family)?
            .get_mut(usize::try_from(revision).ok()?.checked_sub(1)?)
    }

    /// The ID of a task, from its ID or ARN, with ECS's checks.
    pub(super) fn task_id<'a>(&self, cluster: &str, given: &'a str) -> Result<&'a str, ApiError> {
        let id = if given.starts_with("arn:") {
            let resource = ids::resource(&self.name, given)
                .and_then(|resource| resource.strip_prefix("task/"))
                .ok_or_else(|| {
                    ApiError::invalid_parameter(format!(
                        "Invalid identifier: {given} is not the ARN of a task."
                    ))
                })?;
            match resource.split_once('/') {
                Some((its_cluster, id)) if its_cluster == cluster => id,
                Some((its_cluster, _)) => {
                    return Err(ApiError::invalid_parameter(format!(
                        "Invalid identifier: Identifier is for cluster {its_cluster}. Your cluster is {cluster}"
                    )));
                }
                None => resource,
            }
        } else {
            given
        };
        if !matches!(id.len(), 32 | 36) {
            return Err(ApiError::invalid_parameter(
                "taskId length should be one of [32,36]",
            ));
        }
        Ok(id)
    }

    /// Forgets tasks that have been stopped for long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        self.tasks.retain(|_, task| {
            let task = task.lock();
            task.stopped.is_none_or(|stopped| {
                let stay = task.faults.expiry.unwrap_or(STOPPED_TASKS_STAY);
                now.saturating_duration_since(stopped) < stay
            })
        });
    }
}
