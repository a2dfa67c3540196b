//! The fault document: a JSON object of rules, each a selector and an effect.
//!
//! ```json
//! {"seed": 7, "faults": [
//!   {"when": {"operation": "DescribeTasks", "first": 2}, "effect": "throttle"},
//!   {"when": {"capacity_provider": "FARGATE_SPOT"}, "effect": {"no_capacity": {}}},
//!   {"when": {"family": "ci", "nth": 3}, "effect": {"spot_interruption": {"after_seconds": 1.5}}}
//! ]}
//! ```
//!
//! A document that does not parse, names what does not exist, or combines what cannot be combined is refused as a
//! whole.

use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::error::Service;

/// A fault document. The default has no faults.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Makes rules with a probability repeatable.
    pub(super) seed: u64,
    pub(super) faults: Vec<Rule>,
}

impl Faults {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or names an unknown member or effect (with line and column), or when a selector does not
    /// fit its effect (with the number of the rule, from 1).
    pub fn parse(json: &str) -> anyhow::Result<Self> {
        let faults: Self = serde_json::from_str(json).context("reading the fault document")?;
        for (n, rule) in faults.faults.iter().enumerate() {
            rule.check()
                .with_context(|| format!("fault {} of the document", n + 1))?;
        }
        Ok(faults)
    }
}

/// One fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) when: Selector,
    pub(super) effect: Effect,
}

/// Which calls or tasks a rule is about. What is left out matches everything; the counts run over what the other
/// members match, from the time the document was loaded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Selector {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<String>,
    /// Which container an effect on a container is about; default: the first essential one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capacity_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet: Option<String>,
    /// Only the n-th match, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nth: Option<u64>,
    /// Only the first k matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<u64>,
    /// Each match with this probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
}

/// A length of time in seconds, from nothing to a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Seconds(f64);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        if (0.0..=86_400.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(format!(
                "{seconds} is not a time between 0 and 86400 seconds"
            ))
        }
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs_f64(seconds.0)
    }
}

/// What EC2 is asked for on ECS's behalf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookUp {
    #[default]
    SecurityGroup,
    Subnet,
}

/// How far a task gets that fails to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The network interface cannot be made.
    Network,
    /// The image cannot be pulled.
    #[default]
    Pull,
    /// The pulled container cannot be started.
    Start,
}

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Effect {
    // Of calls, before anything is done.
    /// The rate limit, in the service's own form.
    Throttle,
    /// 500 `ServerException` (EC2: `InternalError`; others: `InternalFailure`).
    ServerError,
    /// 503 `ServiceUnavailable` (EC2: `Unavailable`).
    ServiceUnavailable,
    /// IAM refuses the action.
    AccessDenied,
    /// 403 `ExpiredTokenException` (EC2: 400 `RequestExpired`; STS: `ExpiredToken`).
    ExpiredCredentials,
    /// 403 `UnrecognizedClientException` (EC2: 401 `AuthFailure`; STS: `InvalidClientTokenId`).
    UnrecognizedClient,
    /// Any other error.
    Error {
        status: u16,
        code: String,
        message: String,
    },
    /// RunTask: EC2's throttling wrapped in an `InvalidParameterException`.
    Ec2Throttle {
        #[serde(default)]
        looking_up: LookUp,
    },
    /// RegisterTaskDefinition: another call for the family is under way.
    ConcurrentRegistration,
    /// The connection is reset.
    ConnectionReset,

    // Of calls, after it is done.
    /// 500 `ServerException`, or a reset, although the call took effect.
    LostReply {
        #[serde(default)]
        reset: bool,
    },
    /// The reply takes this long.
    SlowReply { seconds: Seconds },
    /// The reply ends in the middle of the document.
    TruncatedReply,
    /// Errors come in ECS's other form: no header, a namespace before the code, `Message`.
    BareErrors,

    // Of placement.
    /// RunTask answers 200 with `failures`; with a `subnet` in the selector only that subnet has no room.
    NoCapacity {
        #[serde(default)]
        reason: Option<String>,
    },

    // Of tasks, seen in replies.
    /// DescribeTasks says `MISSING` for the first reads of the task, and StopTask, which counts as one, that it was not found.
    Missing { reads: u32 },
    /// DescribeTasks says `MISSING` at this read of the task, the first one being 1.
    MissingOnce { read: u32 },
    /// Every n-th read shows the task as it was before its last change.
    StaleRead { every: u32 },
    /// The record of the stopped task is gone after this long instead of an hour.
    Expiry { seconds: Seconds },
    /// DescribeTasks shows the end of a container no sooner than that of the task.
    LateContainers,
    /// Statuses and members no model has.
    UnknownValues,
    /// Another attachment comes first, and the details of the interface's come in another order.
    AttachmentTraps,
    /// The public address shows only after this many EC2 reads of the interface.
    PublicIpLate { reads: u32 },

    // Of tasks, happening to them.
    /// The task never runs.
    StartFailure {
        #[serde(default)]
        at: Stage,
        #[serde(default)]
        reason: Option<String>,
        #[serde(default)]
        container_reason: Option<String>,
    },
    /// `FARGATE_SPOT` takes the capacity back this long after `RUNNING`.
    SpotInterruption { after_seconds: Seconds },
    /// ECS stops the task this long after `RUNNING`.
    Stop {
        after_seconds: Seconds,
        code: String,
        reason: String,
    },
    /// The task runs and ends between two reads.
    DiesUnseen {
        #[serde(default)]
        exit_code: i32,
    },

    // Of containers.
    /// The container's image takes this long to be there, beside any real pull; the other containers do not wait for it.
    PullDelay { seconds: Seconds },
    /// The container is started this much later; the task is not `RUNNING` before.
    StartDelay { seconds: Seconds },
    /// The container counts as started, its program starts this much later.
    ListenDelay { seconds: Seconds },
    /// The container ends this long after its start.
    Exit {
        after_seconds: Seconds,
        #[serde(default)]
        code: i32,
    },
    /// The container is killed for its memory use this long after its start.
    OutOfMemory { after_seconds: Seconds },
    /// Connections to the port are accepted, and stay silent for this long.
    PortDelay { seconds: Seconds },
    /// Nothing listens on the port, for this long or for ever.
    PortRefused {
        #[serde(default)]
        seconds: Option<Seconds>,
    },
    /// Connections are reset after this many bytes to the client: the first `connections` of them, or all.
    PortDrops {
        after_bytes: u64,
        #[serde(default)]
        connections: Option<u64>,
    },
    /// Connections stay open after this many bytes to the client, and nothing passes any more: the first `connections`
    /// of them, or all.
    PortFreezes {
        after_bytes: u64,
        #[serde(default)]
        connections: Option<u64>,
    },
}

/// Which members of a selector, beside the counts, mean something for an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Call,
    /// Calls of this one operation.
    Operation(&'static str),
    Placement,
    Task,
    Container,
}

impl Effect {
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Throttle
            | Self::ServerError
            | Self::ServiceUnavailable
            | Self::AccessDenied
            | Self::ExpiredCredentials
            | Self::UnrecognizedClient
            | Self::Error { .. }
            | Self::ConnectionReset
            | Self::LostReply { .. }
            | Self::SlowReply { .. }
            | Self::TruncatedReply
            | Self::BareErrors => Scope::Call,
            Self::Ec2Throttle { .. } => Scope::Operation("RunTask"),
            Self::ConcurrentRegistration => Scope::Operation("RegisterTaskDefinition"),
            Self::NoCapacity { .. } => Scope::Placement,
            Self::Missing { .. }
            | Self::MissingOnce { .. }
            | Self::StaleRead { .. }
            | Self::Expiry { .. }
            | Self::LateContainers
            | Self::UnknownValues
            | Self::AttachmentTraps
            | Self::PublicIpLate { .. }
            | Self::SpotInterruption { .. }
            | Self::Stop { .. }
            | Self::DiesUnseen { .. } => Scope::Task,
            Self::StartFailure { .. }
            | Self::PullDelay { .. }
            | Self::StartDelay { .. }
            | Self::ListenDelay { .. }
            | Self::Exit { .. }
            | Self::OutOfMemory { .. }
            | Self::PortDelay { .. }
            | Self::PortRefused { .. }
            | Self::PortDrops { .. }
            | Self::PortFreezes { .. } => Scope::Container,
        }
    }
}

impl Rule {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Selector {
            operation,
            family,
            container,
            capacity_provider,
            subnet,
            nth,
            first,
            probability,
        } = &self.when;
        let scope = self.effect.scope();
        if let Some(operation) = operation {
            anyhow::ensure!(
                Service::ALL
                    .iter()
                    .any(|service| service.operations().contains(&operation.as_str())),
                "there is no operation {operation:?}; it is one of {}",
                Service::ALL.map(Service::operations).concat().join(", ")
            );
            match scope {
                Scope::Call => {}
                Scope::Operation(only) => {
                    anyhow::ensure!(
                        operation == only,
                        "this effect is one of {only}, not of {operation}"
                    );
                }
                Scope::Placement | Scope::Task | Scope::Container => {
                    anyhow::ensure!(
                        operation == "RunTask",
                        "this effect concerns tasks: select them without an operation"
                    );
                }
            }
        }
        let of_task = family.is_some() || capacity_provider.is_some() || subnet.is_some();
        anyhow::ensure!(
            !of_task || !matches!(scope, Scope::Call | Scope::Operation(_)),
            "this effect concerns calls: family, capacity_provider and subnet select tasks"
        );
        anyhow::ensure!(
            container.is_none() || scope == Scope::Container,
            "this effect does not concern a container: leave `container` out of the selector"
        );
        anyhow::ensure!(
            nth.is_none() || first.is_none(),
            "`nth` and `first` exclude each other"
        );
        anyhow::ensure!(*nth != Some(0), "`nth` counts from 1");
        if let Some(p) = probability {
            anyhow::ensure!(
                (0.0..=1.0).contains(p),
                "the probability is {p}; it has to be between 0 and 1"
            );
        }
        match &self.effect {
            Effect::Error { status, .. } => {
                anyhow::ensure!(
                    (400..600).contains(status),
                    "the status is {status}; errors have 400 to 599"
                );
            }
            Effect::StaleRead { every } => anyhow::ensure!(*every > 0, "`every` counts from 1"),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        format!("{:#}", Faults::parse(json).unwrap_err())
    }

    #[test]
    fn a_document_of_all_forms_is_read() {
        let faults = Faults::parse(
            r#"{"seed": 7, "faults": [
                {"when": {"operation": "DescribeTasks", "first": 2}, "effect": "throttle"},
                {"when": {"capacity_provider": "FARGATE_SPOT"}, "effect": {"no_capacity": {}}},
                {"when": {"container": "build", "nth": 3}, "effect": {"exit": {"after_seconds": 0.5, "code": 3}}},
                {"effect": {"start_failure": {"at": "network"}}}
            ]}"#,
        )
        .unwrap();
        assert_eq!(faults.faults.len(), 4);
        let again = Faults::parse(&serde_json::to_string(&faults).unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{faults:?}"));
    }

    #[test]
    fn an_unknown_fault_is_named_with_its_place() {
        let said = error("{\"faults\": [\n{\"effect\": \"explode\"}]}");
        assert!(
            said.contains("unknown variant `explode`") && said.contains("line 2"),
            "{said}"
        );
        assert!(error(r#"{"fault": []}"#).contains("unknown field `fault`"));
        assert!(
            error(r#"{"faults": [{"effect": {"missing": {"reads": 1, "x": 2}}}]}"#)
                .contains("unknown field `x`")
        );
        assert!(error("{").contains("line 1"));
    }

    #[test]
    fn a_selector_that_cannot_apply_is_refused() {
        for (rule, hint) in [
            (
                r#"{"when": {"operation": "RunTasks"}, "effect": "throttle"}"#,
                "no operation \"RunTasks\"",
            ),
            (
                r#"{"when": {"operation": "StopTask"}, "effect": {"no_capacity": {}}}"#,
                "concerns tasks",
            ),
            (
                r#"{"when": {"family": "ci"}, "effect": "throttle"}"#,
                "concerns calls",
            ),
            (
                r#"{"when": {"container": "ci"}, "effect": "unknown_values"}"#,
                "container",
            ),
            (
                r#"{"when": {"nth": 0}, "effect": "throttle"}"#,
                "counts from 1",
            ),
            (
                r#"{"when": {"probability": 1.5}, "effect": "throttle"}"#,
                "between 0 and 1",
            ),
            (
                r#"{"effect": {"slow_reply": {"seconds": -1}}}"#,
                "not a time",
            ),
            (
                r#"{"effect": {"error": {"status": 200, "code": "x", "message": ""}}}"#,
                "400 to 599",
            ),
        ] {
            let said = error(&format!("{{\"faults\": [{rule}]}}"));
            assert!(said.contains(hint), "{rule}: {said}");
        }
    }
}
