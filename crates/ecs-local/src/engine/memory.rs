//! The memory that a container uses, as the control groups of this machine show it.
//!
//! The engine's own statistics are no help: Podman leaves out the cache, which the kernel would give back first.

use std::fs;
use std::path::{Path, PathBuf};

/// The mount point of the control groups (Linux: file hierarchy of cgroups).
const ROOT: &str = "/sys/fs/cgroup";

/// The control group of a container.
#[derive(Clone, Debug)]
pub(crate) struct ContainerMemory {
    /// The file with the bytes in use, and that with their kinds.
    usage: PathBuf,
    kinds: PathBuf,
    /// The kind of cache that nobody used lately.
    inactive: &'static str,
}

impl ContainerMemory {
    /// The control group of the container with this ID and first process, where the machine shows it.
    ///
    /// A process that has ended is in the group of the whole machine, so the name of the group has to hold the ID, as
    /// with Docker and Podman.
    pub(super) fn of_container(id: &str, pid: i64) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let (first, second) = (version_1(&groups), version_2(&groups));
        let mut found = first.into_iter().chain(second);
        found.find(|memory| memory.usage.to_string_lossy().contains(id) && memory.usage.exists())
    }

    /// The bytes in use that the kernel cannot simply give back; nothing when the container is gone.
    pub(crate) fn used(&self) -> Option<u64> {
        let usage: u64 = fs::read_to_string(&self.usage).ok()?.trim().parse().ok()?;
        let kinds = fs::read_to_string(&self.kinds).ok()?;
        let inactive = kinds.lines().find_map(|line| {
            let (kind, bytes) = line.split_once(' ')?;
            bytes.parse().ok().filter(|_| kind == self.inactive)
        });
        Some(usage.saturating_sub(inactive.unwrap_or(0)))
    }
}

/// A line `N:memory:/path` of `/proc/PID/cgroup`.
fn version_1(groups: &str) -> Option<ContainerMemory> {
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let controllers = parts.nth(1)?;
        let path = parts.next()?;
        controllers
            .split(',')
            .any(|one| one == "memory")
            .then_some(path)
    })?;
    let folder = Path::new(ROOT)
        .join("memory")
        .join(path.trim_start_matches('/'));
    Some(ContainerMemory {
        usage: folder.join("memory.usage_in_bytes"),
        kinds: folder.join("memory.stat"),
        inactive: "total_inactive_file",
    })
}

/// The line `0::/path`.
fn version_2(groups: &str) -> Option<ContainerMemory> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new(ROOT).join(path);
    Some(ContainerMemory {
        usage: folder.join("memory.current"),
        kinds: folder.join("memory.stat"),
        inactive: "inactive_file",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_read() {
        let first =
            version_1("11:cpu,cpuacct:/a\n9:memory:/libpod_parent/libpod-7f\n0::/x\n").unwrap();
        let folder = "/sys/fs/cgroup/memory/libpod_parent/libpod-7f";
        assert_eq!(first.usage, Path::new(folder).join("memory.usage_in_bytes"));
        let second = version_2("0::/system.slice/docker-7f.scope\n").unwrap();
        let folder = "/sys/fs/cgroup/system.slice/docker-7f.scope";
        assert_eq!(second.usage, Path::new(folder).join("memory.current"));
        assert!(version_1("0::/x\n").is_none() && version_2("9:memory:/a\n").is_none());
    }

    #[test]
    fn cache_that_nobody_uses_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let memory = ContainerMemory {
            usage: folder.path().join("usage"),
            kinds: folder.path().join("stat"),
            inactive: "inactive_file",
        };
        assert_eq!(memory.used(), None);
        fs::write(&memory.usage, "1000\n").unwrap();
        fs::write(
            &memory.kinds,
            "anon 600\ninactive_file 300\nactive_file 100\n",
        )
        .unwrap();
        assert_eq!(memory.used(), Some(700));
    }
}
