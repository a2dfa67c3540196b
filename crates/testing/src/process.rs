//! What the kernel knows of a process (proc(5)).

use std::fs;

use nix::unistd::Pid;

/// The process id of a child.
pub fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

/// The state of a process, such as `R` or `Z`; `None` once it is gone.
pub fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, a parenthesis included.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The wait status of a zombie (wait(2)), whose parent has not collected it yet.
pub fn wait_status(pid: Pid) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.split_whitespace().next_back()?.parse().ok()
}

/// Whether a process runs; a zombie does not.
pub fn is_alive(pid: Pid) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// Whether a process runs, given its id as a script prints it.
pub fn is_running(pid: &str) -> bool {
    is_alive(Pid::from_raw(pid.trim().parse().unwrap()))
}

/// The most memory that a process has had, in KiB; `None` once it has ended.
pub fn peak_memory_kib(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse().ok()
}

/// Processes whose parent is this one, zombies included.
pub fn children(pid: Pid) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .map(|id| Pid::from_raw(id.parse().unwrap()))
        .collect()
}

/// Processes whose environment (variables, each ended by NUL) matches.
pub fn with_environment(matches: impl Fn(&[u8]) -> bool) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|id| id.parse().ok()) else {
            continue;
        };
        // A process that has ended, and a thread of the kernel, have none.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if matches(&environment) {
            found.push(Pid::from_raw(id));
        }
    }
    found
}

/// The arguments of a process, joined by spaces.
pub fn command_line(pid: Pid) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}
