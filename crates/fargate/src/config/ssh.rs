//! `[SSH]`.

use std::time::Duration;

/// `[SSH]`: how the task is reached.
#[derive(Debug)]
pub(crate) struct Ssh {
    /// Whom scripts run as.
    pub(crate) username: String,
    /// TCP port of the SSH server.
    pub(crate) port: u16,
    /// Bound of one attempt to connect.
    pub(crate) connect_timeout: Duration,
    /// How often a silent connection is checked.
    pub(crate) keepalive_interval: Duration,
    /// How long a script goes on after its connection was lost, and the driver tries to get it back.
    pub(crate) reconnect_timeout: Duration,
}
