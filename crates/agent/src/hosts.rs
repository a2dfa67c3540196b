//! The names of a task's services, in `/etc/hosts` of all of its containers.
//!
//! All containers of a task share one network, so a service is at 127.0.0.1 whatever its name. ECS has a setting
//! for such names, but not in the network mode that Fargate has, and job and service images need not let us write
//! the file: they may run as any user, and in services no program of ours runs at all. So the helper writes it for
//! them. It runs as root, sees the processes of all containers, and each process shows the root of its own
//! container under `/proc`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use fargate_wire::{BUILDS_FOLDER, HOST_NAMES_VARIABLE};
use rustix::fs::{CWD, Mode, OFlags, openat};
use tokio::time::sleep;

/// How often to look for containers that have just started.
const PAUSE: Duration = Duration::from_millis(200);

/// How long, in steps, a container that cannot write the file itself waits for the helper to have done it.
const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 100;

/// Most that is read of a file. Nobody resolves names through more.
const LIMIT: u64 = 1024 * 1024;

/// Host names that lead to the task itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostNames(Vec<String>);

impl HostNames {
    /// Takes them from [`HOST_NAMES_VARIABLE`]; what cannot be a host name is left out.
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

    /// Writes them into the file of every container of the task, also of those that start later, for ever.
    pub(crate) async fn spread(&self) {
        let mut done = HashSet::new();
        while !self.0.is_empty() {
            done = self.look_around(&done);
            sleep(PAUSE).await;
        }
    }

    /// Looks at each container once; returns those that have the names.
    fn look_around(&self, done: &HashSet<u64>) -> HashSet<u64> {
        let mut seen = HashSet::new();
        let mut have = HashSet::new();
        let Ok(processes) = fs::read_dir("/proc") else {
            return have;
        };
        for process in processes.flatten().map(|entry| entry.path()) {
            // Not a process, or one that has just ended.
            let Ok(container) = fs::metadata(process.join("ns/mnt")) else {
                continue;
            };
            let container = container.ino();
            if done.contains(&container) {
                have.insert(container);
            } else if !seen.contains(&container)
                && let Ok(is_ours) = is_of_task(&process)
            {
                seen.insert(container);
                if is_ours && self.add(&process.join("root")).is_ok() {
                    have.insert(container);
                }
            }
        }
        have
    }

    /// Waits until this container has the names, for a moment at most: scripts may need them at once.
    pub(crate) async fn settle(&self) {
        if self.0.is_empty() || !is_of_task(Path::new("/proc/self")).unwrap_or(false) {
            return;
        }
        for _ in 0..STEPS {
            // Without the right to write it still tells whether there was anything to write.
            if self.add(Path::new("/")).is_ok() {
                return;
            }
            sleep(STEP).await;
        }
    }

    /// Adds what is missing in the file below `root`.
    fn add(&self, root: &Path) -> io::Result<()> {
        // Links would lead out of that root, into our own.
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

    /// The lines to add to a file that reads `text`.
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

/// Whether a process is in one of the task's containers, which all have the shared volume at the same place. It is
/// not where the agent runs outside of a task, as in tests, and not yet in a container that is being made: its
/// process still sees the machine's own files.
pub(crate) fn is_of_task(process: &Path) -> io::Result<bool> {
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
