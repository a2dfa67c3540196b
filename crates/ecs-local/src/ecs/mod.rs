//! The operations of ECS: from a JSON body to a JSON reply.
//!
//! As on AWS, unknown members are ignored, and members of a wrong type are a `SerializationException`. Each operation
//! checks the values in its own words.

mod calls;
mod checks;
mod cluster;
mod definition;
mod failure;
mod idempotency;
mod launcher;
mod region;
mod rules;

use std::collections::BTreeMap;
use std::time::Instant;

use calls::{clusters, list_tasks, run_task, tagging, task_definitions, tasks};
use region::Region;

use crate::error::ApiError;
use crate::guarded::Guarded;
use crate::json::{parse, reply};
use crate::tasks::LocalTask;

pub(crate) use launcher::Launcher;

/// The prefix of `X-Amz-Target`.
pub(crate) const TARGET: &str = "AmazonEC2ContainerServiceV20141113.";

/// ECS: the resources of all regions, and the launcher of tasks.
#[derive(Debug)]
pub(crate) struct Ecs {
    /// One lock for all resources, so that every call sees and leaves a consistent state.
    regions: Guarded<BTreeMap<String, Region>>,
    launcher: Launcher,
}

impl Ecs {
    pub(crate) fn new(launcher: Launcher) -> Self {
        Self {
            regions: Guarded::default(),
            launcher,
        }
    }

    /// Answers one call.
    pub(crate) fn call(
        &self,
        region: &str,
        operation: &str,
        body: &[u8],
    ) -> Result<String, ApiError> {
        let mut regions = self.regions.lock();
        let region = regions
            .entry(region.to_owned())
            .or_insert_with(|| Region::new(region));
        region.expire(Instant::now());
        match operation {
            "RunTask" => reply(&run_task::run(&self.launcher, region, parse(body)?)?),
            "CreateCluster" => reply(&clusters::create(region, parse(body)?)?),
            "ListClusters" => reply(&clusters::list(region, parse(body)?)?),
            "DescribeClusters" => reply(&clusters::describe(region, parse(body)?)?),
            "PutClusterCapacityProviders" => {
                reply(&clusters::put_capacity_providers(region, parse(body)?)?)
            }
            "RegisterTaskDefinition" => reply(&task_definitions::register(region, parse(body)?)?),
            "DescribeTaskDefinition" => reply(&task_definitions::describe(region, parse(body)?)?),
            "DeregisterTaskDefinition" => {
                reply(&task_definitions::deregister(region, parse(body)?)?)
            }
            "ListTaskDefinitions" => reply(&task_definitions::list(region, parse(body)?)?),
            "DescribeTasks" => reply(&tasks::describe(region, parse(body)?)?),
            "StopTask" => reply(&tasks::stop(region, parse(body)?)?),
            "ListTasks" => reply(&list_tasks::list(region, parse(body)?)?),
            "TagResource" => reply(&tagging::tag(region, parse(body)?)?),
            // AWS documents 404 for it.
            _ => Err(ApiError::new(
                404,
                "UnknownOperationException",
                "The requested operation is not recognized by the service.",
            )),
        }
    }

    /// All tasks, each with the name of its region.
    pub(crate) fn tasks(&self) -> Vec<(String, Guarded<LocalTask>)> {
        let regions = self.regions.lock();
        let tasks = regions.values().flat_map(|region| {
            let tasks = region.tasks.values();
            tasks.map(|task| (region.name.clone(), task.clone()))
        });
        tasks.collect()
    }

    /// The task of an ID, in any region.
    pub(crate) fn task(&self, id: &str) -> Option<Guarded<LocalTask>> {
        let regions = self.regions.lock();
        let mut regions = regions.values();
        regions.find_map(|region| region.tasks.get(id).cloned())
    }
}
