//! Measures the driver as it is released, beside OpenSSH's `ssh` against the same server in the same run, and
//! prints a table. Timings on a shared machine are noisy: the ratio counts, not the second.

mod agent;
mod crowd;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

/// Runs of each measurement when the arguments say nothing else; the median counts.
const RUNS: usize = 9;

/// How long the task needs until it can be reached.
const TASK_SECONDS: f64 = 8.0;

static FARGATE: OnceLock<String> = OnceLock::new();

/// The program that is measured.
fn fargate() -> &'static str {
    FARGATE.get().expect("main sets it first")
}

fn main() {
    let usage = "usage: bench FARGATE [RUNS]\n       bench FARGATE agent AGENT\n       bench FARGATE crowd [--unlimited] [--public] PLOT.svg [JOBS ...]";
    let program = std::env::args().nth(1).expect(usage);
    let more: Vec<String> = std::env::args().skip(2).collect();
    let program = std::fs::canonicalize(program).expect("the program is there");
    FARGATE
        .set(program.to_string_lossy().into_owned())
        .expect("it is set once");
    if let [mode, agent] = more.as_slice()
        && mode == "agent"
    {
        return agent::measure(agent, RUNS);
    }
    if let Some(("crowd", rest)) = more
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        let (options, rest): (Vec<&String>, Vec<&String>) =
            rest.iter().partition(|argument| argument.starts_with("--"));
        let has = |name: &str| options.iter().any(|option| *option == name);
        let setting = crowd::Setting {
            unlimited: has("--unlimited"),
            public: has("--public"),
        };
        let (plot, sizes) = rest.split_first().expect(usage);
        let sizes = sizes.iter().map(|size| size.parse().expect(usage));
        return crowd::measure(plot.as_ref(), sizes.collect(), setting);
    }
    let runs = more.first().map_or(RUNS, |runs| runs.parse().expect(usage));

    println!("{:<58} {:>12} {:>12} {:>14}", "", "fargate", "ssh", "bar");
    prepare();
    scripts(runs);
    answers();
}

fn row(what: &str, ours: &str, ssh: &str, bar: &str) {
    println!("{what:<58} {ours:>12} {ssh:>12} {bar:>14}");
}

/// What one process took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
    bytes: u64,
}

/// Runs a command to its end, under `time` for its peak memory: a child forked from here would count ours.
fn cost(command: &Command, input: Option<&std::path::Path>) -> Cost {
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut timed = Command::new("/usr/bin/time");
    timed
        .arg("-q")
        .arg("-f")
        .arg("%M")
        .arg("-o")
        .arg(report.path())
        .arg(command.get_program())
        .args(command.get_args());
    timed.env_clear().envs(
        command
            .get_envs()
            .filter_map(|(key, value)| Some((key, value?))),
    );
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    timed.stdin(input.map_or_else(Stdio::null, |file| {
        std::fs::File::open(file).unwrap().into()
    }));
    timed.stdout(Stdio::piped()).stderr(Stdio::null());
    let cpu_before = children_cpu();
    let begun = Instant::now();
    let mut child = timed.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        match stdout.read(&mut buffer).unwrap() {
            0 => break,
            length => bytes += length as u64,
        }
    }
    child.wait().unwrap();
    let wall = begun.elapsed();
    let peak = std::fs::read_to_string(report.path()).unwrap();
    Cost {
        wall,
        cpu: children_cpu() - cpu_before,
        peak_kib: peak.trim().parse().unwrap(),
        bytes,
    }
}

fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.wall);
    let cpu = {
        let mut sorted: Vec<_> = costs.iter().map(|cost| cost.cpu).collect();
        sorted.sort();
        sorted[sorted.len() / 2]
    };
    let peak_kib = costs.iter().map(|cost| cost.peak_kib).max().unwrap();
    Cost {
        cpu,
        peak_kib,
        ..costs[costs.len() / 2]
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

fn mebibytes(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 / 1024.0)
}

fn prepare() {
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": TASK_SECONDS } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let costs = (0..3)
        .map(|_| {
            let cost = cost(&manager.call(&["custom", "prepare"]), None);
            manager.custom("cleanup").exits(0);
            cost
        })
        .collect();
    let cost = median(costs);
    let overhead = cost
        .wall
        .saturating_sub(Duration::from_secs_f64(TASK_SECONDS));
    row(
        "prepare: time beyond a task that is reachable after 8 s",
        &seconds(overhead),
        "-",
        "< 0.25 s",
    );
    row("prepare: CPU time", &seconds(cost.cpu), "-", "< 0.05 s");
    row("prepare: peak memory", &mebibytes(cost.peak_kib), "-", "-");
}

fn scripts(runs: usize) {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    manager.prepare();
    let peer = Peer::of(&manager);
    let one_line = "echo hello";
    let large = "head -c 104857600 /dev/zero";

    let (ours, theirs) = compare(&manager, &peer, one_line, runs);
    row(
        "run of a one-line script, same sshd",
        &seconds(ours.wall),
        &seconds(theirs.wall),
        "< 0.60 of ssh",
    );
    row("  ratio to ssh", &ratio(ours.wall, theirs.wall), "", "");
    row(
        "  peak memory",
        &mebibytes(ours.peak_kib),
        &mebibytes(theirs.peak_kib),
        "< 6 MB",
    );
    let small_peak = ours.peak_kib;

    let (ours, theirs) = compare(&manager, &peer, large, runs);
    assert_eq!(
        (ours.bytes, theirs.bytes),
        (104_857_600, 104_857_600),
        "output was lost"
    );
    row(
        "100 MB of output through run, same sshd",
        &seconds(ours.wall),
        &seconds(theirs.wall),
        "< 0.72 of ssh",
    );
    row("  ratio to ssh", &ratio(ours.wall, theirs.wall), "", "");
    row(
        "  peak memory",
        &mebibytes(ours.peak_kib),
        &mebibytes(theirs.peak_kib),
        "< 6 MB, flat",
    );
    row(
        "  peak memory beyond the one-line script's",
        &mebibytes(ours.peak_kib.saturating_sub(small_peak)),
        "",
        "",
    );

    let script = format!("x='{}'; echo ${{#x}}", "x".repeat(1 << 20));
    let outcome = manager.run(&script);
    let works = outcome.out().trim() == (1 << 20).to_string();
    row(
        "script of 1 MiB",
        if works { "works" } else { "FAILS" },
        "",
        "works",
    );
    let outcome = manager.run("exit 3");
    let code = manager.exit_code_file().unwrap_or_default();
    row(
        "script that exits 3",
        &format!(
            "{}, {}",
            if outcome.code == Some(11) {
                "script's"
            } else {
                "WRONG"
            },
            code.trim()
        ),
        "",
        "script's, 3",
    );

    let agent = ManagerHost::new(fargate(), SshServer::Agent);
    agent.prepare();
    let peer = Peer::of(&agent);
    let (ours, theirs) = compare(&agent, &peer, one_line, runs);
    row(
        "run of a one-line script, our agent",
        &seconds(ours.wall),
        &seconds(theirs.wall),
        "about 0.01 s",
    );
    let (ours, theirs) = compare(&agent, &peer, large, runs);
    row(
        "100 MB of output through run, our agent",
        &seconds(ours.wall),
        &seconds(theirs.wall),
        "-",
    );
    row(
        "  peak memory",
        &mebibytes(ours.peak_kib),
        &mebibytes(theirs.peak_kib),
        "< 6 MB, flat",
    );
}

fn ratio(ours: Duration, theirs: Duration) -> String {
    format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64())
}

/// Measures both in turn, so that what else the machine does meets both.
fn compare(manager: &ManagerHost, peer: &Peer, script: &str, runs: usize) -> (Cost, Cost) {
    let file = manager.path("measured");
    std::fs::write(&file, script.as_bytes()).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ours.push(cost(
            &manager.call(&["custom", "run", file.to_str().unwrap(), "build_script"]),
            None,
        ));
        theirs.push(cost(&peer.command(), Some(&file)));
    }
    (median(ours), median(theirs))
}

/// OpenSSH's client with the key and the server of a prepared job.
struct Peer {
    folder: tempfile::TempDir,
    login: Value,
}

impl Peer {
    fn of(manager: &ManagerHost) -> Self {
        let record: Value =
            serde_json::from_slice(&std::fs::read(&manager.records()[0]).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let login = record["login"].clone();
        let key = folder.path().join("key");
        std::fs::write(&key, login["private_key"].as_str().unwrap().as_bytes()).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let known = format!(
            "[{}]:{} {}\n",
            login["address"].as_str().unwrap(),
            login["port"],
            login["host_key"].as_str().unwrap()
        );
        std::fs::write(folder.path().join("known_hosts"), known.as_bytes()).unwrap();
        Self { folder, login }
    }

    fn command(&self) -> Command {
        let known = format!(
            "UserKnownHostsFile={}",
            self.folder.path().join("known_hosts").display()
        );
        let mut command = Command::new("/usr/bin/ssh");
        command.args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            &known,
            "-i",
        ]);
        command.arg(self.folder.path().join("key"));
        command.args([
            "-p",
            &self.login["port"].to_string(),
            "-l",
            self.login["username"].as_str().unwrap(),
        ]);
        command.args([self.login["address"].as_str().unwrap(), "bash"]);
        command
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path());
        command
    }
}

/// What GitLab's driver fails at, by its outcome.
fn answers() {
    let always = json!({ "faults": [{ "effect": { "no_capacity": {} } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &always);
    manager.configure("StartTimeout = \"1s\"", "");
    let outcome = manager.custom("prepare");
    let told = outcome.code == Some(22)
        && outcome
            .err()
            .contains("Capacity is unavailable at this time");
    row(
        "RunTask without capacity",
        if told { "AWS's reason" } else { "NOT TOLD" },
        "-",
        "AWS's reason",
    );
}
