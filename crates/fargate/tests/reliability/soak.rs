//! Many jobs under random faults, kills and cancels, a few at a time in one metadata folder: each ends within its
//! bounds, with an exit code of the contract, and in the end nothing is left.
//!
//! All that is chosen for a job follows from the seed and the job's number:
//!
//!     FARGATE_SOAK_JOBS=1000 FARGATE_SOAK_SEED=7 cargo test --test reliability soak -- --nocapture

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ecs_local::{Faults, Options};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testing::{
    Account, Job, ManagerHost, SshServer, age_leftovers, ledger, leftovers, process, wait_until,
};

use crate::parallel;
use crate::runner_process::{RunnerProcess, Victim};
use crate::scenario::{Event, Scenario, faults};
use crate::watched_process::{Ended, WatchedProcess};
use crate::{fargate, job};

/// How many jobs there are where nobody says, and how many at a time.
const JOBS: u64 = 200;
const AT_ONCE: usize = 12;
const SEED: u64 = 4711;

/// Times between the states of tasks, as parts of Fargate's.
const LATENCY: f64 = 0.05;

/// Bounds of a stage, in seconds, and of a job. Stopping is tried for a minute, and a call of AWS's takes up to 40 s.
const STAGE: u64 = 180;
const JOB: Duration = Duration::from_secs(600);

#[test]
fn jobs_under_random_faults_kills_and_cancels_leave_nothing() {
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => otherwise,
    };
    let (jobs, seed) = (
        number("FARGATE_SOAK_JOBS", JOBS),
        number("FARGATE_SOAK_SEED", SEED),
    );
    let begun = Instant::now();
    let manager = manager();
    manager.aws.faults(&faults(seed));
    let codes = Mutex::new(BTreeMap::new());
    let longest = Mutex::new(0);
    // Of these jobs a sweep may have ended the task.
    let left = Mutex::new(BTreeSet::new());
    // How many attempts at each job the ledger has.
    let attempts = Mutex::new(BTreeMap::new());
    let ids: Vec<u64> = (1..=jobs).collect();
    let mut failures = parallel::each(&ids, AT_ONCE, u64::to_string, |id| {
        let scenario = Scenario::of(seed, *id);
        let job = job(&manager, *id);
        let ended = play(&job, &scenario)
            .map_err(|problem| format!("job {id} of seed {seed}, {scenario:?}: {problem}"))?;
        let stages = stages(&ended);
        attempts.lock().unwrap().insert(*id, entered(&stages));
        let mut count = codes.lock().unwrap();
        for Stage { code, seconds, .. } in &stages {
            *count.entry(*code).or_insert(0) += 1;
            let mut longest = longest.lock().unwrap();
            *longest = u64::max(*longest, *seconds);
        }
        let is_cleanup = |stage: &Stage| stage.name == "cleanup" && stage.code == 0;
        let cleaned_up = stages.last().is_some_and(is_cleanup);
        if scenario.loses_runner() || !cleaned_up {
            left.lock().unwrap().insert(*id);
        }
        check(&scenario, &stages).map_err(|problem| {
            let story = ended.story();
            format!("job {id} of seed {seed}, {scenario:?}: {problem}\n{story}")
        })
    });
    let (left, codes) = (left.into_inner().unwrap(), codes.into_inner().unwrap());
    let attempts = attempts.into_inner().unwrap();
    failures.extend(
        nothing_is_left(&manager, seed, &left)
            .and_then(|()| ledger::has_attempts(&manager, &attempts))
            .map_err(|problem| format!("seed {seed}: {problem}"))
            .err(),
    );
    println!(
        "{jobs} jobs of seed {seed}, stages by exit code: {codes:?}; {} jobs left to reap; the longest stage took {} s; \
         {} tasks; {} s in all",
        left.len(),
        longest.into_inner().unwrap(),
        manager.aws.task_histories().len(),
        begun.elapsed().as_secs()
    );
    parallel::expect_none(&failures);
}

fn manager() -> ManagerHost {
    let folder = tempfile::tempdir().unwrap();
    let aws = Account::start_with(Options {
        latency: LATENCY,
        throttle: true,
        lazy_pulls: false,
        faults: Faults::parse("{}").unwrap(),
        backend: SshServer::Agent.backend(fargate(), folder.path()),
        ..Options::default()
    });
    let manager = ManagerHost::in_account(fargate(), aws, folder);
    manager.configure(
        "StartTimeout = \"60s\"",
        "KeepAliveInterval = \"2s\"\nReconnectTimeout = \"15s\"",
    );
    manager
}

/// Lives a job's life until its runner is over, and so is what it left running.
fn play(job: &Job<'_>, scenario: &Scenario) -> Result<Ended, String> {
    let begun = Instant::now();
    let mut runner = RunnerProcess::start(job, scenario.script, scenario.event != Event::Abandon);
    if matches!(scenario.event, Event::Cancel | Event::Kill(_)) {
        while begun.elapsed() < scenario.at && !runner.is_over() {
            std::thread::sleep(Duration::from_millis(5));
        }
        match scenario.event {
            _ if runner.is_over() => {}
            Event::Cancel => runner.signal_stage(Signal::SIGTERM),
            Event::Kill(victim) => drop(runner.kill(victim)),
            Event::Nothing | Event::Abandon => {}
        }
    }
    let ended = runner.end(JOB)?;
    if scenario.reaps {
        let reaped = reap(job.manager).end(JOB)?;
        // AWS may refuse it something.
        if !matches!(reaped.code, Some(0 | 1)) {
            return Err(format!("reap: {}", reaped.story()));
        }
    }
    Ok(ended)
}

fn reap(manager: &ManagerHost) -> WatchedProcess {
    WatchedProcess::start(manager.call(&["reap", "--older-than", "0s"]))
}

/// A stage that the runner has seen the end of.
#[derive(Debug)]
struct Stage {
    name: String,
    code: i32,
    seconds: u64,
}

/// The stages that the runner has seen the end of.
fn stages(ended: &Ended) -> Vec<Stage> {
    let lines = ended.out.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("stage: "));
    let stages = lines.filter_map(|line| {
        let mut words = line.split(' ');
        Some(Stage {
            name: words.next()?.to_owned(),
            code: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
        })
    });
    stages.collect()
}

/// How many attempts the ledger has of a job with these stages: one for each prepare. A prepare that was killed, or
/// stopped before it listens to signals, may have had no record yet.
fn entered(stages: &[Stage]) -> RangeInclusive<usize> {
    let prepares = stages.iter().filter(|stage| stage.name == "prepare");
    let prepares: Vec<_> = prepares.collect();
    let ended = prepares.iter().filter(|stage| stage.code < 128).count();
    // The runner was killed before it saw the end of one.
    ended..=usize::max(prepares.len(), 1)
}

fn check(scenario: &Scenario, stages: &[Stage]) -> Result<(), String> {
    for Stage {
        name,
        code,
        seconds,
    } in stages
    {
        let is_contracts = match code {
            0 | 11 | 22 => true,
            137 => scenario.event == Event::Kill(Victim::Stage),
            // Before it listens to signals it has done nothing.
            143 => scenario.event == Event::Cancel,
            _ => false,
        };
        if !is_contracts {
            return Err(format!("{name} ended with exit code {code}"));
        }
        if *seconds > STAGE {
            return Err(format!("{name} took {seconds} s"));
        }
    }
    let lives = matches!(
        scenario.event,
        Event::Nothing | Event::Cancel | Event::Kill(Victim::Stage)
    );
    if lives && stages.last().is_none_or(|last| last.name != "cleanup") {
        return Err(format!("the runner saw no cleanup end: {stages:?}"));
    }
    if stages.is_empty() && scenario.event == Event::Abandon {
        return Err("no stage was seen to end".to_owned());
    }
    Ok(())
}

/// Ends what was left, and looks whether all is gone, and whether nothing was ended that lived.
fn nothing_is_left(manager: &ManagerHost, seed: u64, left: &BTreeSet<u64>) -> Result<(), String> {
    // Stages whose runner was killed go on to their end.
    wait_until("every stage is over", || ours(manager).is_empty());
    manager.aws.faults(&json!({}));
    // The limits of AWS's calls are on.
    std::thread::sleep(Duration::from_secs(2));
    for _ in 0..2 {
        let reaped = reap(manager).end(JOB)?;
        if reaped.code != Some(0) {
            return Err(format!("reap: {}", reaped.story()));
        }
        for id in left {
            let job = Job { manager, id: *id };
            if job.lacks_runner() {
                job.expire();
            }
        }
    }
    // A process that was killed while it wrote a record leaves a draft, which a later sweep removes.
    age_leftovers(manager);
    let reaped = reap(manager).end(JOB)?;
    if reaped.code != Some(0) {
        return Err(format!("reap: {}", reaped.story()));
    }
    let running = manager.aws.running();
    if !running.is_empty() {
        return Err(format!("tasks were left: {running:#?}"));
    }
    let leftovers: Vec<_> = leftovers(manager)
        .into_iter()
        .filter(|name| !name.starts_with("looks/"))
        .collect();
    if !leftovers.is_empty() {
        return Err(format!("files were left: {leftovers:?}"));
    }
    for task in manager.aws.stopped() {
        let reason = task["stoppedReason"].as_str().unwrap_or_default();
        let swept =
            reason.contains("its GitLab Runner is gone") || reason.contains("no record names it");
        let group = task["group"].as_str().unwrap_or_default();
        // gitlab, project, job, folder, end of the time.
        let id = group.split('/').nth(2).and_then(|id| id.parse().ok());
        if swept && !id.is_some_and(|id| left.contains(&id)) {
            let scenario = id.map(|id| Scenario::of(seed, id));
            let entries = ledger::entries(manager);
            let entry = entries
                .iter()
                .find(|entry| id.is_some_and(|id| entry["job_id"] == id));
            return Err(format!(
                "a sweep ended the task of {group}, which lived: {reason}\n{scenario:?}\n{task:#}\n{entry:?}"
            ));
        }
    }
    let over = |story: &Value| story["lastStatus"] == "STOPPED";
    wait_until("every task is over", || {
        manager.aws.task_histories().iter().all(over)
    });
    let marks: Vec<_> = manager
        .aws
        .task_histories()
        .iter()
        .filter_map(|story| {
            story["taskArn"]
                .as_str()?
                .rsplit('/')
                .next()
                .map(str::to_owned)
        })
        .collect();
    ledger::is_whole(manager)?;
    let inside = |environment: &str| {
        let mark = environment
            .split('\0')
            .find_map(|one| one.strip_prefix("ECS_LOCAL_CONTAINER="));
        mark.is_some_and(|mark| marks.iter().any(|id| mark.starts_with(id.as_str())))
    };
    let processes = processes(inside);
    if processes.is_empty() {
        Ok(())
    } else {
        Err(format!("processes of tasks were left: {processes:?}"))
    }
}

/// The stages that run for this manager.
fn ours(manager: &ManagerHost) -> Vec<String> {
    let home = format!("HOME={}", manager.folder.path().display());
    processes(|environment| environment.split('\0').any(|one| one == home))
}

/// The command lines of processes whose environment matches.
fn processes(matches: impl Fn(&str) -> bool) -> Vec<String> {
    let matches = |environment: &[u8]| matches(&String::from_utf8_lossy(environment));
    let found = process::with_environment(matches).into_iter();
    found.map(process::command_line).collect()
}
