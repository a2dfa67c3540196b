//! `[SSH]`.

use std::time::Duration;

use fargate_wire::HELPER_PORT;

use super::section::Section;

/// Whom the driver logs in as where the agent listens, which takes any name: it is its own user.
const AGENT_USER: &str = "fargate";

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

/// How the task is reached. In JobImage mode that is the agent's: user and port are not the operator's to choose.
pub(super) fn read(section: Section<'_>, by_job_image: bool) -> Option<Ssh> {
    let mut username = section.text("Username");
    if by_job_image {
        username = Some(AGENT_USER.to_owned());
    } else {
        let what = "whom scripts run as, like \"root\"";
        username = section.required("Username", username, what);
    }
    let port = match section.integer("Port") {
        // As in GitLab's driver, where anything below 1 meant the default.
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
    });
    section.finish();
    ssh
}
