//! Registering, describing, listing and deregistering task definitions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shapes::{ContainerDefinition, EphemeralStorage, KeyValue, RuntimePlatform, Volume};
use super::{check_enum, definition_rules, page};
use crate::account::Region;
use crate::error::ApiError;
use crate::ids;
use crate::tags::{self, Tag, TagInput};
use crate::task::Timestamp;

/// A revision of a family.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinition {
    pub(crate) task_definition_arn: String,
    pub(crate) family: String,
    pub(crate) revision: i64,
    status: Status,
    #[serde(flatten)]
    pub(crate) content: Content,
    requires_attributes: Vec<KeyValue>,
    pub(crate) compatibilities: Vec<&'static str>,
    registered_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deregistered_at: Option<Timestamp>,
    registered_by: &'static str,
    #[serde(skip)]
    pub(crate) tags: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Active,
    Inactive,
}

impl TaskDefinition {
    /// Whether new tasks can be run from it.
    pub(crate) fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

/// What a request and a reply have in common.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Content {
    pub(crate) container_definitions: Vec<ContainerDefinition>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) placement_constraints: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requires_compatibilities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ipc_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy_configuration: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inference_accelerators: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ephemeral_storage: Option<EphemeralStorage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_platform: Option<RuntimePlatform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enable_fault_injection: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RegisterTaskDefinition {
    family: Option<String>,
    #[serde(flatten)]
    content: Content,
    tags: Option<Vec<TagInput>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeTaskDefinition {
    task_definition: Option<String>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeregisterTaskDefinition {
    task_definition: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTaskDefinitions {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskDefinitionReply {
    task_definition: TaskDefinition,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArnsReply {
    task_definition_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Checks and normalises a definition and makes it the family's next revision.
pub(super) fn register(
    region: &mut Region,
    input: RegisterTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let family = input.family.unwrap_or_default();
    let mut content = input.content;
    definition_rules::check(&family, &content)?;
    let tags = tags::check(input.tags)?;
    normalise(&mut content);
    let revisions = region.families.entry(family.clone()).or_default();
    // Numbers are never used again: a deregistered revision keeps its place.
    let revision = revisions.len() as i64 + 1;
    let definition = TaskDefinition {
        task_definition_arn: ids::arn(
            &region.name,
            &format!("task-definition/{family}:{revision}"),
        ),
        family,
        revision,
        status: Status::Active,
        requires_attributes: requires_attributes(&content),
        compatibilities: compatibilities(&content),
        content,
        registered_at: Timestamp::now(),
        deregistered_at: None,
        registered_by: crate::sts::CALLER_ARN,
        tags,
    };
    revisions.push(definition.clone());
    let tags = Some(definition.tags.clone()).filter(|tags| !tags.is_empty());
    Ok(TaskDefinitionReply {
        task_definition: definition,
        tags,
    })
}

/// Describes a revision, or the latest active one of a family.
pub(super) fn describe(
    region: &Region,
    input: DescribeTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let name = given(input.task_definition)?;
    let include = input.include.unwrap_or_default();
    for value in &include {
        check_enum("include", Some(value), &["TAGS"])?;
    }
    let definition = region
        .task_definition(&name)
        .ok_or_else(|| ApiError::client("Unable to describe task definition."))?
        .clone();
    let tags = (!include.is_empty()).then(|| definition.tags.clone());
    Ok(TaskDefinitionReply {
        task_definition: definition,
        tags,
    })
}

/// Makes a revision inactive; tasks that run are not concerned.
pub(super) fn deregister(
    region: &mut Region,
    input: DeregisterTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let name = given(input.task_definition)?;
    if !name.rsplit('/').next().unwrap_or_default().contains(':') {
        return Err(ApiError::client(
            "Invalid revision number. Number must be positive.",
        ));
    }
    let definition = region
        .task_definition_mut(&name)
        .ok_or_else(|| ApiError::client("The specified task definition does not exist. Specify a valid account, family, revision and try again."))?;
    if definition.is_active() {
        definition.status = Status::Inactive;
        definition.deregistered_at = Some(Timestamp::now());
    }
    Ok(TaskDefinitionReply {
        task_definition: definition.clone(),
        tags: None,
    })
}

/// Lists revisions, of one family or all.
pub(super) fn list(region: &Region, input: ListTaskDefinitions) -> Result<ArnsReply, ApiError> {
    let status = input.status.as_deref().unwrap_or("ACTIVE");
    check_enum(
        "status",
        Some(status),
        &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"],
    )?;
    check_enum("sort", input.sort.as_deref(), &["ASC", "DESC"])?;
    // Despite its name the member is a whole family.
    let wanted = |family: &str| {
        input
            .family_prefix
            .as_deref()
            .is_none_or(|name| name == family)
    };
    let mut arns: Vec<String> = region
        .families
        .iter()
        .filter(|(family, _)| wanted(family))
        .flat_map(|(_, revisions)| revisions)
        .filter(|definition| match status {
            "ACTIVE" => definition.status == Status::Active,
            "INACTIVE" => definition.status == Status::Inactive,
            _ => false,
        })
        .map(|definition| definition.task_definition_arn.clone())
        .collect();
    if input.sort.as_deref() == Some("DESC") {
        arns.reverse();
    }
    let (task_definition_arns, next_token) =
        page(arns, input.max_results, input.next_token.as_deref())?;
    Ok(ArnsReply {
        task_definition_arns,
        next_token,
    })
}

fn given(name: Option<String>) -> Result<String, ApiError> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::client("Task definition must not be null or empty."))
}

/// Fills in what AWS fills in.
fn normalise(content: &mut Content) {
    let canonical = |text: &mut Option<String>, read: fn(&str) -> Option<u32>| {
        if let Some(number) = text.as_deref().and_then(read) {
            *text = Some(number.to_string());
        }
    };
    canonical(&mut content.cpu, crate::fargate::cpu_units);
    canonical(&mut content.memory, crate::fargate::memory_mib);
    for container in &mut content.container_definitions {
        container.cpu.get_or_insert(0);
        container.essential.get_or_insert(true);
        container.environment.get_or_insert_default();
        container.mount_points.get_or_insert_default();
        container.volumes_from.get_or_insert_default();
        container.system_controls.get_or_insert_default();
        for port in container.port_mappings.get_or_insert_default() {
            port.protocol.get_or_insert_with(|| "tcp".into());
            if content.network_mode.as_deref() == Some("awsvpc") {
                port.host_port = port.container_port;
            }
        }
    }
    for volume in &mut content.volumes {
        let elsewhere =
            volume.efs_volume_configuration.is_some() || volume.configured_at_launch == Some(true);
        if !elsewhere {
            volume.host.get_or_insert_default();
        }
    }
}

fn compatibilities(content: &Content) -> Vec<&'static str> {
    // What meets Fargate's rules also runs on EC2.
    if wants_fargate(content) {
        vec!["EC2", "FARGATE"]
    } else {
        vec!["EC2"]
    }
}

/// Whether the definition asks to be checked for Fargate.
pub(super) fn wants_fargate(content: &Content) -> bool {
    content
        .requires_compatibilities
        .iter()
        .flatten()
        .any(|value| value == "FARGATE")
}

fn requires_attributes(content: &Content) -> Vec<KeyValue> {
    let mut names = Vec::new();
    if content
        .container_definitions
        .iter()
        .any(|container| is_ecr(container.image.as_deref().unwrap_or_default()))
    {
        names.push("com.amazonaws.ecs.capability.ecr-auth");
    }
    if content.task_role_arn.is_some() {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if content.network_mode.as_deref() == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    names
        .into_iter()
        .map(|name| KeyValue {
            name: Some(name.into()),
            value: None,
        })
        .collect()
}

/// Whether an image comes from a private repository of ECR.
pub(super) fn is_ecr(image: &str) -> bool {
    image
        .split('/')
        .next()
        .is_some_and(|host| host.contains(".dkr.ecr.") && host.contains(".amazonaws.com"))
}
