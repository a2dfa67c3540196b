//! ListTasks: filters and pages.

use serde::{Deserialize, Serialize};

use crate::ecs::checks::{check_enum, page};
use crate::ecs::region::Region;
use crate::error::ApiError;
use crate::tasks::{TaskDescription, TaskStatus};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTasks {
    cluster: Option<String>,
    container_instance: Option<String>,
    family: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    started_by: Option<String>,
    service_name: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTasksReply {
    task_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Lists the tasks of a cluster, by default those with `desiredStatus` `RUNNING`.
pub(crate) fn list(region: &Region, input: ListTasks) -> Result<ListTasksReply, ApiError> {
    check_enum(
        "desiredStatus",
        input.desired_status.as_deref(),
        &["RUNNING", "PENDING", "STOPPED"],
    )?;
    check_enum(
        "launchType",
        input.launch_type.as_deref(),
        &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
    )?;
    let cluster = region.cluster(input.cluster.as_deref())?;
    check_filters(&input)?;
    let arns = region
        .tasks
        .values()
        .map(|task| task.lock())
        .filter(|task| task.description.cluster_arn == cluster.arn)
        .filter(|task| input.matches(&task.description))
        .map(|task| task.description.task_arn.clone())
        .collect();
    let (task_arns, next_token) = page(arns, input.max_results, input.next_token.as_deref())?;
    Ok(ListTasksReply {
        task_arns,
        next_token,
    })
}

/// Checks the filters that exclude each other, and refuses those whose resources the stand-in does not have.
fn check_filters(input: &ListTasks) -> Result<(), ApiError> {
    if input.started_by.is_some() {
        let others = [
            ("desiredStatus", input.desired_status.is_some()),
            ("family", input.family.is_some()),
            ("serviceName", input.service_name.is_some()),
            ("launchType", input.launch_type.is_some()),
            ("containerInstance", input.container_instance.is_some()),
        ];
        if let Some((name, _)) = others.iter().find(|(_, given)| *given) {
            return Err(ApiError::invalid_parameter(format!(
                "Cannot specify both startedBy and {name}."
            )));
        }
    }
    if input.container_instance.is_some() {
        return Err(ApiError::invalid_parameter(
            "The referenced container instance was not found.",
        ));
    }
    if input.service_name.is_some() {
        return Err(ApiError::new(
            400,
            "ServiceNotFoundException",
            "Service not found.",
        ));
    }
    Ok(())
}

impl ListTasks {
    /// Whether a task of the cluster passes the filters.
    fn matches(&self, task: &TaskDescription) -> bool {
        let desired = match self.desired_status.as_deref() {
            Some("STOPPED") => Some(TaskStatus::Stopped),
            // No task ever has `desiredStatus` `PENDING`.
            Some("PENDING") => None,
            _ => Some(TaskStatus::Running),
        };
        // Every task here runs on Fargate, also without a launch type of its own.
        let launch_type = self.launch_type.as_deref();
        let family = self.family.as_deref();
        Some(task.desired_status) == desired
            && launch_type.is_none_or(|name| name == "FARGATE")
            && (self.started_by.is_none() || task.started_by == self.started_by)
            && family.is_none_or(|family| has_family(&task.task_definition_arn, family))
    }
}

/// Whether the ARN of a task definition names a revision of this family.
fn has_family(arn: &str, family: &str) -> bool {
    arn.rsplit_once('/')
        .and_then(|(_, name)| name.split_once(':'))
        .is_some_and(|(name, _)| name == family)
}
