//! A task definition: a revision of a family.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::{ContainerDefinition, EphemeralStorage, KeyValue, RuntimePlatform, Volume};
use crate::tags::Tag;
use crate::timestamp::Timestamp;

/// A revision of a family.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskDefinition {
    pub(super) task_definition_arn: String,
    pub(super) family: String,
    pub(super) revision: i64,
    pub(super) status: DefinitionStatus,
    #[serde(flatten)]
    pub(super) content: DefinitionContent,
    pub(super) requires_attributes: Vec<KeyValue>,
    pub(super) compatibilities: Vec<&'static str>,
    pub(super) registered_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deregistered_at: Option<Timestamp>,
    pub(super) registered_by: &'static str,
    #[serde(skip)]
    pub(super) tags: Vec<Tag>,
}

/// The status of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum DefinitionStatus {
    Active,
    Inactive,
}

impl TaskDefinition {
    /// Whether RunTask accepts it.
    pub(super) fn is_active(&self) -> bool {
        self.status == DefinitionStatus::Active
    }
}

/// The members that requests and replies share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DefinitionContent {
    pub(super) container_definitions: Vec<ContainerDefinition>,
    pub(super) volumes: Vec<Volume>,
    pub(super) placement_constraints: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requires_compatibilities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pid_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ipc_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proxy_configuration: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inference_accelerators: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ephemeral_storage: Option<EphemeralStorage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runtime_platform: Option<RuntimePlatform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enable_fault_injection: Option<bool>,
}

impl DefinitionContent {
    /// Whether the definition has to meet the rules of Fargate.
    pub(super) fn requires_fargate(&self) -> bool {
        self.requires_compatibilities
            .iter()
            .flatten()
            .any(|value| value == "FARGATE")
    }
}

/// Whether an image comes from a private repository of ECR.
pub(super) fn is_ecr(image: &str) -> bool {
    image
        .split('/')
        .next()
        .is_some_and(|host| host.contains(".dkr.ecr.") && host.contains(".amazonaws.com"))
}
