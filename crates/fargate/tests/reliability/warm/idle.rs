//! Kills of all, and then nothing: no cleanup, no other prepare, no sweep.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use testing::{ManagerHost, process, wait_until};

use super::kind::{self, Kind};
use super::tally::{Point, Tally};
use super::victim::{Aim, BOUND, Running};
use super::{KILLS_VARIABLE, SEED, SEED_VARIABLE, choices, number, step, sweep};
use crate::parallel;
use crate::runner_process::Victim;
use crate::watched_process::WatchedProcess;

/// How many processes are killed at least, how many of them in one round, and how many rounds there are at a time.
const KILLS: usize = 10;
const IN_ONE_ROUND: usize = 5;
const ROUNDS_AT_ONCE: usize = 4;

/// `IdleTimeout`, and how much later the last task has ended at the latest: it may start still, and its containers
/// stop one after the other, on a machine that does much else.
const IDLE: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_secs(20);

/// How many tasks wait in a round, and how many jobs there are.
const TASKS: usize = 3;
const JOBS: u64 = 4;

/// How long prepares of a kind take at most, about, in seconds.
const fn usual(kind: Kind) -> f64 {
    match kind {
        Kind::Claim => 0.4,
        Kind::Hedge => 2.0,
        _ => 1.0,
    }
}

#[test]
fn after_kill_9_of_everything_and_no_sweep_each_task_ends_by_itself() {
    let begun = Instant::now();
    let (kills, seed) = (number(KILLS_VARIABLE, KILLS), number(SEED_VARIABLE, SEED));
    let rounds: Vec<u64> = (0..kills.div_ceil(IN_ONE_ROUND) as u64).collect();
    let tally = Tally::default();
    let ends = Mutex::new(Vec::new());
    let failures = parallel::each(&rounds, ROUNDS_AT_ONCE, u64::to_string, |round| {
        let ended = play(choices(seed, 1 << 33 | round), &tally)?;
        ends.lock().unwrap().extend(ended);
        Ok(())
    });
    let ends = ends.into_inner().unwrap();
    let last = ends.iter().max().copied().unwrap_or_default();
    println!(
        "seed {seed}: {} processes were killed in {} rounds, in {} s:\n{tally}{} tasks were left and ended by \
         themselves, the last one {:.1} s after the last kill (IdleTimeout is {} s)",
        tally.all(),
        rounds.len(),
        begun.elapsed().as_secs(),
        ends.len(),
        last.as_secs_f64(),
        IDLE.as_secs()
    );
    parallel::expect_none(&failures);
    assert!(!ends.is_empty(), "no task was left");
}

/// Kills a job of each kind and a keep; returns how long after that each of their tasks has ended.
fn play(mut random: fastrand::Rng, tally: &Tally) -> Result<Vec<Duration>, String> {
    let pool = format!("[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = {TASKS}\n");
    let idle = format!("IdleTimeout = \"{}s\"", IDLE.as_secs());
    let manager = super::host(&kind::faults(random.u64(..)), &idle, &pool);
    let _sweeps = no_sweep(&manager);
    let keep = WatchedProcess::start(manager.call(&["warm", "keep"]));
    wait_until("tasks are ready", || step::has_ready(&manager));
    // A script that lasts, on a task that waited.
    let mut scripted = start(&manager, Kind::Claim, 1);
    scripted.prepared();
    wait_until("another one is ready", || step::has_ready(&manager));
    let prepares = [(Kind::Claim, 2), (Kind::Hedge, 3), (Kind::Yield, 4)];
    let mut kills = Vec::new();
    kills.push((scripted, Aim::In(Duration::from_secs_f64(random.f64()))));
    for (kind, id) in prepares {
        let usual = Duration::from_secs_f64(usual(kind));
        kills.push((
            start(&manager, kind, id),
            Aim::choose(&mut random, kind, usual),
        ));
    }
    let keeps_end = Duration::from_secs_f64(3.0 * random.f64());
    let victims: Vec<_> = kills
        .iter()
        .map(|_| [Victim::Both, Victim::Stage][random.usize(..2)])
        .collect();
    std::thread::scope(|scope| {
        let kills = kills
            .into_iter()
            .zip(victims)
            .map(|((running, aim), victim)| scope.spawn(move || running.kill(aim, victim, tally)));
        let kills: Vec<_> = kills.collect();
        std::thread::sleep(keeps_end);
        tally.add(Kind::Keep, Point::Keep(super::kill_keep(&manager, &keep)));
        for kill in kills {
            kill.join().unwrap()?;
        }
        keep.end(BOUND).map(drop)
    })?;
    let ends = by_themselves(&manager)?;
    sweep::end(&manager, JOBS).map(|()| ends)
}

/// Begins a job whose script lasts, and whose runner calls no cleanup.
fn start(manager: &ManagerHost, kind: Kind, id: u64) -> Running<'_> {
    Running::start(kind.job(manager, id), kind, "sleep 600", false)
}

/// Keeps prepares from sweeping: somebody else does, for all they know.
fn no_sweep(manager: &ManagerHost) -> File {
    let metadata = manager.metadata();
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&metadata)
        .unwrap();
    let turn = File::create(metadata.join("sweep")).unwrap();
    turn.lock().unwrap();
    turn
}

/// Waits until all tasks have ended, and nobody had a part in it; returns how long each took.
fn by_themselves(manager: &ManagerHost) -> Result<Vec<Duration>, String> {
    let begun = Instant::now();
    let home = format!("HOME={}", manager.folder.path().display());
    let is_ours = |environment: &[u8]| {
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == home.as_bytes())
    };
    let drivers = process::with_environment(is_ours);
    assert!(drivers.is_empty(), "drivers are left: {drivers:?}");
    // AWS does what they called last.
    std::thread::sleep(Duration::from_millis(500));
    let stops = manager.aws.calls("StopTask");
    let mut ends = Vec::new();
    let mut running = manager.aws.running();
    while !running.is_empty() {
        if begun.elapsed() > IDLE + REST {
            return Err(format!("tasks were left: {running:#?}"));
        }
        std::thread::sleep(Duration::from_millis(50));
        let now = manager.aws.running();
        let is_over = |task: &&Value| !now.iter().any(|other| other["taskArn"] == task["taskArn"]);
        let over = running.iter().filter(is_over).count();
        ends.extend(std::iter::repeat_n(begun.elapsed(), over));
        running = now;
    }
    assert_eq!(
        manager.aws.calls("StopTask"),
        stops,
        "somebody stopped a task"
    );
    Ok(ends)
}
