//! What the driver and its agent must agree on: names, versions and limits, and nothing else.
//!
//! Both sides depend on this crate, so that neither can drift from the other unnoticed.

/// Name of the container that takes the job's scripts (contract: GitLab's guide, step 6).
pub const COORDINATOR_CONTAINER: &str = "ci-coordinator";

/// Environment variable of [`COORDINATOR_CONTAINER`] with the one public key that may log in, as a line of
/// an `authorized_keys` file (contract: GitLab's guide, step 1).
pub const PUBLIC_KEY_VARIABLE: &str = "SSH_PUBLIC_KEY";

/// TCP port the agent listens on unless told otherwise. High, so that it needs no privilege, and below
/// Linux's range of ephemeral ports, so that no outgoing connection of the job can be holding it.
pub const AGENT_PORT: u16 = 7022;

/// Start of the agent's SSH identification string (RFC 4253, section 4.2); its version follows. The driver
/// tells the agent from other SSH servers by it.
pub const AGENT_SSH_ID: &str = "SSH-2.0-fargate-agent_";

/// What follows the number of a signal in an `exit-signal` request where RFC 4254 (section 6.10) has no name
/// for it: `7@fargate-agent` is SIGBUS on Linux for x86 and ARM.
pub const NUMBERED_SIGNAL_SUFFIX: &str = "@fargate-agent";
