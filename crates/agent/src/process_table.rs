//! The processes of this machine or container, as `/proc` shows them at one moment.

use std::collections::{HashMap, HashSet};
use std::fs;

use rustix::process::{Pid, getpid};

/// Living processes by their ids.
#[derive(Debug, Default)]
pub(crate) struct ProcessTable(HashMap<Pid, ProcessEntry>);

/// A living process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessEntry {
    /// None for a process whose parent is out of sight.
    pub(crate) parent: Option<Pid>,
    pub(crate) group: Option<Pid>,
    pub(crate) session: Option<Pid>,
    /// When it started, in ticks since the machine did.
    pub(crate) started: u64,
}

impl ProcessTable {
    /// Reads all of it; empty where `/proc` is missing or shows the processes of another namespace by other ids.
    pub(crate) fn read() -> Self {
        let own = fs::read_link("/proc/self").ok();
        let own = own.and_then(|path| pid(path.to_str()?));
        let Some(processes) = fs::read_dir("/proc").ok().filter(|_| own == Some(getpid())) else {
            return Self::default();
        };
        let pids = processes
            .flatten()
            .filter_map(|entry| pid(entry.file_name().to_str()?));
        Self(
            pids.filter_map(|pid| Some((pid, ProcessEntry::read(pid)?)))
                .collect(),
        )
    }

    /// The processes that `is_root` is true for, and all their descendants.
    pub(crate) fn with_descendants(
        &self,
        is_root: impl Fn(Pid, &ProcessEntry) -> bool,
    ) -> HashSet<Pid> {
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        for (pid, entry) in &self.0 {
            if let Some(parent) = entry.parent {
                children.entry(parent).or_default().push(*pid);
            }
        }
        let roots = self.0.iter().filter(|(pid, entry)| is_root(**pid, entry));
        let mut next: Vec<_> = roots.map(|(pid, _)| *pid).collect();
        let mut found = HashSet::new();
        while let Some(pid) = next.pop() {
            if found.insert(pid) {
                next.extend(children.remove(&pid).unwrap_or_default());
            }
        }
        found
    }

    /// The processes that match.
    pub(crate) fn matching(&self, matches: impl Fn(&ProcessEntry) -> bool) -> HashSet<Pid> {
        let matching = self.0.iter().filter(|(_, entry)| matches(entry));
        matching.map(|(pid, _)| *pid).collect()
    }

    /// The groups and sessions, by their leaders, that have a member from before `time`.
    pub(crate) fn older_than(&self, time: u64) -> HashSet<Pid> {
        let older = self.0.values().filter(|entry| entry.started < time);
        older.flat_map(ProcessEntry::memberships).collect()
    }

    /// A process.
    pub(crate) fn get(&self, pid: Pid) -> Option<&ProcessEntry> {
        self.0.get(&pid)
    }
}

impl ProcessEntry {
    /// The group and the session that it belongs to, by their leaders.
    pub(crate) fn memberships(&self) -> impl Iterator<Item = Pid> {
        [self.group, self.session].into_iter().flatten()
    }

    /// Reads one; none if it has ended, also if its parent has not collected it yet.
    pub(crate) fn read(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads the line of a process (proc_pid_stat(5)). The program's name, in parentheses, may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let entry = Self {
            parent: pid(fields.next()?),
            group: pid(fields.next()?),
            session: pid(fields.next()?),
            // Field 22 of all; `session` is the sixth.
            started: fields.nth(15)?.parse().ok()?,
        };
        (!["Z", "X", "x"].contains(&state)).then_some(entry)
    }
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_programs_name_is() {
        // `sleep` on Linux 6.18, renamed.
        let line = |name: &str, state: &str| {
            format!(
                "812 ({name}) {state} 811 810 809 34816 812 4194304 93 0 0 0 0 0 0 0 20 0 1 0 4711 2736128 384 \
                 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
            )
        };
        let expected = ProcessEntry {
            parent: Pid::from_raw(811),
            group: Pid::from_raw(810),
            session: Pid::from_raw(809),
            started: 4711,
        };
        for name in ["sleep", "a) Z 1 1 (b", ""] {
            assert_eq!(ProcessEntry::parse(&line(name, "S")), Some(expected));
        }
        assert_eq!(ProcessEntry::parse(&line("sleep", "Z")), None);
        assert_eq!(ProcessEntry::parse("812 (sleep) S 811"), None);
    }

    #[test]
    fn descendants_are_found_to_any_depth() {
        let pid = |number| Pid::from_raw(number).unwrap();
        let entry = |parent| ProcessEntry {
            parent: Pid::from_raw(parent),
            group: None,
            session: None,
            started: 0,
        };
        let parents = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 1), (6, 9), (7, 7)];
        let table = ProcessTable(
            parents
                .map(|(own, parent)| (pid(own), entry(parent)))
                .into(),
        );
        let below = |root| {
            let mut found: Vec<_> = table
                .with_descendants(|own, _| own == pid(root))
                .into_iter()
                .collect();
            found.sort_by_key(|pid| pid.as_raw_nonzero());
            found
        };
        assert_eq!(below(2), [2, 3, 4].map(pid));
        assert_eq!(below(1), [1, 2, 3, 4, 5].map(pid));
        assert_eq!(below(7), [7].map(pid));
    }

    #[test]
    fn a_group_and_a_session_are_as_old_as_their_oldest_member() {
        let entry = |group, session, started| ProcessEntry {
            parent: None,
            group: Pid::from_raw(group),
            session: Pid::from_raw(session),
            started,
        };
        // The leader of session 5 has ended, and so has that of group 8.
        let entries = [
            (6, entry(6, 5, 10)),
            (7, entry(7, 5, 30)),
            (9, entry(8, 2, 20)),
        ];
        let entries = entries.map(|(pid, entry)| (Pid::from_raw(pid).unwrap(), entry));
        let table = ProcessTable(entries.into());
        let older_than = |time| {
            let mut older: Vec<_> = table.older_than(time).into_iter().collect();
            older.sort_by_key(|pid| pid.as_raw_nonzero());
            older.into_iter().map(Pid::as_raw_pid).collect::<Vec<_>>()
        };
        assert_eq!(older_than(10), []);
        assert_eq!(older_than(11), [5, 6]);
        assert_eq!(older_than(21), [2, 5, 6, 8]);
    }

    #[test]
    fn this_process_is_in_it() {
        let table = ProcessTable::read();
        assert_eq!(
            table.0.get(&getpid()),
            ProcessEntry::read(getpid()).as_ref()
        );
    }
}
