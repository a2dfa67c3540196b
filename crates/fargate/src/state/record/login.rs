//! How the task of a job is reached.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How a run logs in to the task.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Address of the task.
    pub(crate) address: IpAddr,
    /// Port of its SSH server.
    pub(crate) port: u16,
    /// User of the session.
    pub(crate) username: String,
    /// The server's key that prepare saw, in OpenSSH's form; every run requires it.
    pub(crate) host_key: String,
    /// The job's private key, in OpenSSH's form. Never leaves the manager.
    pub(crate) private_key: String,
}

impl Login {
    /// The login to another port of the same task.
    pub(crate) fn on_port(&self, port: u16) -> Self {
        Self {
            port,
            ..self.clone()
        }
    }
}

/// Without the key: debug output may be logged.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            username,
            address,
            port,
            host_key,
            ..
        } = self;
        write!(f, "{username}@{address} port {port}, {host_key}")
    }
}
