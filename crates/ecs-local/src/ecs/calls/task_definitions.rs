//! Registering, describing, listing and deregistering task definitions.

use serde::{Deserialize, Serialize};

use crate::account::CALLER_ARN;
use crate::ecs::checks::{check_enum, page};
use crate::ecs::definition::{DefinitionContent, DefinitionStatus, TaskDefinition, is_ecr};
use crate::ecs::region::Region;
use crate::ecs::rules::{definition_rules, fargate_sizes};
use crate::error::ApiError;
use crate::ids;
use crate::shapes::KeyValue;
use crate::tags::{self, Tag, TagInput};
use crate::timestamp::Timestamp;

#[derive(Debug, Deserialize)]
pub(crate) struct RegisterTaskDefinition {
    family: Option<String>,
    #[serde(flatten)]
    content: DefinitionContent,
    tags: Option<Vec<TagInput>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeTaskDefinition {
    task_definition: Option<String>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeregisterTaskDefinition {
    task_definition: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTaskDefinitions {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionReply {
    task_definition: TaskDefinition,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArnsReply {
    task_definition_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Checks a definition, sets defaults, and makes it the family's next revision.
pub(crate) fn register(
    region: &mut Region,
    input: RegisterTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let family = input.family.unwrap_or_default();
    let mut content = input.content;
    definition_rules::check(&family, &content)?;
    let tags = tags::check(input.tags)?;
    set_defaults(&mut content);
    let revisions = region.families.entry(family.clone()).or_default();
    // A deregistered revision keeps its place, so no number is used twice.
    let revision = revisions.len() as i64 + 1;
    let definition = TaskDefinition {
        task_definition_arn: ids::arn(
            &region.name,
            &format!("task-definition/{family}:{revision}"),
        ),
        family,
        revision,
        status: DefinitionStatus::Active,
        requires_attributes: requires_attributes(&content),
        compatibilities: compatibilities(&content),
        content,
        registered_at: Timestamp::now(),
        deregistered_at: None,
        registered_by: CALLER_ARN,
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
pub(crate) fn describe(
    region: &Region,
    input: DescribeTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let name = require(input.task_definition)?;
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

/// Makes a revision inactive. Running tasks go on.
pub(crate) fn deregister(
    region: &mut Region,
    input: DeregisterTaskDefinition,
) -> Result<TaskDefinitionReply, ApiError> {
    let name = require(input.task_definition)?;
    if !name.rsplit('/').next().unwrap_or_default().contains(':') {
        return Err(ApiError::client(
            "Invalid revision number. Number must be positive.",
        ));
    }
    let definition = region
        .task_definition_mut(&name)
        .ok_or_else(|| ApiError::client("The specified task definition does not exist. Specify a valid account, family, revision and try again."))?;
    if definition.is_active() {
        definition.status = DefinitionStatus::Inactive;
        definition.deregistered_at = Some(Timestamp::now());
    }
    Ok(TaskDefinitionReply {
        task_definition: definition.clone(),
        tags: None,
    })
}

/// Lists revisions, of one family or all.
pub(crate) fn list(region: &Region, input: ListTaskDefinitions) -> Result<ArnsReply, ApiError> {
    let status = input.status.as_deref().unwrap_or("ACTIVE");
    check_enum(
        "status",
        Some(status),
        &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"],
    )?;
    check_enum("sort", input.sort.as_deref(), &["ASC", "DESC"])?;
    // Despite its name the member is a whole family.
    let selected = |family: &str| {
        input
            .family_prefix
            .as_deref()
            .is_none_or(|name| name == family)
    };
    let mut arns: Vec<String> = region
        .families
        .iter()
        .filter(|(family, _)| selected(family))
        .flat_map(|(_, revisions)| revisions)
        .filter(|definition| match status {
            "ACTIVE" => definition.status == DefinitionStatus::Active,
            "INACTIVE" => definition.status == DefinitionStatus::Inactive,
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

fn require(name: Option<String>) -> Result<String, ApiError> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::client("Task definition must not be null or empty."))
}

/// Sets the defaults that AWS sets.
fn set_defaults(content: &mut DefinitionContent) {
    let canonical = |text: &mut Option<String>, read: fn(&str) -> Option<u32>| {
        if let Some(number) = text.as_deref().and_then(read) {
            *text = Some(number.to_string());
        }
    };
    canonical(&mut content.cpu, fargate_sizes::cpu_units);
    canonical(&mut content.memory, fargate_sizes::memory_mib);
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

fn compatibilities(content: &DefinitionContent) -> Vec<&'static str> {
    // A definition that meets the rules of Fargate also runs on EC2.
    if content.requires_fargate() {
        vec!["EC2", "FARGATE"]
    } else {
        vec!["EC2"]
    }
}

fn requires_attributes(content: &DefinitionContent) -> Vec<KeyValue> {
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
