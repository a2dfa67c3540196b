//! ListTasks: filters and pages.

use serde::{Deserialize, Serialize};

use super::{check_enum, page};
use crate::account::Region;
use crate::error::ApiError;
use crate::task::TaskStatus;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTasks {
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
pub(super) struct ListTasksReply {
    task_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Lists the tasks of a cluster, by default those that are to run.
pub(super) fn list(region: &Region, input: ListTasks) -> Result<ListTasksReply, ApiError> {
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
    if input.started_by.is_some() {
        let other = [
            ("desiredStatus", input.desired_status.is_some()),
            ("family", input.family.is_some()),
            ("serviceName", input.service_name.is_some()),
            ("launchType", input.launch_type.is_some()),
            ("containerInstance", input.container_instance.is_some()),
        ];
        if let Some((name, _)) = other.iter().find(|(_, given)| *given) {
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
    let wanted = match input.desired_status.as_deref() {
        Some("STOPPED") => Some(TaskStatus::Stopped),
        // ECS never wants a task to be pending.
        Some("PENDING") => None,
        _ => Some(TaskStatus::Running),
    };
    let of_family = |arn: &str, family: &str| {
        arn.rsplit_once('/')
            .and_then(|(_, name)| name.split_once(':'))
            .is_some_and(|(name, _)| name == family)
    };
    // All tasks here are Fargate's, whatever launched them.
    let on_fargate = input
        .launch_type
        .as_deref()
        .is_none_or(|kind| kind == "FARGATE");
    let arns = region
        .tasks
        .values()
        .map(|task| &task.record)
        .filter(|task| task.cluster_arn == cluster.arn && Some(task.desired_status) == wanted)
        .filter(|_| on_fargate)
        .filter(|task| input.started_by.is_none() || task.started_by == input.started_by)
        .filter(|task| {
            input
                .family
                .as_deref()
                .is_none_or(|family| of_family(&task.task_definition_arn, family))
        })
        .map(|task| task.task_arn.clone())
        .collect();
    let (task_arns, next_token) = page(arns, input.max_results, input.next_token.as_deref())?;
    Ok(ListTasksReply {
        task_arns,
        next_token,
    })
}
