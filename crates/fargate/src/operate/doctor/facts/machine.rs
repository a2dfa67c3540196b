//! This machine.

use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::pulls::Pulls;
use super::reaper;
use crate::aws::certificate_fault;
use crate::state::identity::machine;

/// This machine.
#[derive(Debug)]
pub(in super::super) struct Machine {
    /// The metadata folder, where the configuration names one.
    pub(in super::super) folder: Option<Folder>,
    /// The users that GitLab Runner runs as now.
    pub(in super::super) runner_users: Vec<u32>,
    /// Why no server's certificate can be checked, if so.
    pub(in super::super) certificate_fault: Option<String>,
    /// This program, as timers have to call it.
    pub(in super::super) program: PathBuf,
    /// The file of a timer that calls `fargate reap`.
    pub(in super::super) reaper: Option<PathBuf>,
    /// Id of the EC2 instance, as its firmware says; also known in a container.
    pub(in super::super) instance_id: Option<String>,
    /// Pulls of this month.
    pub(in super::super) pulls: Vec<Pulls>,
    /// Memory that programs can still get (Linux: `MemAvailable`).
    pub(in super::super) available_mib: Option<u64>,
}

impl Machine {
    pub(super) fn look(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Folder::look),
            runner_users: runner_users(),
            certificate_fault: certificate_fault(),
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("fargate")),
            reaper: reaper::find(),
            instance_id: Some(machine()).filter(|id| id.starts_with("i-")),
            pulls: folder.map(Pulls::look).unwrap_or_default(),
            available_mib: available_mib(),
        }
    }
}

fn available_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib >> 10)
}

/// The owners of the processes called `gitlab-runner`.
fn runner_users() -> Vec<u32> {
    use std::os::unix::fs::MetadataExt;
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_runner = |folder: &Path| {
        let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default();
        name.trim_end() == "gitlab-runner"
    };
    let mut users: Vec<_> = processes
        .flatten()
        .filter(|process| is_runner(&process.path()))
        .filter_map(|process| Some(process.metadata().ok()?.uid()))
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}
