//! The effects of faults: the errors, delays and failures that the stand-in can produce.

use serde::{Deserialize, Serialize};

use super::seconds::Seconds;
use super::spread::Spread;

/// The resource that ECS looks up in EC2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookUp {
    #[default]
    SecurityGroup,
    Subnet,
}

/// The step at which a task fails to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartStep {
    /// The network interface cannot be made.
    Network,
    /// The image cannot be pulled.
    #[default]
    Pull,
    /// The pulled container cannot be started.
    Start,
}

/// A step of a start that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SlowStep {
    /// Until the task has its network interface, and so its address.
    Address,
    /// From the agent on its machine being connected until the first pull begins.
    Network,
    /// The pull.
    Pull,
    /// From the pull until the containers start.
    Start,
}

/// The effect of a fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Effect {
    // Effects on calls, in place of the operation.
    /// The rate limit, in the service's words.
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

    // Effects on calls, after the operation.
    /// The operation takes effect, and the reply is a 500 `ServerException` or a reset.
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

    // Effects on placement.
    /// RunTask answers 200 with `failures`; with a `subnet` in the selector only that subnet has no room.
    NoCapacity {
        #[serde(default)]
        reason: Option<String>,
    },

    // Effects on replies about tasks.
    /// DescribeTasks answers `MISSING` to the first reads of the task, and StopTask, which counts as a read, that the
    /// task was not found. Without this effect and the next one, DescribeTasks does so to the first read.
    Missing { reads: u32 },
    /// DescribeTasks answers `MISSING` to this read of the task. The first one is 1.
    MissingOnce { read: u32 },
    /// Every n-th read shows the task as it was before its last change.
    StaleRead { every: u32 },
    /// The stopped task is forgotten after this time instead of an hour.
    Expiry { seconds: Seconds },
    /// DescribeTasks shows the end of a container no sooner than that of the task.
    LateContainers,
    /// Replies have statuses and members that no model has.
    UnknownValues,
    /// Another attachment comes first, and the details of the interface come in another order.
    AttachmentTraps,
    /// The public address shows only after this many EC2 reads of the interface.
    PublicIpLate { reads: u32 },

    // Effects on tasks.
    /// The task never runs.
    StartFailure {
        #[serde(default)]
        at: StartStep,
        #[serde(default)]
        reason: Option<String>,
        #[serde(default)]
        container_reason: Option<String>,
    },
    /// A step of the start takes this much longer.
    SlowStart { at: SlowStep, seconds: Spread },
    /// `FARGATE_SPOT` takes the capacity back this long after `RUNNING`.
    SpotInterruption { after_seconds: Seconds },
    /// ECS stops the task this long after `RUNNING`.
    Stop {
        after_seconds: Seconds,
        code: String,
        reason: String,
    },
    /// The task runs and ends between two reads: the first one that finds it finds it stopped.
    DiesUnseen {
        #[serde(default)]
        exit_code: i32,
    },

    // Effects on containers.
    /// The pull of the container's image takes this much longer.
    PullDelay { seconds: Seconds },
    /// The container is started this much later; the task is not `RUNNING` before.
    StartDelay { seconds: Seconds },
    /// The container counts as started, but its program starts this much later.
    ListenDelay { seconds: Seconds },
    /// The container ends this long after its start.
    Exit {
        after_seconds: Seconds,
        #[serde(default)]
        code: i32,
    },
    /// The container has an `/etc/hosts` of its own, which it does not share with the task's other containers.
    OwnHosts,
    /// The container is killed for its memory use this long after its start.
    OutOfMemory { after_seconds: Seconds },
    /// The port accepts connections, which stay silent for this long.
    PortDelay { seconds: Seconds },
    /// Nothing listens on the port, for this long or forever.
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
    /// Connections stay open after this many bytes to the client, and nothing passes: the first `connections` of them,
    /// or all.
    PortFreezes {
        after_bytes: u64,
        #[serde(default)]
        connections: Option<u64>,
    },
}

/// The scope of an effect. It decides which members of a selector are allowed beside the counts.
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
    /// The same effect for one task: what is drawn for each is drawn.
    pub(super) fn drawn(&self, random: &mut fastrand::Rng) -> Self {
        match self {
            Self::SlowStart { at, seconds } => Self::SlowStart {
                at: *at,
                seconds: seconds.draw(random),
            },
            other => other.clone(),
        }
    }

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
            | Self::SlowStart { .. }
            | Self::SpotInterruption { .. }
            | Self::Stop { .. }
            | Self::DiesUnseen { .. } => Scope::Task,
            Self::StartFailure { .. }
            | Self::PullDelay { .. }
            | Self::StartDelay { .. }
            | Self::ListenDelay { .. }
            | Self::Exit { .. }
            | Self::OwnHosts
            | Self::OutOfMemory { .. }
            | Self::PortDelay { .. }
            | Self::PortRefused { .. }
            | Self::PortDrops { .. }
            | Self::PortFreezes { .. } => Scope::Container,
        }
    }
}
