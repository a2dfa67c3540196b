//! What Fargate refuses: sizes, and the parts of a definition that need a machine of one's own.

use super::definition_rules::{Checked, refuse};
use super::shapes::ContainerDefinition;
use super::task_definitions::{Content, is_ecr};
use crate::error::ApiError;
use crate::fargate;

/// Checks a definition that is to run on Fargate.
pub(super) fn check(content: &Content) -> Checked {
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
    if content
        .pid_mode
        .as_deref()
        .is_some_and(|mode| mode != "task")
    {
        return refuse("Fargate only supports the pidMode 'task'.");
    }
    for (member, given) in [
        ("ipcMode", content.ipc_mode.is_some()),
        (
            "placementConstraints",
            !content.placement_constraints.is_empty(),
        ),
        (
            "inferenceAccelerators",
            content
                .inference_accelerators
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
    ] {
        unsupported(member, given)?;
    }
    check_storage(
        content
            .ephemeral_storage
            .as_ref()
            .and_then(|storage| storage.size_in_gib),
    )
    .map_err(ApiError::client)?;
    for volume in &content.volumes {
        unsupported(
            "host.sourcePath",
            volume
                .host
                .as_ref()
                .is_some_and(|host| host.source_path.is_some()),
        )?;
        unsupported(
            "dockerVolumeConfiguration",
            volume.docker_volume_configuration.is_some(),
        )?;
        unsupported(
            "fsxWindowsFileServerVolumeConfiguration",
            volume
                .fsx_windows_file_server_volume_configuration
                .is_some(),
        )?;
    }
    let sum = |of: fn(&ContainerDefinition) -> Option<i64>| {
        content
            .container_definitions
            .iter()
            .filter_map(of)
            .sum::<i64>()
    };
    if sum(|container| container.cpu) > i64::from(cpu) {
        return refuse("The total cpu of the containers exceeds the cpu of the task.");
    }
    if sum(|container| container.memory.or(container.memory_reservation)) > i64::from(memory) {
        return refuse("The total memory of the containers exceeds the memory of the task.");
    }
    content
        .container_definitions
        .iter()
        .try_for_each(|container| check_container(container, content))
}

fn unsupported(member: &str, given: bool) -> Checked {
    if given {
        refuse(format!(
            "The '{member}' parameter is not supported for Fargate."
        ))
    } else {
        Ok(())
    }
}

fn check_container(container: &ContainerDefinition, content: &Content) -> Checked {
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let linux = container.linux_parameters.clone().unwrap_or_default();
    for (member, given) in [
        ("privileged", container.privileged == Some(true)),
        (
            "dockerSecurityOptions",
            some(&container.docker_security_options),
        ),
        ("links", some(&container.links)),
        ("hostname", container.hostname.is_some()),
        (
            "extraHosts",
            container
                .extra_hosts
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
        ("dnsServers", some(&container.dns_servers)),
        ("dnsSearchDomains", some(&container.dns_search_domains)),
        (
            "disableNetworking",
            container.disable_networking == Some(true),
        ),
        (
            "resourceRequirements",
            container
                .resource_requirements
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
        ("credentialSpecs", some(&container.credential_specs)),
        (
            "linuxParameters.devices",
            linux.devices.is_some_and(|list| !list.is_empty()),
        ),
        (
            "linuxParameters.sharedMemorySize",
            linux.shared_memory_size.is_some(),
        ),
        (
            "linuxParameters.tmpfs",
            linux.tmpfs.is_some_and(|list| !list.is_empty()),
        ),
        ("linuxParameters.maxSwap", linux.max_swap.is_some()),
        ("linuxParameters.swappiness", linux.swappiness.is_some()),
    ] {
        unsupported(member, given)?;
    }
    let added = linux
        .capabilities
        .and_then(|capabilities| capabilities.add)
        .unwrap_or_default();
    if let Some(other) = added.iter().find(|name| *name != "SYS_PTRACE") {
        return refuse(format!(
            "Fargate only supports adding the capability SYS_PTRACE, not {other}."
        ));
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

/// What is done before a container runs is done with the execution role.
fn check_role(container: &ContainerDefinition, content: &Content) -> Checked {
    if content.execution_role_arn.is_some() {
        return Ok(());
    }
    let secrets = container.secrets.as_ref();
    let log = container.log_configuration.as_ref();
    for (what, needed) in [
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
                "Fargate requires task definition to have execution role ARN to support {what}."
            ));
        }
    }
    Ok(())
}

fn check_log(container: &ContainerDefinition) -> Checked {
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

/// CPU units and MiB of a task, or why Fargate does not have that size. Overrides are checked with it, too.
pub(super) fn check_size(cpu: &str, memory: &str) -> Result<(u32, u32), String> {
    let units = fargate::cpu_units(cpu)
        .filter(|units| fargate::has_cpu(*units))
        .ok_or_else(|| {
            format!("Invalid 'cpu' setting for task. '{cpu}' is none of the sizes of Fargate.")
        })?;
    let mib = fargate::memory_mib(memory)
        .ok_or_else(|| format!("Invalid 'memory' setting for task: '{memory}'."))?;
    if fargate::has_pair(units, mib) {
        Ok((units, mib))
    } else {
        Err("No Fargate configuration exists for given values.".into())
    }
}

/// Whether the ephemeral storage ordered can be had. Overrides are checked with it, too.
pub(super) fn check_storage(gib: Option<i64>) -> Result<(), String> {
    match gib {
        Some(gib) if !(21..=200).contains(&gib) => Err(format!(
            "Ephemeral storage of {gib} GiB is not possible; it must be between 21 and 200 GiB."
        )),
        _ => Ok(()),
    }
}
