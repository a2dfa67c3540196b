//! The rules of ECS for task definitions of every launch type. Those of Fargate are in `fargate_rules`.
//!
//! Messages are AWS's where they are known.

use std::collections::BTreeSet;

use super::{fargate_rules, image_rules};
use crate::ecs::checks::{check_enum, is_name, refuse};
use crate::ecs::definition::DefinitionContent;
use crate::error::ApiError;
use crate::shapes::{ContainerDefinition, HealthCheck, KeyValue, Volume};

/// Most bytes of a definition.
const MAX_BYTES: usize = 64 * 1024;

/// Checks a definition, before defaults are set.
pub(crate) fn check(family: &str, content: &DefinitionContent) -> Result<(), ApiError> {
    if family.is_empty() {
        return refuse("Family should not be null or empty.");
    }
    if !is_name(family) {
        return refuse("Family contains invalid characters.");
    }
    check_enums(content)?;
    if !(1..=10).contains(&content.container_definitions.len()) {
        return refuse(match content.container_definitions.len() {
            0 => "Container list cannot be empty.".to_owned(),
            n => format!("A task definition can have at most 10 containers, this one has {n}."),
        });
    }
    let length = serde_json::to_string(content)
        .map_err(ApiError::internal)?
        .len();
    if length > MAX_BYTES {
        return refuse(format!(
            "Actual length: '{length}'. Max allowed length is '{MAX_BYTES}' bytes."
        ));
    }
    check_volumes(&content.volumes)?;
    let containers = &content.container_definitions;
    for container in containers {
        check_container(container, content)?;
    }
    if !containers
        .iter()
        .any(|container| container.essential.unwrap_or(true))
    {
        return refuse("At least one container in the task definition must be marked essential.");
    }
    check_dependencies(containers)?;
    if content.requires_fargate() {
        fargate_rules::check(content)
    } else {
        Ok(())
    }
}

fn check_enums(content: &DefinitionContent) -> Result<(), ApiError> {
    check_enum(
        "networkMode",
        content.network_mode.as_deref(),
        &["bridge", "host", "awsvpc", "none"],
    )?;
    check_enum("pidMode", content.pid_mode.as_deref(), &["host", "task"])?;
    check_enum(
        "ipcMode",
        content.ipc_mode.as_deref(),
        &["host", "task", "none"],
    )?;
    for value in content.requires_compatibilities.iter().flatten() {
        check_enum(
            "requiresCompatibilities",
            Some(value),
            &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
        )?;
    }
    if let Some(platform) = &content.runtime_platform {
        check_enum(
            "runtimePlatform.cpuArchitecture",
            platform.cpu_architecture.as_deref(),
            &["X86_64", "ARM64"],
        )?;
    }
    Ok(())
}

fn check_volumes(volumes: &[Volume]) -> Result<(), ApiError> {
    let mut names = BTreeSet::new();
    for volume in volumes {
        let name = volume.name.as_deref().unwrap_or_default();
        if !is_name(name) {
            return refuse(
                "Volume.name should not be null or empty, and may hold up to 255 letters, digits, '-' and '_'.",
            );
        }
        if !names.insert(name) {
            return refuse(format!("Duplicate volume name {name}."));
        }
    }
    Ok(())
}

fn check_container(
    container: &ContainerDefinition,
    content: &DefinitionContent,
) -> Result<(), ApiError> {
    let name = container.name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return refuse("Container.name should not be null or empty.");
    }
    if !is_name(name) {
        return refuse("Container.name contains invalid characters.");
    }
    let same = |other: &&ContainerDefinition| other.name.as_deref() == Some(name);
    if content.container_definitions.iter().filter(same).count() > 1 {
        return refuse(format!("Container name {name} is used more than once."));
    }
    let image = container.image.as_deref().unwrap_or_default();
    if image.is_empty() {
        return refuse("Container.image should not be null or empty.");
    }
    image_rules::check(image)?;
    check_environment(name, container.environment.as_deref().unwrap_or_default())?;
    check_mounts(name, container, content)?;
    check_ports(container)?;
    for ulimit in container.ulimits.iter().flatten() {
        check_enum("ulimits.name", ulimit.name.as_deref(), &ULIMITS)?;
    }
    for (member, value) in [
        ("startTimeout", container.start_timeout),
        ("stopTimeout", container.stop_timeout),
    ] {
        if value.is_some_and(|seconds| !(2..=120).contains(&seconds)) {
            return refuse(format!(
                "{member} of container {name} must be between 2 and 120 seconds."
            ));
        }
    }
    check_enum(
        "versionConsistency",
        container.version_consistency.as_deref(),
        &["enabled", "disabled"],
    )?;
    container
        .health_check
        .as_ref()
        .map_or(Ok(()), |check| check_health_check(name, check))
}

fn check_mounts(
    name: &str,
    container: &ContainerDefinition,
    content: &DefinitionContent,
) -> Result<(), ApiError> {
    for mount in container.mount_points.iter().flatten() {
        let source = mount.source_volume.as_deref().unwrap_or_default();
        if !content
            .volumes
            .iter()
            .any(|volume| volume.name.as_deref() == Some(source))
        {
            return refuse(format!("Unknown volume '{source}'."));
        }
        if mount.container_path.as_deref().is_none_or(str::is_empty) {
            return refuse("MountPoint.containerPath should not be null or empty.");
        }
    }
    for from in container.volumes_from.iter().flatten() {
        let source = from.source_container.as_deref();
        if source == Some(name)
            || !content
                .container_definitions
                .iter()
                .any(|other| other.name.as_deref() == source)
        {
            return refuse(format!(
                "Container {name} has volumesFrom an unknown container {}.",
                source.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

fn check_ports(container: &ContainerDefinition) -> Result<(), ApiError> {
    for port in container.port_mappings.iter().flatten() {
        check_enum(
            "portMappings.protocol",
            port.protocol.as_deref(),
            &["tcp", "udp"],
        )?;
        if port
            .container_port
            .is_none_or(|port| !(1..=65_535).contains(&port))
        {
            return refuse("containerPort must be between 1 and 65535.");
        }
    }
    Ok(())
}

/// The names of ulimits in the model.
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn check_environment(container: &str, environment: &[KeyValue]) -> Result<(), ApiError> {
    if environment
        .iter()
        .any(|variable| variable.name.as_deref().is_none_or(str::is_empty))
    {
        return refuse(format!(
            "An environment variable of container {container} has no name."
        ));
    }
    Ok(())
}

fn check_health_check(name: &str, check: &HealthCheck) -> Result<(), ApiError> {
    if !matches!(
        check.command.iter().flatten().next().map(String::as_str),
        Some("CMD" | "CMD-SHELL")
    ) {
        return refuse(format!(
            "The healthCheck command of container {name} must begin with CMD or CMD-SHELL."
        ));
    }
    for (member, value, least, most) in [
        ("interval", check.interval, 5, 300),
        ("timeout", check.timeout, 2, 60),
        ("retries", check.retries, 1, 10),
        ("startPeriod", check.start_period, 0, 300),
    ] {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return refuse(format!(
                "healthCheck.{member} of container {name} must be between {least} and {most}."
            ));
        }
    }
    Ok(())
}

fn check_dependencies(containers: &[ContainerDefinition]) -> Result<(), ApiError> {
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        for dependency in container.depends_on.iter().flatten() {
            let on = dependency.container_name.as_deref().unwrap_or_default();
            let condition = dependency.condition.as_deref().unwrap_or_default();
            check_enum(
                "dependsOn.condition",
                Some(condition),
                &["START", "COMPLETE", "SUCCESS", "HEALTHY"],
            )?;
            let named = |other: &&ContainerDefinition| other.name.as_deref() == Some(on);
            let Some(other) = containers.iter().find(named) else {
                return refuse(format!(
                    "Container {name} depends on unknown container {on}."
                ));
            };
            let essential = other.essential.unwrap_or(true);
            if essential && matches!(condition, "COMPLETE" | "SUCCESS") {
                return refuse(format!(
                    "A container with the dependency condition {condition} cannot be essential: {on}."
                ));
            }
            if condition == "HEALTHY" && other.health_check.is_none() {
                return refuse(format!(
                    "Container {name} depends on container {on} being HEALTHY, which has no healthCheck."
                ));
            }
        }
    }
    check_cycles(containers)
}

/// Refuses cycles of dependencies. Each round starts the containers whose dependencies have all started; those of a
/// cycle never start.
fn check_cycles(containers: &[ContainerDefinition]) -> Result<(), ApiError> {
    let mut started = BTreeSet::new();
    loop {
        let before = started.len();
        for container in containers {
            let ready = container.depends_on.iter().flatten().all(|dependency| {
                started.contains(dependency.container_name.as_deref().unwrap_or_default())
            });
            if ready {
                started.insert(container.name.as_deref().unwrap_or_default());
            }
        }
        if started.len() == containers.len() {
            return Ok(());
        }
        if started.len() == before {
            return refuse("Container dependencies form a cycle.");
        }
    }
}
