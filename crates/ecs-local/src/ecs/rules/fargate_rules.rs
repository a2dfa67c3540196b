//! The rules of Fargate for task definitions: sizes, and members that need a machine of one's own.

use super::fargate_sizes;
use crate::ecs::checks::refuse;
use crate::ecs::definition::{DefinitionContent, is_ecr};
use crate::error::ApiError;
use crate::shapes::{ContainerDefinition, LinuxParameters, Volume};

/// Checks a definition for Fargate.
pub(super) fn check(content: &DefinitionContent) -> Result<(), ApiError> {
    if content.network_mode.as_deref() != Some("awsvpc") {
        return refuse("Fargate only supports network mode 'awsvpc'.");
    }
    let Some(cpu) = content.cpu.as_deref() else {
        return refuse("Fargate requires that 'cpu' be defined at the task level.");
    };
    let Some(memory) = content.memory.as_deref() else {
        return refuse("Fargate requires that 'memory' be defined at the task level.");
    };
    let (cpu, memory) = check_size(cpu, memory).map_err(ApiError::client)?;
    check_task_members(content)?;
    let storage = content.ephemeral_storage.as_ref();
    check_storage(storage.and_then(|storage| storage.size_in_gib)).map_err(ApiError::client)?;
    content.volumes.iter().try_for_each(check_volume)?;
    let containers = &content.container_definitions;
    let sum = |amount: fn(&ContainerDefinition) -> Option<i64>| {
        containers.iter().filter_map(amount).sum::<i64>()
    };
    if sum(|container| container.cpu) > i64::from(cpu) {
        return refuse("The total cpu of the containers exceeds the cpu of the task.");
    }
    if sum(|container| container.memory.or(container.memory_reservation)) > i64::from(memory) {
        return refuse("The total memory of the containers exceeds the memory of the task.");
    }
    containers
        .iter()
        .try_for_each(|container| check_container(container, content))
}

fn check_task_members(content: &DefinitionContent) -> Result<(), ApiError> {
    let pid_mode = content.pid_mode.as_deref();
    if pid_mode.is_some_and(|mode| mode != "task") {
        return refuse("Fargate only supports the pidMode 'task'.");
    }
    unsupported("ipcMode", content.ipc_mode.is_some())?;
    let constraints = &content.placement_constraints;
    unsupported("placementConstraints", !constraints.is_empty())?;
    let accelerators = content.inference_accelerators.as_ref();
    unsupported("inferenceAccelerators", has_items(accelerators))
}

fn check_volume(volume: &Volume) -> Result<(), ApiError> {
    let host = volume.host.as_ref();
    for (member, given) in [
        (
            "host.sourcePath",
            host.is_some_and(|host| host.source_path.is_some()),
        ),
        (
            "dockerVolumeConfiguration",
            volume.docker_volume_configuration.is_some(),
        ),
        (
            "fsxWindowsFileServerVolumeConfiguration",
            volume
                .fsx_windows_file_server_volume_configuration
                .is_some(),
        ),
    ] {
        unsupported(member, given)?;
    }
    Ok(())
}

fn unsupported(member: &str, given: bool) -> Result<(), ApiError> {
    if given {
        refuse(format!(
            "The '{member}' parameter is not supported for Fargate."
        ))
    } else {
        Ok(())
    }
}

fn has_items<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

fn check_container(
    container: &ContainerDefinition,
    content: &DefinitionContent,
) -> Result<(), ApiError> {
    for (member, given) in [
        ("privileged", container.privileged == Some(true)),
        (
            "dockerSecurityOptions",
            has_items(container.docker_security_options.as_ref()),
        ),
        ("links", has_items(container.links.as_ref())),
        ("hostname", container.hostname.is_some()),
        ("extraHosts", has_items(container.extra_hosts.as_ref())),
        ("dnsServers", has_items(container.dns_servers.as_ref())),
        (
            "dnsSearchDomains",
            has_items(container.dns_search_domains.as_ref()),
        ),
        (
            "disableNetworking",
            container.disable_networking == Some(true),
        ),
        (
            "resourceRequirements",
            has_items(container.resource_requirements.as_ref()),
        ),
        (
            "credentialSpecs",
            has_items(container.credential_specs.as_ref()),
        ),
    ] {
        unsupported(member, given)?;
    }
    if let Some(linux) = &container.linux_parameters {
        check_linux(linux)?;
    }
    if let Some(port) = container.port_mappings.iter().flatten().find(|port| {
        port.host_port
            .is_some_and(|host| host != 0 && Some(host) != port.container_port)
    }) {
        return refuse(format!(
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match: {:?} and {:?}.",
            port.host_port.unwrap_or_default(),
            port.container_port.unwrap_or_default()
        ));
    }
    check_role(container, content)?;
    check_log(container)
}

fn check_linux(linux: &LinuxParameters) -> Result<(), ApiError> {
    for (member, given) in [
        ("devices", has_items(linux.devices.as_ref())),
        ("sharedMemorySize", linux.shared_memory_size.is_some()),
        ("tmpfs", has_items(linux.tmpfs.as_ref())),
        ("maxSwap", linux.max_swap.is_some()),
        ("swappiness", linux.swappiness.is_some()),
    ] {
        unsupported(&format!("linuxParameters.{member}"), given)?;
    }
    let capabilities = linux.capabilities.as_ref();
    let mut added = capabilities
        .and_then(|list| list.add.as_ref())
        .into_iter()
        .flatten();
    if let Some(other) = added.find(|name| *name != "SYS_PTRACE") {
        return refuse(format!(
            "Fargate only supports adding the capability SYS_PTRACE, not {other}."
        ));
    }
    Ok(())
}

/// Requires an execution role for everything that happens before a container runs.
fn check_role(
    container: &ContainerDefinition,
    content: &DefinitionContent,
) -> Result<(), ApiError> {
    if content.execution_role_arn.is_some() {
        return Ok(());
    }
    let secrets = container.secrets.as_ref();
    let log = container.log_configuration.as_ref();
    for (feature, needed) in [
        (
            "ECR images",
            is_ecr(container.image.as_deref().unwrap_or_default()),
        ),
        (
            "private registry authentication",
            container.repository_credentials.is_some(),
        ),
        (
            "container secrets",
            secrets.is_some_and(|secrets| !secrets.is_empty()),
        ),
        (
            "log driver awslogs",
            log.is_some_and(|log| log.log_driver.as_deref() == Some("awslogs")),
        ),
    ] {
        if needed {
            return refuse(format!(
                "Fargate requires task definition to have execution role ARN to support {feature}."
            ));
        }
    }
    Ok(())
}

fn check_log(container: &ContainerDefinition) -> Result<(), ApiError> {
    let Some(log) = &container.log_configuration else {
        return Ok(());
    };
    let driver = log.log_driver.as_deref().unwrap_or_default();
    if !matches!(driver, "awslogs" | "splunk" | "awsfirelens") {
        return refuse(format!(
            "Fargate only supports the log drivers awslogs, splunk and awsfirelens, not '{driver}'."
        ));
    }
    if driver == "awslogs" {
        for option in ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"] {
            if !log
                .options
                .as_ref()
                .is_some_and(|options| options.contains_key(option))
            {
                return refuse(format!("Log driver awslogs requires options: {option}."));
            }
        }
    }
    Ok(())
}

/// Checks the size of a task, from its definition or its overrides. Returns CPU units and MiB.
pub(super) fn check_size(cpu: &str, memory: &str) -> Result<(u32, u32), String> {
    let units = fargate_sizes::cpu_units(cpu)
        .filter(|units| fargate_sizes::has_cpu(*units))
        .ok_or_else(|| {
            format!("Invalid 'cpu' setting for task. '{cpu}' is none of the sizes of Fargate.")
        })?;
    let mib = fargate_sizes::memory_mib(memory)
        .ok_or_else(|| format!("Invalid 'memory' setting for task: '{memory}'."))?;
    if fargate_sizes::has_pair(units, mib) {
        Ok((units, mib))
    } else {
        Err("No Fargate configuration exists for given values.".into())
    }
}

/// Checks the ephemeral storage of a task, from its definition or its overrides.
pub(super) fn check_storage(gib: Option<i64>) -> Result<(), String> {
    match gib {
        Some(gib) if !(21..=200).contains(&gib) => Err(format!(
            "Ephemeral storage of {gib} GiB is not possible; it must be between 21 and 200 GiB."
        )),
        _ => Ok(()),
    }
}
