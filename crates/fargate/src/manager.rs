//! Which manager this is, and which of its processes live.
//!
//! Several managers may run tasks in one cluster, and none may stop another's. So each has a name, which its tasks
//! carry, and knows the processes of GitLab Runner that its jobs belong to.

use std::io::{ErrorKind, Result, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::private;

/// File in the metadata folder with the manager's name.
const NAME_FILE: &str = "manager";

/// Characters of a name, all hexadecimal digits.
const NAME_LENGTH: usize = 16;

/// This manager's own name, made at first use and kept in `directory`.
///
/// The name belongs to the machine it was made on: an image of a manager's disk, started as another manager, makes
/// itself a new one rather than take the first one's tasks for its own.
///
/// # Errors
///
/// When it can neither be read nor made.
pub(crate) fn name(directory: &Path) -> Result<String> {
    let file = directory.join(NAME_FILE);
    let machine = machine();
    let known = |content: &str| {
        let mut lines = content.lines();
        let (name, made_on) = (lines.next()?.trim(), lines.next().unwrap_or_default());
        let valid = name.len() == NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ours = made_on.is_empty() || machine.is_empty() || made_on == machine;
        (valid && ours).then(|| name.to_owned())
    };
    let read = || match std::fs::read_to_string(&file) {
        Ok(content) => Ok(known(&content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(name) = read()? {
        return Ok(name);
    }
    private::make_folder(directory)?;
    // Of several first jobs at once one makes the name. The lock is held no longer than that takes, and never by a
    // process that is gone.
    let lock = private::lock_folder(directory)?;
    if let Some(name) = read()? {
        return Ok(name);
    }
    let draft = directory.join(format!("{NAME_FILE}.tmp{}", std::process::id()));
    let name = crate::ssh::random_hex::<8>();
    let mut opened = private::create(&draft)?;
    write!(opened, "{name}\n{machine}\n")?;
    opened.sync_all()?;
    std::fs::rename(&draft, &file)?;
    lock.sync_all()?;
    Ok(name)
}

/// What tells this machine from others: the EC2 instance's id, else systemd's id of the installation; empty where
/// there is neither, as in most containers.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let instance = read("/sys/devices/virtual/dmi/id/board_asset_tag");
    let instance = instance.trim();
    if instance.starts_with("i-") {
        return instance.to_owned();
    }
    read("/etc/machine-id").trim().to_owned()
}

/// A process, told from all others that ever had its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    machine: String,
    /// Id of the kernel's boot.
    boot: String,
    /// The PID namespace, in which `id` means something.
    namespace: String,
    id: u32,
    /// When it was started, in the kernel's ticks since its boot.
    started: u64,
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is there.
    Lives,
    /// It is not there any more, or the machine was started anew since.
    Gone,
    /// It cannot be seen from here: it was on another machine, or in another container.
    Unknown,
}

impl Process {
    /// The GitLab Runner that called this process; nothing where that cannot be told.
    ///
    /// The runner makes each call the leader of a process group of its own (GitLab Runner: custom executor), so what
    /// started the leader of our group is the runner, also when a wrapper script stands in between.
    pub(crate) fn runner() -> Option<Self> {
        let group = nix::unistd::getpgrp().as_raw();
        let id = match Stat::of(u32::try_from(group).ok()?) {
            Some(leader) => leader.parent,
            None => u32::try_from(nix::unistd::getppid().as_raw()).ok()?,
        };
        // Orphans are given to process 1, which outlives every runner, unless it is one, as in a container.
        let stat = Stat::of(id)?;
        if id == 0 || (id == 1 && !stat.command.starts_with("gitlab-runner")) {
            return None;
        }
        Some(Self {
            machine: machine(),
            boot: boot(),
            namespace: namespace(),
            id,
            started: stat.started,
        })
    }

    /// What became of it.
    pub(crate) fn fate(&self) -> Fate {
        if self.machine != machine() {
            Fate::Unknown
        } else if self.boot != boot() {
            Fate::Gone
        } else if self.namespace != namespace() {
            Fate::Unknown
        } else {
            match Stat::of(self.id) {
                Some(stat) if stat.started == self.started && !stat.ended => Fate::Lives,
                _ => Fate::Gone,
            }
        }
    }
}

fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What the kernel says of a process in `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Its name, cut to 15 characters.
    command: String,
    /// Whether it is over and only waits to be collected.
    ended: bool,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Reads the line. The name stands in parentheses and may itself hold some, and blanks.
    fn parse(line: &str) -> Option<Self> {
        let (head, rest) = line.rsplit_once(") ")?;
        let (_, command) = head.split_once(" (")?;
        let mut fields = rest.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?);
        // The start is field 22 of the line; the parent is field 4.
        let started = fields.nth(17)?;
        Some(Self {
            command: command.to_owned(),
            ended: matches!(state, "Z" | "X"),
            parent: parent.parse().ok()?,
            started: started.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Process {
        let id = std::process::id();
        Process {
            machine: machine(),
            boot: boot(),
            namespace: namespace(),
            id,
            started: Stat::of(id).unwrap().started,
        }
    }

    #[test]
    fn a_name_is_made_once_for_a_folder_on_a_machine() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("metadata");
        let first = name(&directory).unwrap();
        assert_eq!(first.len(), NAME_LENGTH);
        assert_eq!(name(&directory).unwrap(), first);
        assert_ne!(name(&folder.path().join("other")).unwrap(), first);

        // Made where machines have no id: a name alone.
        std::fs::write(directory.join(NAME_FILE), &first).unwrap();
        assert_eq!(name(&directory).unwrap(), first);
        if !machine().is_empty() {
            std::fs::write(directory.join(NAME_FILE), format!("{first}\nother\n")).unwrap();
            let second = name(&directory).unwrap();
            assert_ne!(second, first, "the disk of another manager");
            assert_eq!(name(&directory).unwrap(), second);
        }
        std::fs::write(directory.join(NAME_FILE), "").unwrap();
        assert_eq!(name(&directory).unwrap().len(), NAME_LENGTH);
    }

    #[test]
    fn a_process_is_told_from_another_of_its_number() {
        assert_eq!(own().fate(), Fate::Lives);
        let later = Process {
            started: own().started + 1,
            ..own()
        };
        assert_eq!(later.fate(), Fate::Gone);
        let boot = "another".to_owned();
        assert_eq!(Process { boot, ..own() }.fate(), Fate::Gone);
        let machine = "another".to_owned();
        assert_eq!(Process { machine, ..own() }.fate(), Fate::Unknown);
        let namespace = "another".to_owned();
        assert_eq!(Process { namespace, ..own() }.fate(), Fate::Unknown);
    }

    #[test]
    fn a_process_that_only_waits_to_be_collected_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = || Stat::of(child.id()).unwrap().ended;
        while !ended() {
            std::thread::yield_now();
        }
        let id = child.id();
        let process = Process {
            id,
            started: Stat::of(id).unwrap().started,
            ..own()
        };
        assert_eq!(process.fate(), Fate::Gone);
        child.wait().unwrap();
        assert_eq!(process.fate(), Fate::Gone);
    }

    #[test]
    fn the_kernels_line_is_read_whatever_the_programs_name() {
        let rest = "S 7 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 4242 1 1";
        for command in ["sh", "a b", "a) S 9 (b", "(", ""] {
            let stat = Stat::parse(&format!("12 ({command}) {rest}\n")).unwrap();
            assert_eq!(
                (stat.command.as_str(), stat.parent, stat.started),
                (command, 7, 4242)
            );
        }
        for line in ["", "1", "1 (a)", "1 (a) S", "1 (a) S x y"] {
            assert_eq!(Stat::parse(line), None);
        }
    }
}
