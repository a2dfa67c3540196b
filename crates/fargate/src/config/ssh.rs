//! `[SSH]`: the connection to a task.

use std::time::Duration;

use fargate_wire::HELPER_PORT;

use super::section::Section;

/// User name for the agent. The agent takes any name and runs scripts as its own user.
const AGENT_USER: &str = "fargate";

/// `[SSH]`: the connection to a task.
#[derive(Debug)]
pub(crate) struct Ssh {
    /// User that scripts run as.
    pub(crate) username: String,
    /// TCP port of the SSH server.
    pub(crate) port: u16,
    /// Bound of one attempt to connect.
    pub(crate) connect_timeout: Duration,
    /// Interval of checks on a silent connection.
    pub(crate) keepalive_interval: Duration,
    /// Time that a script runs on after a lost connection, while the driver reconnects.
    pub(crate) reconnect_timeout: Duration,
    /// Whether `fargate ssh` may enter a job's containers.
    pub(crate) is_interactive: bool,
}

/// Reads the section. JobImage mode ignores user and port, because they are the agent's.
pub(super) fn read(section: Section<'_>, by_job_image: bool) -> Option<Ssh> {
    let mut username = section.text("Username");
    if by_job_image {
        username = Some(AGENT_USER.to_owned());
    } else {
        let expected = "the user that scripts run as, like \"root\"";
        username = section.required("Username", username, expected);
    }
    let port = match section.integer("Port") {
        // As in GitLab's driver, where a number below 1 means the default.
        None | Some(..1) => 22,
        Some(port) => u16::try_from(port).unwrap_or_else(|_| {
            section.error("Port", &format!("is {port}, but must be 1 to 65535"));
            22
        }),
    };
    let ssh = username.map(|username| Ssh {
        username,
        port: if by_job_image { HELPER_PORT } else { port },
        connect_timeout: section.duration("ConnectTimeout", Duration::from_secs(10)),
        keepalive_interval: section.duration("KeepAliveInterval", Duration::from_secs(15)),
        reconnect_timeout: section.duration("ReconnectTimeout", Duration::from_secs(300)),
        is_interactive: section.boolean("Interactive").unwrap_or(true),
    });
    section.finish();
    ssh
}
