//! Whether the GitLab Runner that a job belongs to still runs.
//!
//! A record names its runner's process so that nothing else can be taken for it: by machine, boot, PID namespace,
//! number and start time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::identity::machine;

/// The kernel's ticks in a second, as it shows them to programs (Linux: USER_HZ).
const TICKS: f64 = 100.0;

/// A process, told from all others that ever had its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunnerProcess {
    machine: String,
    /// Id of the kernel's boot.
    boot: String,
    /// The PID namespace, in which `id` means something.
    namespace: String,
    id: u32,
    /// When it was started, in the kernel's ticks since its boot.
    started: u64,
}

/// Whether a process still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// It is there.
    Lives,
    /// It is not there any more, or the machine was started anew since.
    Gone,
    /// It cannot be seen from here: it was on another machine, or in another container.
    Unknown,
}

impl RunnerProcess {
    /// The GitLab Runner that called this process; `None` when it cannot be found out.
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

    /// How long ago it was started; nothing where the kernel does not say.
    pub(crate) fn age(&self) -> Option<Duration> {
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let up: f64 = uptime.split(' ').next()?.parse().ok()?;
        let started = self.started as f64 / TICKS;
        Duration::try_from_secs_f64(up - started).ok()
    }

    /// Whether it still runs.
    pub(crate) fn liveness(&self) -> Liveness {
        let boot = boot();
        if self.machine != machine() || boot.is_empty() {
            Liveness::Unknown
        } else if self.boot != boot {
            // Machines without an id cannot be told apart: this may be another one.
            match self.machine.is_empty() {
                true => Liveness::Unknown,
                false => Liveness::Gone,
            }
        } else if self.namespace != namespace() {
            Liveness::Unknown
        } else {
            // Only the kernel's word that it is not there counts: a read may fail for want of descriptors or memory.
            match std::fs::read_to_string(stat_file(self.id)) {
                Ok(line) => match Stat::parse(&line) {
                    Some(stat) if stat.started == self.started && !stat.ended => Liveness::Lives,
                    Some(_) => Liveness::Gone,
                    None => Liveness::Unknown,
                },
                Err(error) if is_no_process(&error) => Liveness::Gone,
                Err(_) => Liveness::Unknown,
            }
        }
    }
}

impl std::fmt::Display for RunnerProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {}", self.id)
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

fn stat_file(process: u32) -> String {
    format!("/proc/{process}/stat")
}

/// Whether a read of a process's file failed because the process is not there.
fn is_no_process(error: &std::io::Error) -> bool {
    const ESRCH: i32 = nix::errno::Errno::ESRCH as i32;
    error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}

/// The kernel's description of a process in `/proc/PID/stat`.
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
        Self::parse(&std::fs::read_to_string(stat_file(process)).ok()?)
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

    fn own() -> RunnerProcess {
        let id = std::process::id();
        RunnerProcess {
            machine: machine(),
            boot: boot(),
            namespace: namespace(),
            id,
            started: Stat::of(id).unwrap().started,
        }
    }

    #[test]
    fn a_process_is_told_from_another_of_its_number() {
        assert_eq!(own().liveness(), Liveness::Lives);
        let later = RunnerProcess {
            started: own().started + 1,
            ..own()
        };
        assert_eq!(later.liveness(), Liveness::Gone);
        let rebooted = |machine: &str| {
            let boot = "another".to_owned();
            RunnerProcess {
                machine: machine.to_owned(),
                boot,
                ..own()
            }
        };
        let here = machine();
        if !here.is_empty() {
            assert_eq!(rebooted(&here).liveness(), Liveness::Gone);
        }
        let machine = "another".to_owned();
        assert_eq!(
            RunnerProcess { machine, ..own() }.liveness(),
            Liveness::Unknown
        );
        let namespace = "another".to_owned();
        assert_eq!(
            RunnerProcess { namespace, ..own() }.liveness(),
            Liveness::Unknown
        );
    }

    #[test]
    fn a_read_that_fails_for_another_reason_tells_nothing() {
        use nix::errno::Errno::{EMFILE, ENOENT, ENOMEM, ESRCH};
        let fails = |errno| is_no_process(&std::io::Error::from_raw_os_error(errno as i32));
        assert!(fails(ENOENT) && fails(ESRCH));
        assert!(!fails(EMFILE) && !fails(ENOMEM));
    }

    #[test]
    fn the_age_of_a_process_is_known() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let id = child.id();
        let process = RunnerProcess {
            id,
            started: Stat::of(id).unwrap().started,
            ..own()
        };
        std::thread::sleep(Duration::from_millis(300));
        let age = process.age().unwrap().as_secs_f64();
        assert!((0.2..30.0).contains(&age), "{age}");
        assert!(own().age().unwrap() >= process.age().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_only_waits_to_be_collected_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = || Stat::of(child.id()).unwrap().ended;
        while !ended() {
            std::thread::yield_now();
        }
        let id = child.id();
        let process = RunnerProcess {
            id,
            started: Stat::of(id).unwrap().started,
            ..own()
        };
        assert_eq!(process.liveness(), Liveness::Gone);
        child.wait().unwrap();
        assert_eq!(process.liveness(), Liveness::Gone);
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
