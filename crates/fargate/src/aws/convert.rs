//! From the SDK's types to ours. No member of a reply is required, except a task's ARN.

use std::net::IpAddr;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types;

use crate::task::{Container, Interface, Task, TaskTimes};
use crate::text::plain;

/// A task; nothing when it has no ARN.
pub(super) fn task(task: types::Task) -> Option<Task> {
    let interface = interface(task.attachments.as_deref().unwrap_or_default());
    let times = TaskTimes {
        created: millis(task.created_at),
        addressed: None,
        connected: millis(task.connectivity_at),
        pull_started: millis(task.pull_started_at),
        pull_stopped: millis(task.pull_stopped_at),
        started: millis(task.started_at),
        stopping: millis(task.stopping_at),
        stopped: millis(task.stopped_at),
    };
    let attributes = task.attributes.as_deref().unwrap_or_default().iter();
    let architecture = attributes
        .filter(|attribute| attribute.name() == "ecs.cpu-architecture")
        .find_map(|attribute| attribute.value().map(str::to_owned));
    Some(Task {
        arn: task.task_arn?,
        definition: task.task_definition_arn.unwrap_or_default(),
        last_status: task.last_status.unwrap_or_default(),
        desired_status: task.desired_status.unwrap_or_default(),
        stop_code: task.stop_code.map(|code| code.as_str().to_owned()),
        stopped_reason: message(task.stopped_reason),
        times,
        cpu: task.cpu.and_then(|cpu| cpu.parse().ok()),
        memory: task.memory.and_then(|memory| memory.parse().ok()),
        capacity_provider: task.capacity_provider_name,
        availability_zone: task.availability_zone,
        storage: task
            .ephemeral_storage
            .and_then(|storage| u32::try_from(storage.size_in_gib).ok()),
        architecture,
        group: task.group,
        containers: task
            .containers
            .unwrap_or_default()
            .into_iter()
            .map(container)
            .collect(),
        interface,
    })
}

/// A time in milliseconds since 1970.
fn millis(time: Option<DateTime>) -> Option<u64> {
    u64::try_from(time?.to_millis().ok()?).ok()
}

fn container(container: types::Container) -> Container {
    Container {
        name: container.name.unwrap_or_default(),
        image: container.image,
        last_status: container.last_status.unwrap_or_default(),
        exit_code: container.exit_code,
        reason: message(container.reason),
        private_ip: private_ip(&container.network_interfaces.unwrap_or_default()),
    }
}

/// The address of a container. In a subnet with IPv6 alone it has no other.
fn private_ip(interfaces: &[types::NetworkInterface]) -> Option<IpAddr> {
    let ipv4 = interfaces
        .iter()
        .filter_map(|one| one.private_ipv4_address());
    let ipv6 = interfaces.iter().filter_map(|one| one.ipv6_address());
    ipv4.chain(ipv6).find_map(|address| address.parse().ok())
}

/// A message of AWS on one line. It may repeat a job author's words, such as a command.
fn message(text: Option<String>) -> Option<String> {
    text.map(|text| plain(text.trim()))
        .filter(|text| !text.is_empty())
}

/// The attachment that is a network interface. The list may also hold volumes, in any order.
fn interface(attachments: &[types::Attachment]) -> Interface {
    let details = attachments
        .iter()
        .find(|attachment| attachment.r#type() == Some("ElasticNetworkInterface"))
        .map(types::Attachment::details)
        .unwrap_or_default();
    let detail = |name: &str| {
        details
            .iter()
            .find(|detail| detail.name() == Some(name))
            .and_then(types::KeyValuePair::value)
    };
    Interface {
        id: detail("networkInterfaceId").map(str::to_owned),
        private_ip: ["privateIPv4Address", "ipv6Address"]
            .into_iter()
            .find_map(|name| detail(name)?.parse().ok()),
    }
}

/// The reasons of a reply without tasks.
pub(super) fn failures(failures: Vec<types::Failure>) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for failure in failures {
        let reason = match (message(failure.reason), message(failure.detail)) {
            (Some(reason), Some(detail)) => format!("{reason} ({detail})"),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => continue,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        "AWS gave no reason".to_owned()
    } else {
        reasons.join("; ")
    }
}
