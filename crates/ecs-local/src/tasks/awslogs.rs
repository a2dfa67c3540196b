//! The log driver `awslogs`: the log stream of a container's output.

use crate::latency::Pace;
use crate::log_groups::{LogGroups, LogStream};
use crate::shapes::LogConfiguration;

/// The interval at which the log driver sends output, in seconds at latency 1 (Docker:
/// `awslogs-force-flush-interval-seconds`).
const FLUSH_INTERVAL: f64 = 5.0;

/// The log stream of a container's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDestination {
    region: String,
    group: String,
    stream: String,
    /// Whether a missing group is made.
    create: bool,
}

impl LogDestination {
    /// The destination of a log configuration, if its driver is `awslogs`.
    pub(super) fn new(
        configuration: &LogConfiguration,
        container: &str,
        task_id: &str,
    ) -> Option<Self> {
        if configuration.log_driver.as_deref() != Some("awslogs") {
            return None;
        }
        let options = configuration.options.as_ref()?;
        let option = |name: &str| options.get(name).cloned().unwrap_or_default();
        Some(Self {
            region: option("awslogs-region"),
            group: option("awslogs-group"),
            stream: format!("{}/{container}/{task_id}", option("awslogs-stream-prefix")),
            create: option("awslogs-create-group") == "true",
        })
    }

    /// Makes the stream. Readers see its events after a time that depends on the pace.
    ///
    /// # Errors
    ///
    /// When the group is missing, with ECS's message.
    pub(super) fn open(&self, groups: &LogGroups, pace: &Pace) -> Result<LogStream, String> {
        groups.in_region(&self.region, |groups| {
            if self.create {
                groups.entry(self.group.clone()).or_default();
            }
            let Some(group) = groups.get_mut(&self.group) else {
                return Err("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
                     failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. \
                     : exit status 1"
                    .to_owned());
            };
            let stream = LogStream::new(pace.scale(FLUSH_INTERVAL));
            group.streams.insert(self.stream.clone(), stream.clone());
            Ok(stream)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn open(groups: &LogGroups, options: &serde_json::Value) -> Result<LogStream, String> {
        let configuration = json!({ "logDriver": "awslogs", "options": options });
        let configuration = serde_json::from_value(configuration).unwrap();
        let destination = LogDestination::new(&configuration, "db", "7f").unwrap();
        let (_shutdown, receiver) = tokio::sync::watch::channel(false);
        destination.open(groups, &Pace::new(0.0, receiver))
    }

    #[test]
    fn a_stream_is_named_after_prefix_container_and_task() {
        let groups = LogGroups::default();
        groups.in_region("eu-west-1", |groups| {
            groups.entry("/ci".into()).or_default();
        });
        let options = json!({ "awslogs-group": "/ci", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job" });
        open(&groups, &options).unwrap();
        groups.in_region("eu-west-1", |groups| {
            assert_eq!(
                groups["/ci"].streams.keys().collect::<Vec<_>>(),
                ["job/db/7f"]
            );
        });
    }

    #[test]
    fn a_missing_group_is_made_only_on_request() {
        let groups = LogGroups::default();
        let refused = open(
            &groups,
            &json!({ "awslogs-group": "/ci", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job" }),
        )
        .unwrap_err();
        assert!(
            refused.starts_with("ResourceInitializationError: "),
            "{refused}"
        );
        assert_eq!(groups.in_region("eu-west-1", |groups| groups.len()), 0);
        open(&groups, &json!({ "awslogs-create-group": "true" })).unwrap();
        assert_eq!(groups.in_region("", |groups| groups.len()), 1);
    }
}
