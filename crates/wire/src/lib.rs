//! Names, limits and messages that the driver and its agent share, and nothing else.
//!
//! Both sides depend on this crate, so that neither can change unnoticed by the other.

mod claim;
mod keep;
pub mod script;

pub use claim::{CLAIMABLE, CLAIMABLE_SUBSYSTEM, CLAIMED, Claim};
pub use keep::{LONGEST_KEEP, keep_subsystem, kept_until};

/// Name of the container that takes the job's scripts (contract: GitLab's guide, step 6).
pub const COORDINATOR_CONTAINER: &str = "ci-coordinator";

/// Environment variable of [`COORDINATOR_CONTAINER`] with the one public key that may log in.
///
/// The value is a line of an `authorized_keys` file (contract: GitLab's guide, step 1).
pub const PUBLIC_KEY_VARIABLE: &str = "SSH_PUBLIC_KEY";

/// TCP port that the agent listens on by default.
///
/// It is high, so that it needs no privilege, and below Linux's ephemeral ports, so that no outgoing connection of the
/// job can occupy it.
pub const AGENT_PORT: u16 = 7022;

/// TCP port of the agent in [`HELPER_CONTAINER`].
///
/// The containers of a task share one network, so it cannot be [`AGENT_PORT`].
pub const HELPER_PORT: u16 = 7023;

/// Name of the container that runs GitLab's own scripts: git, cache and artifacts (JobImage mode).
pub const HELPER_CONTAINER: &str = "helper";

/// Name of the container that copies the agent into [`AGENT_FOLDER`] and ends (JobImage mode).
pub const BOOTSTRAP_CONTAINER: &str = "bootstrap";

/// Mount point of the volume with the agent in the containers of a task (JobImage mode).
///
/// The name is hidden, so that hardly any image uses it.
pub const AGENT_FOLDER: &str = "/.fargate";

/// The agent's binary in [`AGENT_FOLDER`].
pub const AGENT_FILE: &str = "/.fargate/fargate-agent";

/// The task's SSH host key in [`AGENT_FOLDER`].
///
/// The bootstrap container makes it, and all agents of the task use it: a driver that pinned it at the first agent
/// recognises the others.
pub const HOST_KEY_FILE: &str = "/.fargate/host_key";

/// Mount point of the task's shared volume with the job's checkout (JobImage mode).
pub const BUILDS_FOLDER: &str = "/builds";

/// Mount point of the task's shared volume with the job's cache (JobImage mode).
pub const CACHE_FOLDER: &str = "/cache";

/// Environment variable with the host names of the task's services (JobImage mode).
///
/// They are separated by blanks, and resolve to the task itself.
pub const HOST_NAMES_VARIABLE: &str = "FARGATE_HOST_NAMES";

/// Environment variable with the seconds that an agent stays without a connected driver.
///
/// It exits after that, and the task ends.
pub const IDLE_LIMIT_VARIABLE: &str = "FARGATE_IDLE_LIMIT";

/// Environment variable with the time, in seconds since 1970, at which an agent exits.
///
/// The job's own time is over by then.
pub const DEADLINE_VARIABLE: &str = "FARGATE_DEADLINE";

/// Environment variable that, set to anything, has an agent refuse terminals to everybody.
pub const NO_TERMINALS_VARIABLE: &str = "FARGATE_NO_TERMINALS";

/// Start of the agent's SSH identification string (RFC 4253, section 4.2); the agent's version follows.
///
/// The driver recognises the agent among SSH servers by it.
pub const AGENT_SSH_ID: &str = "SSH-2.0-fargate-agent_";

/// Suffix of a signal's number in an `exit-signal` request.
///
/// It is for signals that RFC 4254 (section 6.10) does not name: `7@fargate-agent` is SIGBUS on Linux for x86 and ARM.
pub const NUMBERED_SIGNAL_SUFFIX: &str = "@fargate-agent";

/// SSH subsystem that prints the task's metadata as JSON.
///
/// The source is `/task` of ECS's task metadata endpoint, version 4. It ends with status 0, or with another status and
/// a message when the metadata cannot be read.
pub const METADATA_SUBSYSTEM: &str = "metadata@fargate-agent";

/// SSH subsystem that adds the names in [`HOST_NAMES_VARIABLE`] to `/etc/hosts` of the agent's container.
///
/// It prints the names that still do not resolve there, one per line, and ends with status 0.
pub const HOST_NAMES_SUBSYSTEM: &str = "host-names@fargate-agent";

/// SSH subsystem that prints the TCP ports that something listens on in the agent's network, one per line.
///
/// It runs nothing, so a waiting task may still be claimed. It ends with status 0, or with another status and a message
/// when the kernel's tables cannot be read.
pub const LISTENING_PORTS_SUBSYSTEM: &str = "listening-ports@fargate-agent";
