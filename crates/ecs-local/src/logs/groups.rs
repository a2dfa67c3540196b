//! Log groups, their streams, and how a container's output gets its stream.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::invalid;
use super::stream::Stream;
use crate::ecs::shapes::LogConfiguration;
use crate::error::ApiError;

/// The log groups of a region, by name.
pub(crate) type Groups = BTreeMap<String, Group>;

/// A log group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// By name.
    pub(super) streams: BTreeMap<String, Stream>,
}

/// How often the log driver sends what it has, in seconds at latency 1 (Docker: `awslogs-force-flush-interval-seconds`).
const FLUSH: f64 = 5.0;

/// Where the output of a container goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) region: String,
    group: String,
    stream: String,
    /// Whether the group is made when it is not there.
    create: bool,
}

impl Destination {
    /// What the log driver `awslogs` makes of its options; none for others.
    pub(crate) fn of(
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

    /// Makes the stream; with `latency` its events take their time.
    ///
    /// # Errors
    ///
    /// When there is no such group, with what ECS says then.
    pub(crate) fn open(&self, groups: &mut Groups, latency: f64) -> Result<Stream, String> {
        if self.create {
            groups.entry(self.group.clone()).or_default();
        }
        let Some(group) = groups.get_mut(&self.group) else {
            return Err("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
                 failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. \
                 : exit status 1"
                .to_owned());
        };
        let stream = Stream::new(Duration::from_secs_f64(FLUSH * latency));
        group.streams.insert(self.stream.clone(), stream.clone());
        Ok(stream)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateLogGroup {
    log_group_name: Option<String>,
    log_group_class: Option<String>,
}

/// Makes a group. The reply has no body.
pub(super) fn create(groups: &mut Groups, input: CreateLogGroup) -> Result<String, ApiError> {
    const CLASSES: [&str; 3] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];
    let name = input
        .log_group_name
        .ok_or_else(|| invalid("null", "logGroupName", "Member must not be null"))?;
    check_name(&name)?;
    if let Some(class) = input
        .log_group_class
        .filter(|class| !CLASSES.contains(&class.as_str()))
    {
        let known = format!(
            "Member must satisfy enum value set: [{}]",
            CLASSES.join(", ")
        );
        return Err(invalid(&format!("'{class}'"), "logGroupClass", &known));
    }
    if groups.contains_key(&name) {
        return Err(ApiError::new(
            400,
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    groups.insert(name, Group::default());
    Ok(String::new())
}

/// The group that a request means: by name, or by name or ARN.
pub(super) fn find<'a>(
    groups: &'a Groups,
    name: Option<&str>,
    identifier: Option<&str>,
) -> Result<(&'a str, &'a Group), ApiError> {
    let name = match (name, identifier) {
        (Some(name), None) => name,
        (None, Some(arn)) => match arn.split_once(":log-group:") {
            Some((_, name)) => name.trim_end_matches(":*"),
            None => arn,
        },
        _ => {
            return Err(ApiError::invalid_parameter(
                "You must specify either a log group name or a log group identifier, but not both.",
            ));
        }
    };
    check_name(name)?;
    let found = groups.get_key_value(name);
    found
        .map(|(name, group)| (name.as_str(), group))
        .ok_or_else(|| not_found("group"))
}

/// Something that is not there.
pub(super) fn not_found(what: &str) -> ApiError {
    let message = format!("The specified log {what} does not exist.");
    ApiError::new(400, "ResourceNotFoundException", message)
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    if !(1..=512).contains(&name.len()) {
        let length = "Member must have length between 1 and 512";
        return Err(invalid(&format!("'{name}'"), "logGroupName", length));
    }
    if !name.bytes().all(allowed) {
        let pattern = r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
        return Err(invalid(&format!("'{name}'"), "logGroupName", pattern));
    }
    Ok(())
}
