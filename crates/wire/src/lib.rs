//! What the driver and its agent must agree on: names, limits and the form of messages, and nothing else.
//!
//! Both sides depend on this crate, so that neither can drift from the other unnoticed.

pub mod script;

/// Name of the container that takes the job's scripts (contract: GitLab's guide, step 6).
pub const COORDINATOR_CONTAINER: &str = "ci-coordinator";

/// Environment variable of [`COORDINATOR_CONTAINER`] with the one public key that may log in, as a line of
/// an `authorized_keys` file (contract: GitLab's guide, step 1).
pub const PUBLIC_KEY_VARIABLE: &str = "SSH_PUBLIC_KEY";

/// TCP port the agent listens on unless told otherwise. High, so that it needs no privilege, and below
/// Linux's range of ephemeral ports, so that no outgoing connection of the job can be holding it.
pub const AGENT_PORT: u16 = 7022;

/// TCP port of the agent in [`HELPER_CONTAINER`]: the containers of a task share one network, so it cannot be
/// [`AGENT_PORT`].
pub const HELPER_PORT: u16 = 7023;

/// Name of the container that runs what is not the job author's: git, cache and artifacts (JobImage mode).
pub const HELPER_CONTAINER: &str = "helper";

/// Name of the container that puts the agent into [`AGENT_FOLDER`] and ends (JobImage mode).
pub const BOOTSTRAP_CONTAINER: &str = "bootstrap";

/// Where the volume with the agent is mounted in the containers of a task (JobImage mode). Hidden, so that no
/// image is likely to have something there.
pub const AGENT_FOLDER: &str = "/.fargate";

/// The agent in [`AGENT_FOLDER`].
pub const AGENT_FILE: &str = "/.fargate/fargate-agent";

/// The task's one SSH host key in [`AGENT_FOLDER`], made by the bootstrap container and used by all of the
/// task's agents: whoever pinned it at the first knows the others.
pub const HOST_KEY_FILE: &str = "/.fargate/host_key";

/// Where the task's shared volume with the job's checkout is mounted (JobImage mode).
pub const BUILDS_FOLDER: &str = "/builds";

/// Where the task's shared volume with the job's cache is mounted (JobImage mode).
pub const CACHE_FOLDER: &str = "/cache";

/// Environment variable with the host names, separated by blanks, that are to lead to the task itself: those of
/// its services (JobImage mode).
pub const HOST_NAMES_VARIABLE: &str = "FARGATE_HOST_NAMES";

/// Environment variable with how many seconds an agent stays without any driver connected; it leaves then, and
/// the task ends.
pub const IDLE_LIMIT_VARIABLE: &str = "FARGATE_IDLE_LIMIT";

/// Environment variable with the time, in seconds since 1970, at which an agent leaves: the job has run out of
/// its own time by then.
pub const DEADLINE_VARIABLE: &str = "FARGATE_DEADLINE";

/// Start of the agent's SSH identification string (RFC 4253, section 4.2); its version follows. The driver
/// tells the agent from other SSH servers by it.
pub const AGENT_SSH_ID: &str = "SSH-2.0-fargate-agent_";

/// What follows the number of a signal in an `exit-signal` request where RFC 4254 (section 6.10) has no name
/// for it: `7@fargate-agent` is SIGBUS on Linux for x86 and ARM.
pub const NUMBERED_SIGNAL_SUFFIX: &str = "@fargate-agent";

/// SSH subsystem in which the agent prints what ECS says of the task within it, as JSON (ECS: task metadata endpoint, version
/// 4, `/task`), and ends with status 0; with another one and a message when it cannot.
pub const METADATA_SUBSYSTEM: &str = "metadata@fargate-agent";
