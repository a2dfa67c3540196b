//! SIGKILL among claims, keeps and cleanups: no task serves two jobs, and one sweep leaves nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, ledger, process, wait_until};

use crate::runner_process::{RunnerProcess, SCRIPT, Victim};
use crate::watched_process::WatchedProcess;
use crate::{fargate, job, parallel};

/// How many processes are killed, unless this variable says otherwise.
const KILLS: usize = 20;
const KILLS_VARIABLE: &str = "FARGATE_WARM_KILLS";

/// How many jobs there are at a time, and how many tasks wait for them.
const AT_ONCE: usize = 4;
const TASKS: usize = 6;

/// Times between the states of tasks, as parts of Fargate's: half a second from RunTask to running.
const LATENCY: f64 = 0.02;

/// When in the life of a job or of a keep it is killed, at the latest.
const JOBS_LIFE: f64 = 0.8;
const KEEPS_LIFE: f64 = 12.0;

/// How long a job waits until a task is ready for it.
const PATIENCE: Duration = Duration::from_secs(10);

const SEED: u64 = 4711;
const BOUND: Duration = Duration::from_secs(180);

#[test]
fn kill_9_among_claims_and_keeps_uses_no_task_twice_and_one_sweep_leaves_nothing() {
    let kills = std::env::var(KILLS_VARIABLE).map_or(KILLS, |kills| kills.parse().unwrap());
    let manager = ManagerHost::with_latency(fargate(), SshServer::JobImage, &json!({}), LATENCY);
    let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
    let pool = format!("[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = {TASKS}\n");
    manager.configure_job_image(images, &pool);
    let (killed, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (keeps, jobs) = std::thread::scope(|scope| {
        let keeps = scope.spawn(|| kill_keeps(&manager, &killed, &over));
        let jobs = kill_jobs(&manager, &killed, kills);
        over.store(true, Ordering::Relaxed);
        (keeps.join().unwrap(), jobs)
    });

    // Jobs whose runner died before prepare could see it have until their time is over.
    for id in 1..=jobs {
        let job = job(&manager, id);
        if job.lacks_runner() {
            job.expire();
        }
    }
    let reap = WatchedProcess::start(manager.call(&["reap", "--older-than", "0s"]));
    let reaped = reap.end(BOUND).unwrap();
    assert_eq!(reaped.code, Some(0), "{}", reaped.story());
    manager.left_nothing();
    assert_eq!(warm_files(&manager), Vec::<String>::new());
    ledger::is_whole(&manager).unwrap();
    let claimed = used_once(&manager);
    println!(
        "{} processes were killed, {keeps} of them keeps; {claimed} of {jobs} jobs had claimed a task",
        killed.into_inner()
    );
    assert!(claimed > 0, "no job has claimed a task");
}

/// Keeps tasks ready, with one keep after the other, each of which is killed; returns how many were.
fn kill_keeps(manager: &ManagerHost, killed: &AtomicUsize, over: &AtomicBool) -> usize {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut keeps = 0;
    while !over.load(Ordering::Relaxed) {
        let keep = WatchedProcess::start(manager.call(&["warm", "keep"]));
        let life = Duration::from_secs_f64(random.f64() * KEEPS_LIFE);
        let begun = Instant::now();
        while begun.elapsed() < life && !over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        keep.signal(Signal::SIGKILL);
        let ended = keep.end(BOUND).unwrap();
        assert_eq!(ended.code, None, "it ended by itself: {}", ended.story());
        killed.fetch_add(1, Ordering::Relaxed);
        keeps += 1;
    }
    keeps
}

/// Runs jobs, of which most are killed, until so many processes were; returns how many there were.
fn kill_jobs(manager: &ManagerHost, killed: &AtomicUsize, kills: usize) -> u64 {
    let begun = AtomicUsize::new(0);
    let ids: Vec<u64> = (1..=4 * kills as u64).collect();
    parallel::expect_none(&parallel::each(&ids, AT_ONCE, u64::to_string, |id| {
        if killed.load(Ordering::Relaxed) >= kills {
            return Ok(());
        }
        begun.fetch_max(usize::try_from(*id).unwrap(), Ordering::Relaxed);
        let mut random = fastrand::Rng::with_seed(SEED ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let job = job(manager, *id);
        await_task(manager);
        if random.u32(..4) == 0 {
            // Whoever lives has to succeed.
            let ended = RunnerProcess::start(&job, SCRIPT, true).end(BOUND)?;
            return match ended.code {
                Some(0) => job.left_nothing(),
                _ => Err(ended.story()),
            };
        }
        let at = Duration::from_secs_f64(random.f64() * JOBS_LIFE);
        let victim = [Victim::Stage, Victim::Runner, Victim::Both][random.usize(..3)];
        let started = Instant::now();
        let mut runner = RunnerProcess::start(&job, SCRIPT, true);
        while started.elapsed() < at && !runner.is_over() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if !runner.is_over() {
            let orphans = runner.kill(victim);
            killed.fetch_add(1, Ordering::Relaxed);
            runner.end(BOUND)?;
            wait_until("its stages are over", || {
                !orphans.iter().any(|orphan| process::is_alive(*orphan))
            });
        }
        Ok(())
    }));
    begun.into_inner() as u64
}

/// Waits for a while until a task is ready for a job: most keeps are killed before they have one.
fn await_task(manager: &ManagerHost) {
    let begun = Instant::now();
    let is_ready = |name: &String| {
        let file = manager.metadata().join("warm").join(name);
        let content = std::fs::read(file).unwrap_or_default();
        serde_json::from_slice::<Value>(&content).is_ok_and(|task| task["login"].is_object())
    };
    while begun.elapsed() < PATIENCE && !warm_files(manager).iter().any(is_ready) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The files of waiting tasks, claimed ones among them.
fn warm_files(manager: &ManagerHost) -> Vec<String> {
    let Ok(folder) = manager.metadata().join("warm").read_dir() else {
        return Vec::new();
    };
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.ends_with(".json") || name.contains(".claimed-"))
        .collect()
}

/// Checks by the ledger that no task served two jobs; returns how many had waited.
fn used_once(manager: &ManagerHost) -> usize {
    let mut users: BTreeMap<String, String> = BTreeMap::new();
    let mut claimed = 0;
    for entry in ledger::entries(manager) {
        if entry["kind"] != "job" {
            continue;
        }
        claimed += usize::from(entry["warm"] == "claimed");
        for task in entry["tasks"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (task, attempt) = (text(&task["task"]), text(&entry["attempt"]));
            let other = users.insert(task.clone(), attempt.clone());
            let is_other = |other: &String| *other != attempt;
            assert!(
                !other.as_ref().is_some_and(is_other),
                "{task}: {other:?}, {attempt}"
            );
        }
    }
    claimed
}
