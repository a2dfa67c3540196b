//! What an account has in one region, and how requests name it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::ecs::clusters::Cluster;
use crate::ecs::idempotency::Tokens;
use crate::ecs::task_definitions::TaskDefinition;
use crate::error::ApiError;
use crate::ids;
use crate::logs::Groups;
use crate::network::Network;
use crate::options::Seed;
use crate::task::Task;
use crate::throttle::Throttle;

/// How long a stopped task is still shown: AWS promises at least an hour.
const STOPPED_TASKS_STAY: Duration = Duration::from_secs(3600);

/// One region of the account.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    /// Revisions of each family, the first revision first.
    pub(crate) families: BTreeMap<String, Vec<TaskDefinition>>,
    /// By task ID.
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) tokens: HashMap<String, Tokens>,
    pub(crate) network: Network,
    pub(crate) throttle: Throttle,
    pub(crate) logs: Groups,
}

impl Region {
    pub(crate) fn new(name: &str, seed: &Seed) -> Self {
        Self {
            name: name.to_owned(),
            clusters: BTreeMap::new(),
            families: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tokens: HashMap::new(),
            network: Network::new(name, seed),
            throttle: Throttle::default(),
            logs: Groups::new(),
        }
    }

    /// The short name of the cluster a request means: a name, an ARN, or none for `default`.
    pub(crate) fn cluster_name<'a>(&self, given: Option<&'a str>) -> Result<&'a str, ApiError> {
        match given {
            None | Some("") => Ok("default"),
            Some(arn) if arn.starts_with("arn:") => ids::resource(&self.name, arn)
                .and_then(|resource| resource.strip_prefix("cluster/"))
                .filter(|name| !name.is_empty())
                .ok_or_else(|| ApiError::invalid_parameter(format!("Invalid cluster ARN: {arn}"))),
            Some(name) => Ok(name),
        }
    }

    /// The cluster a request means.
    pub(crate) fn cluster(&self, given: Option<&str>) -> Result<&Cluster, ApiError> {
        self.clusters
            .get(self.cluster_name(given)?)
            .ok_or_else(ApiError::cluster_not_found)
    }

    /// As [`Region::cluster`], to change it.
    pub(crate) fn cluster_mut(&mut self, given: Option<&str>) -> Result<&mut Cluster, ApiError> {
        let name = self.cluster_name(given)?.to_owned();
        self.clusters
            .get_mut(&name)
            .ok_or_else(ApiError::cluster_not_found)
    }

    /// The task definition a request means: `family` (its latest active revision), `family:revision`, or an ARN.
    pub(crate) fn task_definition(&self, given: &str) -> Option<&TaskDefinition> {
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
    pub(crate) fn task_definition_mut(&mut self, given: &str) -> Option<&mut TaskDefinition> {
        let found = self.task_definition(given)?;
        let (family, revision) = (found.family.clone(), found.revision);
        self.families
            .get_mut(&family)?
            .get_mut(usize::try_from(revision).ok()?.checked_sub(1)?)
    }

    /// The ID a request means by a task's ID or ARN, checked as ECS does.
    pub(crate) fn task_id<'a>(&self, cluster: &str, given: &'a str) -> Result<&'a str, ApiError> {
        let id = if given.starts_with("arn:") {
            let resource = ids::resource(&self.name, given)
                .and_then(|resource| resource.strip_prefix("task/"))
                .ok_or_else(|| {
                    ApiError::invalid_parameter(format!(
                        "Invalid identifier: {given} is not the ARN of a task."
                    ))
                })?;
            match resource.split_once('/') {
                Some((of, id)) if of == cluster => id,
                Some((of, _)) => {
                    return Err(ApiError::invalid_parameter(format!(
                        "Invalid identifier: Identifier is for cluster {of}. Your cluster is {cluster}"
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
    pub(crate) fn expire(&mut self, now: Instant) {
        self.tasks.retain(|_, task| {
            task.stopped.is_none_or(|stopped| {
                let stay = task.faults.expiry.unwrap_or(STOPPED_TASKS_STAY);
                now.saturating_duration_since(stopped) < stay
            })
        });
    }
}
