//! The names of a task's services, in `/etc/hosts` of all its containers.
//!
//! All containers of a task share one network, so every service is at 127.0.0.1. ECS has a setting for such names, but
//! not in Fargate's network mode. The images of jobs and services cannot write the file: they may run as any user, and
//! services run no agent at all. The helper therefore writes it for them. It runs as root, sees the processes of all
//! containers, and each process shows the root folder of its own container under `/proc`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use fargate_wire::{BUILDS_FOLDER, HOST_NAMES_VARIABLE};
use rustix::fs::{CWD, Mode, OFlags, openat};
use tokio::time::sleep;

/// Pause between looks for containers that have just started.
const PAUSE: Duration = Duration::from_millis(200);

/// Pause between looks at the own file, which the helper may have to write.
const STEP: Duration = Duration::from_millis(20);

/// Number of looks at the own file.
const STEPS: u32 = 100;

/// Bytes read of a file at most. No resolver works with more.
const LIMIT: u64 = 1024 * 1024;

/// Host names that resolve to the task itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostNames(Vec<String>);

impl HostNames {
    /// Reads [`HOST_NAMES_VARIABLE`], and leaves out every word that cannot be a host name.
    pub(crate) fn from_environment() -> Self {
        Self::parse(&std::env::var(HOST_NAMES_VARIABLE).unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let is_name = |name: &&str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self(
            text.split_whitespace()
                .filter(is_name)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Writes them to the file of every container of the task, also of those that start later. Never returns.
    pub(crate) async fn write_to_all_containers(&self) {
        let mut done = HashSet::new();
        while !self.0.is_empty() {
            done = self.write_to_new_containers(&done);
            sleep(PAUSE).await;
        }
    }

    /// Looks at each container once; returns the containers that have the names.
    fn write_to_new_containers(&self, done: &HashSet<u64>) -> HashSet<u64> {
        let mut seen = HashSet::new();
        let mut have = HashSet::new();
        let Ok(processes) = fs::read_dir("/proc") else {
            return have;
        };
        for process in processes.flatten().map(|entry| entry.path()) {
            // It is not a process, or one that has just ended.
            let Ok(container) = fs::metadata(process.join("ns/mnt")) else {
                continue;
            };
            let container = container.ino();
            if done.contains(&container) {
                have.insert(container);
            } else if !seen.contains(&container)
                && let Ok(is_ours) = is_in_task(&process)
            {
                seen.insert(container);
                if is_ours && self.add(&process.join("root")).is_ok() {
                    have.insert(container);
                }
            }
        }
        have
    }

    /// Waits until this container has the names, at most for a moment: scripts may need them at once.
    pub(crate) async fn wait_for_own_file(&self) {
        if self.0.is_empty() || !is_in_task(Path::new("/proc/self")).unwrap_or(false) {
            return;
        }
        for _ in 0..STEPS {
            // Without the right to write, this still succeeds once no name is missing.
            if self.add(Path::new("/")).is_ok() {
                return;
            }
            sleep(STEP).await;
        }
    }

    /// Adds the missing names to the file below `root`.
    fn add(&self, root: &Path) -> io::Result<()> {
        // Links would lead out of that root folder into our own.
        let etc = openat(
            CWD,
            root.join("etc"),
            OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let open = |access| {
            let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | access;
            openat(&etc, "hosts", flags, Mode::from_raw_mode(0o644)).map(File::from)
        };
        let mut text = Vec::new();
        match open(OFlags::RDONLY) {
            Ok(file) if file.metadata()?.is_file() => {
                file.take(LIMIT).read_to_end(&mut text)?;
            }
            Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
            Err(rustix::io::Errno::NOENT) => (),
            Err(error) => return Err(error.into()),
        }
        match self.missing_in(&String::from_utf8_lossy(&text)) {
            Some(lines) => {
                open(OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)?.write_all(lines.as_bytes())
            }
            None => Ok(()),
        }
    }

    /// The lines that are missing in a file with this text.
    fn missing_in(&self, text: &str) -> Option<String> {
        let present: HashSet<&str> = text.lines().collect();
        let mut lines: Vec<_> = self
            .0
            .iter()
            .map(|name| format!("127.0.0.1 {name}"))
            .collect();
        lines.retain(|line| !present.contains(line.as_str()));
        if lines.is_empty() {
            return None;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            lines.insert(0, String::new());
        }
        lines.push(String::new());
        Some(lines.join("\n"))
    }
}

/// Whether a process is in one of the task's containers, which all mount the shared volume at the same place.
///
/// It is not when the agent runs outside of a task, as in tests, nor when its container is still being created: such a
/// process sees the machine's own files.
pub(crate) fn is_in_task(process: &Path) -> io::Result<bool> {
    let mounts = fs::read_to_string(process.join("mountinfo"))?;
    Ok(mounts
        .lines()
        .any(|mount| mount.split(' ').nth(4) == Some(BUILDS_FOLDER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_added_once() {
        let names = HostNames::parse("redis  db.example \n redis__alias bad/name 127.0.0.1\tx");
        assert_eq!(
            names.0,
            ["redis", "db.example", "redis__alias", "127.0.0.1", "x"]
        );
        let names = HostNames::parse("redis db");
        assert_eq!(
            names.missing_in("").unwrap(),
            "127.0.0.1 redis\n127.0.0.1 db\n"
        );
        let before = "127.0.0.1 localhost\n127.0.0.1 redis";
        let added = names.missing_in(before).unwrap();
        assert_eq!(added, "\n127.0.0.1 db\n");
        assert_eq!(names.missing_in(&format!("{before}{added}")), None);
    }
}
