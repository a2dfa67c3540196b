//! What a statement of AWS's about a task's end means.

use super::statement::{Family, Statement};
use crate::text::Wording;

/// The cause of a task's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    SpotTaken,
    HostRetired,
    /// AWS's machine under the task failed.
    Infrastructure,
    NoCapacity,
    /// The account runs as much as it may.
    Quota,
    /// The account may never run a task of this size.
    SizeAboveQuota,
    /// The network interface was not there in time, or the subnet has no address left.
    NoInterface,
    /// EC2 refuses to make the network interface.
    InterfaceRefused,
    /// Trouble of AWS's own that may pass.
    Trouble,
    /// The task was sent to machines of the account, where nothing fits.
    OwnMachines,
    NotForFargate,
    RoleNotAssumed,
    // Images.
    RateLimit,
    RegistryUnknown,
    RegistryUnreached,
    AccessRefused,
    NoSpace,
    OtherPlatform,
    NoImage,
    /// Some other failure of a pull.
    Pull,
    // Services of AWS around the task.
    LogsUnreached,
    NoLogGroup,
    LogsRefused,
    ServicesUnreached,
    NoSecret,
    /// Some other failure to prepare what containers need.
    Initialization,
    FileSystem,
    // Containers.
    /// A container did not start because another one that it waits for failed.
    Dependency,
    /// The runtime cannot execute the image's entry point.
    EntryPoint,
    /// Some other failure to start a container.
    Start,
    Memory,
    /// A container's process ended.
    Exited,
    /// The driver's own container failed that brings the agent.
    Bootstrap,
}

/// Words of the network, from Go's standard library and AWS's advice (AWS: cannot pull container errors).
const UNREACHED: [&str; 13] = [
    "dial tcp",
    "dial udp",
    "i/o timeout",
    "tls handshake timeout",
    "context deadline exceeded",
    "context canceled",
    "request canceled",
    "connection issue between the task and",
    "check your … network configuration",
    "check your network configuration",
    "no route to host",
    "connection refused",
    "connection reset",
];
const REFUSED: [&str; 6] = [
    "denied",
    "unauthorized",
    "authorization",
    "forbidden",
    "not authorized to perform",
    "check that the role has the permissions",
];
const OTHER_PLATFORM: [&str; 4] = [
    "matching platform",
    "match for platform",
    "no matching manifest",
    "exec format error",
];
const MISSING: [&str; 5] = [
    "not found",
    "does not exist",
    "manifest unknown",
    "invalid reference",
    "check whether the image exists",
];
/// Words of the runtime that has not been able to execute a container's command.
const NOT_EXECUTED: [&str; 9] = [
    "exec: \"",
    "executable file not found",
    "starting container process caused",
    "unable to start container process",
    "unable to find user",
    "no matching entries in passwd",
    "failed to start …: no such file or directory",
    "failed to start …: permission denied",
    "oci runtime attempted to invoke a command that was not found",
];

impl Statement<'_> {
    /// The cause that the statement names.
    pub(super) fn cause(&self) -> Option<Cause> {
        let wording = &self.wording;
        Some(match self.family {
            Family::Pull => pull(wording),
            Family::Start => start(wording),
            Family::Initialization => initialization(wording),
            Family::Memory => Cause::Memory,
            Family::Runtime => Cause::Trouble,
            Family::NotFound => Cause::NoSecret,
            Family::Volume => Cause::FileSystem,
            Family::None => return placement(wording),
        })
    }
}

fn pull(wording: &Wording) -> Cause {
    if wording.says_any(&["toomanyrequests", "too many requests", "rate limit"]) {
        Cause::RateLimit
    } else if wording.says("no such host") {
        Cause::RegistryUnknown
    } else if wording.says_any(&UNREACHED) || wording.says("network is unreachable") {
        Cause::RegistryUnreached
    } else if wording.says("no space left") {
        Cause::NoSpace
    } else if wording.says_any(&REFUSED) {
        Cause::AccessRefused
    } else if wording.says_any(&OTHER_PLATFORM) {
        Cause::OtherPlatform
    } else if wording.says_any(&MISSING) {
        Cause::NoImage
    } else {
        Cause::Pull
    }
}

fn start(wording: &Wording) -> Cause {
    if wording.says("container ordering dependency") {
        Cause::Dependency
    } else if wording.says("exec format error") {
        Cause::OtherPlatform
    } else if wording.says("no space left") {
        Cause::NoSpace
    } else if wording.says_any(&["logging driver", "logger args"]) {
        logs(wording)
    } else if wording.says_any(&NOT_EXECUTED) {
        Cause::EntryPoint
    } else if wording.says_any(&["context deadline exceeded", "timed out"]) {
        Cause::Trouble
    } else {
        Cause::Start
    }
}

fn initialization(wording: &Wording) -> Cause {
    if wording.says_any(&["container runtime task", "create new container"]) {
        // The runtime says so of a container, without the family of those.
        start(wording)
    } else if wording.says_any(&["logging driver", "logger args", "cloudwatch log"]) {
        logs(wording)
    } else if wording.says_any(&["efs utils", "volumes"]) {
        Cause::FileSystem
    } else if wording.says("unable to assume the …role") {
        Cause::RoleNotAssumed
    } else if wording.says_any(&UNREACHED) || wording.says("no such host") {
        Cause::ServicesUnreached
    } else if wording.says("ResourceNotFoundException") {
        Cause::NoSecret
    } else {
        Cause::Initialization
    }
}

/// An unreachable CloudWatch reads as a missing log group, and names the connection after it. A program that AWS starts
/// for the look-up is killed when that takes too long.
fn logs(wording: &Wording) -> Cause {
    if wording.says_any(&UNREACHED) || wording.says_any(&["no such host", "signal: killed"]) {
        Cause::LogsUnreached
    } else if wording.says_any(&["AccessDenied", "not authorized to perform"]) {
        Cause::LogsRefused
    } else {
        Cause::NoLogGroup
    }
}

/// Single words and their like are about machines of the account (AWS: API failure reasons).
const OWN_MACHINES: [&str; 7] = [
    "taskfailedtostart: resource:",
    "taskfailedtostart: agent",
    "taskfailedtostart: attribute",
    "taskfailedtostart: memberof placement constraint",
    "taskfailedtostart: no active instances",
    "taskfailedtostart: empty capacity provider",
    "unable to attach network interface to unused device index",
];

/// A statement without a family: about the place for the task, or about its end.
fn placement(wording: &Wording) -> Option<Cause> {
    let interface = "attempting to create network interface";
    Some(if wording.says("capacity is unavailable at this time") {
        Cause::NoCapacity
    } else if wording.says("reached the limit on the number of … you can run concurrently") {
        Cause::Quota
    } else if wording.says("the requested … configuration is above your limit") {
        Cause::SizeAboveQuota
    } else if wording.says("waiting for network interface provisioning") {
        Cause::NoInterface
    } else if wording.says("rate limit exceeded while attempting")
        || wording.says("timeout waiting for … provisioning")
    {
        Cause::Trouble
    } else if wording.says(interface) && wording.says_any(&["unauthorizedoperation", ": invalid"]) {
        Cause::InterfaceRefused
    } else if wording.says(interface) {
        Cause::NoInterface
    } else if wording.says("ecs was unable to assume the role") {
        Cause::RoleNotAssumed
    } else if wording.says("not compatible with the selected compute strategy") {
        Cause::NotForFargate
    } else if wording.says_any(&OWN_MACHINES) {
        Cause::OwnMachines
    } else if wording.says("essential container in task exited") {
        Cause::Exited
    } else {
        return None;
    })
}
