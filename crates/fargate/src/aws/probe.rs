//! Calls that cannot do anything: they show whether the manager may make them (`fargate doctor --probe`).
//!
//! Each names what cannot exist, or is EC2's own dry run. AWS looks at permissions first, so a complaint about the name
//! shows a permission. That order is AWS's habit, and no promise.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Aws;
use super::error::AwsError;
use super::logs::GET_LOG_EVENTS;
use super::signed;

/// A family of task definitions that cannot exist: the driver's families end in a hash.
const NO_FAMILY: &str = "fargate-0";

/// A log stream of a service that cannot exist: AWS's ids of tasks are hexadecimal.
const NO_STREAM: &str = "job/service-0/none";

/// The codes of complaints about a call's content (ECS and CloudWatch Logs: errors; EC2: dry run).
const OF_CONTENT: [&str; 4] = [
    "ClientException",
    "DryRunOperation",
    "InvalidParameterException",
    "ResourceNotFoundException",
];

/// A call that cannot do anything.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// As IAM names it.
    pub(crate) action: &'static str,
    service: &'static signed::Service,
    parameters: Value,
}

impl Probe {
    /// Of a family's revision that cannot exist: AWS counts them from 1.
    pub(crate) fn run_task(cluster: &str, family: &str) -> Self {
        let revision = format!("{family}:{}", i32::MAX);
        let parameters = json!({ "cluster": cluster, "taskDefinition": revision });
        Self::of_ecs("ecs:RunTask", parameters)
    }

    /// Of a task that cannot exist: AWS's ids of tasks are random.
    pub(crate) fn describe_tasks(cluster: &str) -> Self {
        let parameters = json!({ "cluster": cluster, "tasks": [no_task()] });
        Self::of_ecs("ecs:DescribeTasks", parameters)
    }

    /// Of a task that cannot exist.
    pub(crate) fn stop_task(cluster: &str) -> Self {
        let parameters = json!({ "cluster": cluster, "task": no_task() });
        Self::of_ecs("ecs:StopTask", parameters)
    }

    /// Reads one ARN at most.
    pub(crate) fn list_tasks(cluster: &str) -> Self {
        let parameters = json!({ "cluster": cluster, "maxResults": 1 });
        Self::of_ecs("ecs:ListTasks", parameters)
    }

    /// Of a family that cannot exist.
    pub(crate) fn describe_task_definition() -> Self {
        let parameters = json!({ "taskDefinition": NO_FAMILY });
        Self::of_ecs("ecs:DescribeTaskDefinition", parameters)
    }

    /// Without a container.
    pub(crate) fn register_task_definition() -> Self {
        let parameters = json!({ "family": NO_FAMILY, "containerDefinitions": [] });
        Self::of_ecs("ecs:RegisterTaskDefinition", parameters)
    }

    /// A dry run.
    pub(crate) fn describe_network_interfaces() -> Self {
        Self {
            action: "ec2:DescribeNetworkInterfaces",
            service: &signed::EC2,
            parameters: json!({ "DryRun": true }),
        }
    }

    /// Of a stream that cannot exist.
    pub(crate) fn get_log_events(group: &str) -> Self {
        Self {
            action: GET_LOG_EVENTS,
            service: &signed::CLOUDWATCH_LOGS,
            parameters: json!({ "logGroupName": group, "logStreamName": NO_STREAM, "limit": 1 }),
        }
    }

    fn of_ecs(action: &'static str, parameters: Value) -> Self {
        Self {
            action,
            service: &signed::ECS,
            parameters,
        }
    }
}

fn no_task() -> String {
    format!("{:032}", 0)
}

/// A reply of which nothing is read.
#[derive(Debug, Deserialize)]
struct Anything {}

impl Aws {
    /// Makes the call. Success means that the manager may make it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal: [for want of a permission](AwsError::is_denied), or one that says nothing about it.
    pub(crate) async fn probe(&self, probe: Probe) -> Result<(), AwsError> {
        let client = signed::Client::new(&self.shared, probe.service);
        let answer = client.call(probe.action, probe.parameters).await;
        match answer {
            Ok(Anything {}) => Ok(()),
            Err(refusal) if is_of_content(&refusal) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }
}

/// Whether AWS complains about the call's content, and not about the caller. ECS has no code of its own for a role
/// that the caller may not pass.
fn is_of_content(refusal: &AwsError) -> bool {
    let code = refusal.code.as_deref().unwrap_or_default();
    !refusal.is_denied() && OF_CONTENT.contains(&code)
}
