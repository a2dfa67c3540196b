//! A task as replies show it.
//!
//! Which members are there in which state is part of what clients have to cope with: a member that AWS leaves out is an
//! `Option` here, and absent until something sets it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::ecs::Overrides;
use crate::ecs::shapes::KeyValue;
use crate::faults::TaskFaults;
use crate::tags::Tag;

/// Milliseconds since 1970, shown as seconds with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(self) -> u64 {
        self.0
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    /// As EC2 shows times: `2026-01-02T03:04:20.000Z`.
    pub(crate) fn iso(self) -> String {
        let (days, millis) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil(days);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of the n-th day since 1970 (proleptic Gregorian calendar).
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March of year 0, so that leap days end a year, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, date)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Exact: milliseconds of this millennium have fewer bits than the fraction.
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

/// `lastStatus` of a task, in order. `desiredStatus` is only ever `RUNNING` or `STOPPED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TaskStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// `lastStatus` of a container, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ContainerStatus {
    Pending,
    Running,
    Stopped,
}

/// `status` of the network interface's attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum AttachmentStatus {
    Precreated,
    Attaching,
    Attached,
    Detaching,
    Deleted,
    Failed,
}

/// What describes a task.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) availability_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_provider_name: Option<String>,
    pub(crate) cluster_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connectivity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connectivity_at: Option<Timestamp>,
    pub(crate) containers: Vec<Container>,
    pub(crate) cpu: String,
    pub(crate) created_at: Timestamp,
    pub(crate) desired_status: TaskStatus,
    pub(crate) enable_execute_command: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_stopped_at: Option<Timestamp>,
    pub(crate) group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health_status: Option<&'static str>,
    pub(crate) last_status: TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) launch_type: Option<&'static str>,
    pub(crate) memory: String,
    pub(crate) overrides: Overrides,
    pub(crate) platform_version: String,
    pub(crate) platform_family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopping_at: Option<Timestamp>,
    pub(crate) task_arn: String,
    pub(crate) task_definition_arn: String,
    pub(crate) version: u64,
    pub(crate) ephemeral_storage: StorageSize,
    pub(crate) fargate_ephemeral_storage: StorageSize,
}

/// An attachment: the task's network interface.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) status: AttachmentStatus,
    pub(crate) details: Vec<KeyValue>,
}

/// Ephemeral storage.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct StorageSize {
    #[serde(rename = "sizeInGiB")]
    pub(crate) size_in_gib: i64,
}

/// A container of a task.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) container_arn: String,
    pub(crate) task_arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_id: Option<String>,
    pub(crate) last_status: ContainerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Never anything in it with `awsvpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_bindings: Option<[(); 0]>,
    pub(crate) network_interfaces: Vec<ContainerInterface>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) managed_agents: Option<Vec<ManagedAgent>>,
    pub(crate) cpu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_reservation: Option<String>,
}

/// A container's view of the task's network interface.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInterface {
    pub(crate) attachment_id: String,
    pub(crate) private_ipv4_address: String,
}

/// The agent of ECS Exec. It is shown, there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedAgent {
    pub(crate) name: &'static str,
    pub(crate) last_status: ContainerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_started_at: Option<Timestamp>,
}

/// A task as one reply shows it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Shown<'a> {
    Plain {
        #[serde(flatten)]
        record: &'a Record,
        tags: &'a [Tag],
    },
    /// With what faults make of it.
    Altered(Value),
}

impl<'a> Shown<'a> {
    pub(super) fn new(record: &'a Record, tags: &'a [Tag], faults: &TaskFaults) -> Self {
        let plain = Self::Plain { record, tags };
        let late = faults.late_containers && record.desired_status == TaskStatus::Running;
        if !faults.unknown_values && !faults.attachment_traps && !late {
            return plain;
        }
        match serde_json::to_value(&plain) {
            Ok(mut value) => {
                alter(&mut value, faults);
                if late {
                    let containers = value.get_mut("containers").and_then(Value::as_array_mut);
                    containers.into_iter().flatten().for_each(hide_end);
                }
                Self::Altered(value)
            }
            // Our own types can be written; if they could not, the reply itself will say so.
            Err(_) => plain,
        }
    }
}

/// Shows a container as if it still ran.
fn hide_end(container: &mut Value) {
    if let Some(members) = container.as_object_mut()
        && members.get("lastStatus") == Some(&json!("STOPPED"))
    {
        members.insert("lastStatus".into(), json!("RUNNING"));
        members.remove("exitCode");
        members.remove("reason");
    }
}

/// Makes what is shown a trap for clients that count on more than the model promises.
fn alter(task: &mut Value, faults: &TaskFaults) {
    let Some(members) = task.as_object_mut() else {
        return;
    };
    if faults.unknown_values {
        if matches!(
            members.get("lastStatus").and_then(Value::as_str),
            Some("PENDING" | "ACTIVATING" | "DEACTIVATING")
        ) {
            members.insert("lastStatus".into(), json!("REHYDRATING"));
        }
        if members.contains_key("stopCode") {
            members.insert("stopCode".into(), json!("CapacityReclaimed"));
        }
        members.insert(
            "novelMember".into(),
            json!({"of": ["a", "later", "version"]}),
        );
        for container in members
            .get_mut("containers")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(container) = container.as_object_mut() {
                container.insert("novelMember".into(), json!(1));
            }
        }
    }
    if faults.attachment_traps
        && let Some(attachments) = members.get_mut("attachments").and_then(Value::as_array_mut)
    {
        for attachment in attachments.iter_mut() {
            if let Some(details) = attachment.get_mut("details").and_then(Value::as_array_mut) {
                details.reverse();
            }
        }
        let volume = json!({"id": "00000000-0000-4000-8000-000000000000", "type": "AmazonElasticBlockStorage", "status": "ATTACHED",
            "details": [{"name": "volumeId", "value": "vol-0a1b2c3d4e5f60009"}]});
        attachments.insert(0, volume);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_ec2_shows_them() {
        assert_eq!(Timestamp(0).iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp(1_767_323_060_123).iso(),
            "2026-01-02T03:04:20.123Z"
        );
        assert_eq!(Timestamp(951_782_399_999).iso(), "2000-02-28T23:59:59.999Z");
        assert_eq!(Timestamp(951_782_400_000).iso(), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn times_are_shown_as_ecs_shows_them() {
        assert_eq!(
            serde_json::to_string(&Timestamp(1_767_323_045_226)).unwrap(),
            "1767323045.226"
        );
    }
}
