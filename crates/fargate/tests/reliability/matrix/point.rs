//! The points of a job's life at which faults strike.

use testing::SshServer;

/// When in a job's life a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// prepare asks whether the job's task definition is there (JobImage mode).
    LookingUp,
    /// prepare registers it.
    Registering,
    /// prepare asks for a task.
    Starting,
    /// prepare ends what others left, while it waits.
    Sweeping,
    /// prepare waits until the task runs.
    Pending,
    /// prepare asks EC2 for the task's public address.
    Addressing,
    /// The task runs, and prepare waits until it takes scripts.
    Connecting,
    /// The first script runs: get_sources.
    First,
    /// The job's script runs.
    Build,
    /// after_script runs.
    After,
    /// The connection of a script is lost, and run asks AWS why.
    Asking,
    /// cleanup stops the task.
    Stopping,
    /// cleanup looks for the task of a prepare that was killed while it asked for one.
    Searching,
}

pub(crate) const POINTS: [Point; 13] = [
    Point::LookingUp,
    Point::Registering,
    Point::Starting,
    Point::Sweeping,
    Point::Pending,
    Point::Addressing,
    Point::Connecting,
    Point::First,
    Point::Build,
    Point::After,
    Point::Asking,
    Point::Stopping,
    Point::Searching,
];

impl Point {
    /// The operation that is called there.
    pub(crate) fn operation(self) -> Option<&'static str> {
        match self {
            Self::LookingUp => Some("DescribeTaskDefinition"),
            Self::Registering => Some("RegisterTaskDefinition"),
            Self::Starting => Some("RunTask"),
            Self::Pending | Self::Asking => Some("DescribeTasks"),
            Self::Addressing => Some("DescribeNetworkInterfaces"),
            Self::Stopping => Some("StopTask"),
            Self::Sweeping | Self::Searching => Some("ListTasks"),
            Self::Connecting | Self::First | Self::Build | Self::After => None,
        }
    }

    /// The stage of the runner that runs there, of those that run scripts.
    pub(crate) fn script(self) -> Option<&'static str> {
        match self {
            Self::First => Some("get_sources"),
            Self::Build | Self::Asking => Some("build_script"),
            Self::After => Some("after_script"),
            _ => None,
        }
    }

    /// What takes the scripts, where it matters: OpenSSH, our agent, or our agent twice (JobImage mode).
    pub(crate) fn servers(self) -> &'static [SshServer] {
        match self {
            Self::LookingUp | Self::Registering => &[SshServer::JobImage],
            Self::Starting
            | Self::Sweeping
            | Self::Addressing
            | Self::Stopping
            | Self::Searching => &[SshServer::Agent],
            Self::Pending => &[SshServer::Agent, SshServer::JobImage],
            Self::Connecting | Self::First | Self::Build => {
                &[SshServer::OpenSsh, SshServer::Agent, SshServer::JobImage]
            }
            Self::After | Self::Asking => &[SshServer::OpenSsh, SshServer::Agent],
        }
    }
}
