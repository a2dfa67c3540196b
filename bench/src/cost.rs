//! Time, CPU time and memory of processes.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The cost of one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: u64,
    /// Bytes of output.
    pub(crate) bytes: u64,
}

impl Cost {
    /// Runs a command to its end, under `time` for its peak memory: a child forked from here would count ours.
    pub(crate) fn of(command: &Command, input: Option<&Path>) -> Self {
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut timed = under_time(command, report.path());
        timed
            .stdin(input.map_or_else(Stdio::null, |file| File::open(file).unwrap().into()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let cpu_before = children_cpu();
        let begun = Instant::now();
        let mut child = timed.spawn().unwrap();
        let bytes = drain(child.stdout.take().unwrap());
        child.wait().unwrap();
        let wall = begun.elapsed();
        let peak = std::fs::read_to_string(report.path()).unwrap();
        Self {
            wall,
            cpu: children_cpu() - cpu_before,
            peak_kib: peak.trim().parse().unwrap(),
            bytes,
        }
    }

    /// Medians of times, and the highest peak of memory.
    pub(crate) fn median(mut costs: Vec<Self>) -> Self {
        costs.sort_by_key(|cost| cost.cpu);
        let cpu = costs[costs.len() / 2].cpu;
        let peak_kib = costs.iter().map(|cost| cost.peak_kib).max().unwrap();
        costs.sort_by_key(|cost| cost.wall);
        Self {
            cpu,
            peak_kib,
            ..costs[costs.len() / 2]
        }
    }
}

/// The same command under `time`, which writes the peak of its memory into `report`.
fn under_time(command: &Command, report: &Path) -> Command {
    let environment = command
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    let mut timed = Command::new("/usr/bin/time");
    timed
        .args(["-q", "-f", "%M", "-o"])
        .arg(report)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(environment);
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    timed
}

/// Reads to the end and returns the number of bytes.
fn drain(mut from: impl Read) -> u64 {
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        match from.read(&mut buffer).unwrap() {
            0 => return bytes,
            length => bytes += length as u64,
        }
    }
}

/// CPU time of all children that ended.
pub(crate) fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}

/// A process's memory with its share of the pages that it shares with others (PSS). Nothing for one that ended.
pub(crate) fn pss_kib(process: u32) -> u64 {
    let rollup =
        std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
