//! A task as one reply shows it, with the faults that change what replies show.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::description::{TaskDescription, TaskStatus};
use crate::faults::TaskFaults;
use crate::tags::Tag;

/// A task as one reply shows it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ShownTask {
    Plain {
        #[serde(flatten)]
        description: Box<TaskDescription>,
        tags: Vec<Tag>,
    },
    /// Changed by faults.
    Altered(Value),
}

impl ShownTask {
    pub(super) fn new(description: &TaskDescription, tags: &[Tag], faults: &TaskFaults) -> Self {
        let plain = Self::Plain {
            description: Box::new(description.clone()),
            tags: tags.to_vec(),
        };
        let late = faults.late_containers && description.desired_status == TaskStatus::Running;
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
            // Our own types can always be written. If one could not, writing the reply would fail, too.
            Err(_) => plain,
        }
    }
}

/// Shows a stopped container as if it still ran.
fn hide_end(container: &mut Value) {
    if let Some(members) = container.as_object_mut()
        && members.get("lastStatus") == Some(&json!("STOPPED"))
    {
        members.insert("lastStatus".into(), json!("RUNNING"));
        members.remove("exitCode");
        members.remove("reason");
    }
}

/// Sets traps for clients that rely on more than the model promises.
fn alter(task: &mut Value, faults: &TaskFaults) {
    let Some(members) = task.as_object_mut() else {
        return;
    };
    if faults.unknown_values {
        show_unknown_values(members);
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

/// Shows statuses, stop codes and members of a later version of the model.
fn show_unknown_values(members: &mut Map<String, Value>) {
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
    let containers = members.get_mut("containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if let Some(container) = container.as_object_mut() {
            container.insert("novelMember".into(), json!(1));
        }
    }
}
