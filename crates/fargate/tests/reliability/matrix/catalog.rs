//! What can go wrong.

use serde_json::{Value, json};

use super::point::Point;

/// How a fault comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It happens to calls of AWS: to one, and to all that come.
    Call,
    /// It happens to calls of the operation of this point.
    CallAt(Point),
    /// Tasks have it from their start, and it shows at one of these points.
    Task(&'static [Point]),
    /// The port of the container that takes scripts has it.
    Port(&'static [Point]),
    /// It strikes a task at one of these points.
    Strike(&'static [Point]),
}

/// Something that can go wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As the stand-in takes them.
    pub(crate) effects: Vec<Value>,
}

const SCRIPTS: &[Point] = &[Point::First, Point::Build, Point::After];
const RUNNING: &[Point] = &[Point::Connecting, Point::First, Point::Build, Point::After];
const ALIVE: &[Point] = &[
    Point::Pending,
    Point::Connecting,
    Point::First,
    Point::Build,
    Point::After,
];
const PENDING: &[Point] = &[Point::Pending];

/// Every fault there is. Each effect that `docs/local.md` names is in it.
pub(crate) fn catalog() -> Vec<Fault> {
    let fault = |name, kind, effect| Fault {
        name,
        kind,
        effects: vec![effect],
    };
    let fails = |name, at: &str, reason: &str| {
        let effect = json!({ "start_failure": { "at": at, "reason": reason } });
        fault(name, Kind::Task(PENDING), effect)
    };
    let refused = |name, code: &str, message: &str| {
        let effect = json!({ "error": { "status": 400, "code": code, "message": message } });
        fault(name, Kind::CallAt(Point::Starting), effect)
    };
    let blocked = json!({ "error": { "status": 400, "code": "BlockedException",
        "message": "Your account has been blocked." } });
    let retired = json!({ "stop": { "after_seconds": 0, "code": "TerminationNotice",
        "reason": "ECS is performing maintenance on the underlying infrastructure hosting the task" } });
    let unhealthy = json!({ "stop": { "after_seconds": 0, "code": "InfrastructureHealth",
        "reason": "The infrastructure of the task is impaired" } });
    let mut bare = fault("bare_errors", Kind::Call, json!("bare_errors"));
    bare.effects.push(json!("throttle"));
    vec![
        fault("throttle", Kind::Call, json!("throttle")),
        fault("server_error", Kind::Call, json!("server_error")),
        fault("unavailable", Kind::Call, json!("service_unavailable")),
        fault("denied", Kind::Call, json!("access_denied")),
        fault("expired", Kind::Call, json!("expired_credentials")),
        fault("unrecognized", Kind::Call, json!("unrecognized_client")),
        fault("blocked", Kind::Call, blocked),
        fault("reset", Kind::Call, json!("connection_reset")),
        fault("lost_reply", Kind::Call, json!({ "lost_reply": {} })),
        fault(
            "lost_by_reset",
            Kind::Call,
            json!({ "lost_reply": { "reset": true } }),
        ),
        // Longer than an attempt of a call may take.
        fault(
            "slow",
            Kind::Call,
            json!({ "slow_reply": { "seconds": 12 } }),
        ),
        fault("truncated", Kind::Call, json!("truncated_reply")),
        bare,
        fault(
            "ec2_throttle",
            Kind::CallAt(Point::Starting),
            json!({ "ec2_throttle": {} }),
        ),
        fault(
            "concurrent",
            Kind::CallAt(Point::Registering),
            json!("concurrent_registration"),
        ),
        fault(
            "no_capacity",
            Kind::CallAt(Point::Starting),
            json!({ "no_capacity": {} }),
        ),
        refused(
            "refused_tags",
            "InvalidParameterException",
            "Some tags contain invalid characters. \
            Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.",
        ),
        refused(
            "denied_tags",
            "AccessDeniedException",
            "User: arn:aws:sts::000000000000:assumed-role/ci/i-0 is not \
            authorized to perform: ecs:TagResource on resource: arn:aws:ecs:eu-west-1:000000000000:task/ci/*",
        ),
        // A cluster without a default strategy, in the three ways in which AWS tells it.
        refused(
            "no_instances",
            "InvalidParameterException",
            "No Container Instances were found in your cluster.",
        ),
        refused(
            "no_platform",
            "InvalidParameterException",
            "The platform version must be null when specifying an EC2 \
            launch type.",
        ),
        refused(
            "no_public_ip",
            "InvalidParameterException",
            "Assign public IP is not supported for this launch type.",
        ),
        fault(
            "missing",
            Kind::Task(PENDING),
            json!({ "missing": { "reads": 3 } }),
        ),
        fault(
            "late_containers",
            Kind::Task(PENDING),
            json!("late_containers"),
        ),
        fault(
            "missing_once",
            Kind::Task(PENDING),
            json!({ "missing_once": { "read": 2 } }),
        ),
        fault(
            "stale",
            Kind::Task(PENDING),
            json!({ "stale_read": { "every": 2 } }),
        ),
        fault(
            "forgotten",
            Kind::Task(&[Point::Asking, Point::Stopping]),
            json!({ "expiry": { "seconds": 0 } }),
        ),
        fault(
            "unknown_values",
            Kind::Task(PENDING),
            json!("unknown_values"),
        ),
        fault(
            "attachments",
            Kind::Task(PENDING),
            json!("attachment_traps"),
        ),
        fault(
            "late_address",
            Kind::Task(&[Point::Addressing]),
            json!({ "public_ip_late": { "reads": 3 } }),
        ),
        fails(
            "no_interface",
            "network",
            "Timeout waiting for network interface provisioning to complete.",
        ),
        fails(
            "no_addresses",
            "network",
            "Unexpected EC2 error while attempting to Create Network Interface with public IP \
            assignment disabled in subnet 'subnet-1': InsufficientFreeAddressesInSubnet",
        ),
        fails(
            "no_room_after_all",
            "network",
            "Capacity is unavailable at this time. Please try again later or in a \
            different availability zone",
        ),
        fails(
            "internal",
            "network",
            "InternalError: the network interface was not attached in time",
        ),
        fails(
            "no_image",
            "pull",
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to \
            resolve ref r.example.com/ruby:3.3: r.example.com/ruby:3.3: not found",
        ),
        fails(
            "no_way_to_registry",
            "pull",
            "CannotPullContainerError: failed to resolve ref r.example.com/ruby:3.3: dial tcp \
            192.0.2.1:443: i/o timeout",
        ),
        fails(
            "pull_limit",
            "pull",
            "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit.",
        ),
        fails(
            "no_secrets",
            "pull",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
            retrieval failed: dial tcp 192.0.2.1:443: i/o timeout",
        ),
        fails(
            "no_log_group",
            "pull",
            "ResourceInitializationError: failed to initialize logging driver: The task cannot find \
            the Amazon CloudWatch log group",
        ),
        fails(
            "bad_entry_point",
            "start",
            "CannotStartContainerError: failed to create container: exec: \"nope\": executable \
            file not found in $PATH",
        ),
        fails(
            "no_volume",
            "start",
            "CannotCreateVolumeError: Error response from daemon: get volume: no such volume",
        ),
        fails(
            "runtime_timeout",
            "start",
            "ContainerRuntimeTimeoutError: Could not transition to running; timed out after \
            waiting 1m: x",
        ),
        fault(
            "dies_unseen",
            Kind::Task(PENDING),
            json!({ "dies_unseen": { "exit_code": 1 } }),
        ),
        fault(
            "slow_pull",
            Kind::Task(PENDING),
            json!({ "pull_delay": { "seconds": 2 } }),
        ),
        fault(
            "slow_start",
            Kind::Task(PENDING),
            json!({ "start_delay": { "seconds": 2 } }),
        ),
        fault(
            "slow_address",
            Kind::Task(PENDING),
            json!({ "slow_start": { "at": "address", "seconds": 2 } }),
        ),
        fault(
            "slow_program",
            Kind::Task(PENDING),
            json!({ "listen_delay": { "seconds": 2 } }),
        ),
        fault(
            "late_port",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_refused": { "seconds": 2 } }),
        ),
        fault(
            "no_port",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_refused": {} }),
        ),
        fault(
            "silent_at_first",
            Kind::Port(&[Point::Connecting]),
            // ConnectTimeout leaves room for a busy machine.
            json!({ "port_delay": { "seconds": 1 } }),
        ),
        fault(
            "silent",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_delay": { "seconds": 1000 } }),
        ),
        // In the middle of the handshake.
        fault(
            "drops_once",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_drops": { "after_bytes": 300, "connections": 1 } }),
        ),
        fault(
            "drops_early",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_drops": { "after_bytes": 300 } }),
        ),
        fault(
            "freezes_once",
            Kind::Port(&[Point::Connecting]),
            json!({ "port_freezes": { "after_bytes": 300, "connections": 1 } }),
        ),
        // More than the scripts print, but for the one of the point.
        fault(
            "drops",
            Kind::Port(SCRIPTS),
            json!({ "port_drops": { "after_bytes": 150_000 } }),
        ),
        fault(
            "freezes",
            Kind::Port(SCRIPTS),
            json!({ "port_freezes": { "after_bytes": 150_000 } }),
        ),
        // A path that drops large packets: the login fits through it, and the script's output does not.
        fault(
            "drops_large",
            Kind::Port(SCRIPTS),
            json!({ "port_drops": { "after_bytes": 30_000 } }),
        ),
        fault(
            "freezes_large",
            Kind::Port(SCRIPTS),
            json!({ "port_freezes": { "after_bytes": 5_000 } }),
        ),
        fault(
            "spot",
            Kind::Strike(ALIVE),
            json!({ "spot_interruption": { "after_seconds": 0 } }),
        ),
        fault("retired", Kind::Strike(ALIVE), retired),
        fault("unhealthy", Kind::Strike(ALIVE), unhealthy),
        fault(
            "exits",
            Kind::Strike(RUNNING),
            json!({ "exit": { "after_seconds": 0, "code": 1 } }),
        ),
        fault(
            "memory",
            Kind::Strike(RUNNING),
            json!({ "out_of_memory": { "after_seconds": 0 } }),
        ),
    ]
}

impl Fault {
    /// Whether the next task may be without it.
    pub(crate) fn may_pass(&self) -> bool {
        let lasting = ["start_failure", "dies_unseen"];
        self.effects
            .iter()
            .any(|effect| lasting.contains(&name(effect).as_str()))
    }
}

/// The name of an effect.
pub(crate) fn name(effect: &Value) -> String {
    match effect {
        Value::String(name) => name.clone(),
        Value::Object(members) => members.keys().next().unwrap().clone(),
        other => panic!("{other} is no effect"),
    }
}
