//! Overrides: the settings of a task definition that RunTask may change for one task.

use super::fargate_rules::{check_size, check_storage};
use crate::ecs::definition::DefinitionContent;
use crate::error::ApiError;
use crate::shapes::{ContainerOverride, Overrides};

/// Most characters of the serialised overrides.
const MAX_CHARACTERS: usize = 8192;

/// The settings of a task: those of its definition, with the overrides of its request.
#[derive(Debug)]
pub(crate) struct EffectiveSettings {
    pub(crate) overrides: Overrides,
    pub(crate) cpu: String,
    pub(crate) memory: String,
    pub(crate) storage_gib: i64,
    pub(crate) task_role: Option<String>,
}

/// Checks the overrides against the definition and fills in what replies show of them.
pub(super) fn apply(
    given: Option<Overrides>,
    length: usize,
    definition: &DefinitionContent,
) -> Result<EffectiveSettings, ApiError> {
    if length > MAX_CHARACTERS {
        return Err(ApiError::invalid_parameter(format!(
            "Container Overrides length must be at most {MAX_CHARACTERS}"
        )));
    }
    let mut overrides = given.unwrap_or_default();
    for change in &overrides.container_overrides {
        check_container(change, &overrides.container_overrides, definition)?;
    }
    // Replies list every container in the definition's order, also those without an override.
    let given = std::mem::take(&mut overrides.container_overrides);
    overrides.container_overrides = definition
        .container_definitions
        .iter()
        .map(|container| {
            let change = given
                .iter()
                .find(|change| change.name == container.name)
                .cloned();
            change.unwrap_or_else(|| ContainerOverride {
                name: container.name.clone(),
                ..Default::default()
            })
        })
        .collect();
    let cpu = overrides
        .cpu
        .clone()
        .or_else(|| definition.cpu.clone())
        .unwrap_or_default();
    let memory = overrides
        .memory
        .clone()
        .or_else(|| definition.memory.clone())
        .unwrap_or_default();
    let (cpu, memory) = check_size(&cpu, &memory).map_err(ApiError::invalid_parameter)?;
    let requested = overrides
        .ephemeral_storage
        .as_ref()
        .and_then(|storage| storage.size_in_gib);
    check_storage(requested).map_err(ApiError::invalid_parameter)?;
    let defined = definition
        .ephemeral_storage
        .as_ref()
        .and_then(|storage| storage.size_in_gib);
    Ok(EffectiveSettings {
        cpu: cpu.to_string(),
        memory: memory.to_string(),
        // The default of Fargate.
        storage_gib: requested.or(defined).unwrap_or(20),
        task_role: overrides
            .task_role_arn
            .clone()
            .or_else(|| definition.task_role_arn.clone()),
        overrides,
    })
}

fn check_container(
    change: &ContainerOverride,
    all: &[ContainerOverride],
    definition: &DefinitionContent,
) -> Result<(), ApiError> {
    let Some(name) = change.name.as_deref().filter(|name| !name.is_empty()) else {
        return Err(ApiError::invalid_parameter(
            "Container override must have a name.",
        ));
    };
    if !definition
        .container_definitions
        .iter()
        .any(|container| container.name.as_deref() == Some(name))
    {
        return Err(ApiError::invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    }
    if all
        .iter()
        .filter(|other| other.name.as_deref() == Some(name))
        .count()
        > 1
    {
        return Err(ApiError::invalid_parameter(format!(
            "There is more than one override for the container {name}."
        )));
    }
    if change
        .environment
        .iter()
        .flatten()
        .any(|variable| variable.name.as_deref().is_none_or(str::is_empty))
    {
        return Err(ApiError::invalid_parameter(format!(
            "An environment variable of the override for {name} has no name."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::ContainerDefinition;

    fn definition() -> DefinitionContent {
        let container = |name: &str| ContainerDefinition {
            name: Some(name.into()),
            ..Default::default()
        };
        DefinitionContent {
            container_definitions: vec![container("build"), container("db")],
            cpu: Some("256".into()),
            memory: Some("512".into()),
            ..Default::default()
        }
    }

    fn overrides(json: &str) -> Option<Overrides> {
        Some(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_container_without_an_override_is_shown_with_its_name() {
        let effective = apply(
            overrides(r#"{"containerOverrides": [{"name": "db", "command": ["x"]}]}"#),
            0,
            &definition(),
        )
        .unwrap();
        assert_eq!(
            serde_json::to_value(&effective.overrides).unwrap(),
            serde_json::json!({"containerOverrides": [{"name": "build"}, {"name": "db", "command": ["x"]}],
                "inferenceAcceleratorOverrides": []})
        );
        assert_eq!((effective.cpu.as_str(), effective.storage_gib), ("256", 20));
    }

    #[test]
    fn invalid_overrides_are_refused() {
        let message = |json, length| {
            apply(overrides(json), length, &definition())
                .unwrap_err()
                .message
        };
        assert_eq!(
            message("{}", 8193),
            "Container Overrides length must be at most 8192"
        );
        assert_eq!(
            message(r#"{"containerOverrides": [{"name": "web"}]}"#, 0),
            "Override for container named web is not a container in the TaskDefinition."
        );
        assert_eq!(
            message(r#"{"memory": "4096"}"#, 0),
            "No Fargate configuration exists for given values."
        );
        assert!(
            message(r#"{"ephemeralStorage": {"sizeInGiB": 20}}"#, 0).contains("between 21 and 200")
        );
    }
}
