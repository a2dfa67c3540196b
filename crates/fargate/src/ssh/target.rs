//! A server to connect to.

use std::net::SocketAddr;
use std::time::Duration;

/// Where to connect, and how patiently.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Address and port of the SSH server.
    pub(crate) address: SocketAddr,
    /// User to log in as.
    pub(crate) username: String,
    /// The server's key in OpenSSH's form, when it is known already.
    pub(crate) host_key: Option<String>,
    /// Bound of reaching the port. While a task starts its packets are dropped rather than refused, and a new
    /// attempt gets through sooner than the system's repetition of an old one.
    pub(crate) reach_timeout: Duration,
    /// Bound of the rest: agreeing on keys and logging in.
    pub(crate) connect_timeout: Duration,
    /// How often a silent connection is checked; it counts as lost after three unanswered checks.
    pub(crate) keepalive_interval: Duration,
}
