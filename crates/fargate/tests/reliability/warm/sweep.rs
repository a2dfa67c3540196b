//! Kills while others go on, and then one sweep.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use testing::{Job, ManagerHost, age_leftovers, ledger, leftovers};

use super::kind::{self, Kind, PREPARES};
use super::tally::{Point, Tally};
use super::victim::{Aim, BOUND, Running};
use super::{KILLS_VARIABLE, SEED, SEED_VARIABLE, choices, number, step, traces};
use crate::parallel;
use crate::runner_process::Victim;
use crate::watched_process::WatchedProcess;

/// How many processes are killed at least, how many of them in one folder at most, and in how many at a time.
const KILLS: usize = 24;
const IN_ONE_FOLDER: usize = 50;
const FOLDERS_AT_ONCE: usize = 3;

/// How many jobs a folder has at a time, and how many tasks wait for them.
const AT_ONCE: usize = 4;
const TASKS: usize = 5;

/// How long a keep lives at most: it looks up, starts tasks, has them ready, and replaces the first ones.
const KEEPS_LIFE: f64 = 5.0;

/// How long a job waits until a task is ready for it: most keeps are killed before they have one.
const PATIENCE: Duration = Duration::from_secs(15);

/// The sights of one folder.
#[derive(Debug, Default)]
struct Seen {
    jobs: usize,
    claimed: usize,
    hedged: usize,
    yielded: usize,
    unproven: usize,
}

#[test]
fn kill_9_among_claims_keeps_hedges_and_yields_uses_no_task_twice_and_one_sweep_leaves_nothing() {
    let begun = Instant::now();
    let (kills, seed) = (number(KILLS_VARIABLE, KILLS), number(SEED_VARIABLE, SEED));
    let folders = kills.div_ceil(IN_ONE_FOLDER);
    let numbers: Vec<u64> = (0..folders as u64).collect();
    let tally = Tally::default();
    let all = Mutex::new(Vec::new());
    let failures = parallel::each(&numbers, FOLDERS_AT_ONCE, u64::to_string, |number| {
        let seed = choices(seed, 1 << 32 | number).u64(..);
        let seen = play(seed, kills.div_ceil(folders), &tally)?;
        all.lock().unwrap().push(seen);
        Ok(())
    });
    println!(
        "seed {seed}: {} processes were killed in {folders} folders, in {} s:\n{tally}",
        tally.all(),
        begun.elapsed().as_secs(),
    );
    let all = all.into_inner().unwrap();
    let sum = |count: fn(&Seen) -> usize| all.iter().map(count).sum::<usize>();
    println!(
        "{} jobs: {} claimed a task, {} claimed tasks gave no proof; {} had a second task that was behind; {} tasks yielded",
        sum(|seen| seen.jobs),
        sum(|seen| seen.claimed),
        sum(|seen| seen.unproven),
        sum(|seen| seen.hedged),
        sum(|seen| seen.yielded),
    );
    parallel::expect_none(&failures);
    assert!(tally.all() >= kills);
    for kind in [Kind::Keep, Kind::Claim, Kind::Hedge, Kind::Yield] {
        assert!(tally.of(kind) > 0, "no {kind:?} was killed");
    }
    assert!(sum(|seen| seen.claimed) > 0, "no job has claimed a task");
    assert!(sum(|seen| seen.hedged) > 0, "no job had a second task");
    assert!(sum(|seen| seen.yielded) > 0, "no task has yielded");
}

/// Kills so many processes in one folder, sweeps once, and looks at what is left.
fn play(seed: u64, kills: usize, tally: &Tally) -> Result<Seen, String> {
    let pool =
        format!("[Warm]\nMaxAge = \"6s\"\n[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = {TASKS}\n");
    let manager = super::host(&kind::faults(seed), "", &pool);
    let folder = Folder {
        manager: &manager,
        seed,
        kills,
        killed: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        usual: PREPARES.map(|_| AtomicU64::new(0)),
        begun: Mutex::default(),
        yields: Mutex::new(()),
        tally,
    };
    let (jobs, failures) = std::thread::scope(|scope| {
        let keeps = scope.spawn(|| folder.kill_keeps());
        let jobs = folder.kill_jobs();
        folder.over.store(true, Ordering::Relaxed);
        keeps.join().unwrap();
        jobs
    });
    let mut failures = failures;
    failures.extend(end(&manager, jobs).err());
    match failures.is_empty() {
        true => Ok(seen(&manager, jobs)),
        false => Err(failures.join("\n\n")),
    }
}

struct Folder<'a> {
    manager: &'a ManagerHost,
    seed: u64,
    kills: usize,
    killed: AtomicUsize,
    over: AtomicBool,
    /// How long prepares of each kind took that nobody killed, in milliseconds.
    usual: [AtomicU64; PREPARES.len()],
    /// How many prepares of each kind there were.
    begun: Mutex<[usize; PREPARES.len()]>,
    /// Held by the job that a task may yield to: the marks of the yield are its.
    yields: Mutex<()>,
    tally: &'a Tally,
}

impl Folder<'_> {
    /// Keeps tasks ready, with one keep after the other, each of which is killed.
    fn kill_keeps(&self) {
        let mut random = choices(self.seed, u64::MAX);
        while !self.over.load(Ordering::Relaxed) {
            super::forget_yields(self.manager);
            let mut keep = WatchedProcess::start(self.manager.call(&["warm", "keep"]));
            let life = Duration::from_secs_f64(random.f64() * KEEPS_LIFE);
            if random.bool() {
                // Else jobs would find hardly any task on a busy machine.
                self.await_task();
            }
            let begun = Instant::now();
            while begun.elapsed() < life && !self.over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(
                !keep.is_over(),
                "it ended by itself: {}",
                keep.end(BOUND).unwrap().story()
            );
            let step = super::kill_keep(self.manager, &keep);
            self.tally.add(Kind::Keep, Point::Keep(step));
            self.killed.fetch_add(1, Ordering::Relaxed);
            keep.end(BOUND).unwrap();
        }
    }

    /// Runs jobs, of which most are killed, until so many processes were; returns how many there were, and what went
    /// wrong.
    fn kill_jobs(&self) -> (u64, Vec<String>) {
        let begun = AtomicU64::new(0);
        let ids: Vec<u64> = (1..=10 * self.kills as u64).collect();
        let failures = parallel::each(&ids, AT_ONCE, u64::to_string, |id| {
            if self.killed.load(Ordering::Relaxed) >= self.kills {
                return Ok(());
            }
            begun.fetch_max(*id, Ordering::Relaxed);
            self.play(*id)
        });
        (begun.into_inner(), failures)
    }

    /// The first jobs of each kind, and some others, live; all others are killed.
    fn play(&self, id: u64) -> Result<(), String> {
        let mut random = choices(self.seed, id);
        let (number, _turn) = self.choose();
        let (kind, usual) = (PREPARES[number], &self.usual[number]);
        match kind {
            Kind::Claim => self.await_task(),
            Kind::Hedge => super::fill_bucket(self.manager),
            _ => super::refuse_next(self.manager, random.u64(..)),
        }
        let took = Duration::from_millis(usual.load(Ordering::Relaxed));
        let job = kind.job(self.manager, id);
        let mut running = Running::start(job, kind, "sleep 0.2", true);
        let lives = took.is_zero() || random.u32(..6) == 0;
        let played = if lives {
            let took = running.prepared().as_millis();
            usual.store(u64::try_from(took).unwrap(), Ordering::Relaxed);
            // A process that lives has to succeed.
            running.succeeds()
        } else {
            let aim = match random.u32(..8) {
                // Beyond its prepare.
                0 => Aim::At(took + Duration::from_secs_f64(2.0 * random.f64())),
                _ => Aim::choose(&mut random, kind, took),
            };
            let victims = [
                Victim::Stage,
                Victim::Stage,
                Victim::Stage,
                Victim::Both,
                Victim::Both,
                Victim::Runner,
            ];
            let victim = victims[random.usize(..victims.len())];
            let killed = running.kill(aim, victim, self.tally)?;
            self.killed
                .fetch_add(usize::from(killed), Ordering::Relaxed);
            Ok(())
        };
        played.map_err(|problem| format!("{kind:?}: {problem}"))
    }

    /// The kind of which there were the fewest so far. One job at a time has a task yield to it.
    fn choose(&self) -> (usize, Option<MutexGuard<'_, ()>>) {
        let turn = self.yields.try_lock().ok();
        let is_free = |number: &usize| PREPARES[*number] != Kind::Yield || turn.is_some();
        let mut begun = self.begun.lock().unwrap();
        let numbers = (0..PREPARES.len()).filter(is_free);
        let number = numbers.min_by_key(|number| begun[*number]).unwrap();
        begun[number] += 1;
        (number, turn.filter(|_| PREPARES[number] == Kind::Yield))
    }

    fn await_task(&self) {
        let begun = Instant::now();
        let is_over = || self.over.load(Ordering::Relaxed) || begun.elapsed() > PATIENCE;
        while !is_over() && !step::has_ready(self.manager) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Sweeps once, and looks whether anything is left, and whether a task was used twice.
pub(super) fn end(manager: &ManagerHost, jobs: u64) -> Result<(), String> {
    // Jobs whose runner died before prepare could see it have until their time is over, and drafts stay for a minute.
    for id in 1..=jobs {
        let job = Job { manager, id };
        if job.lacks_runner() {
            job.expire();
        }
    }
    age_leftovers(manager);
    step::age_drafts(manager);
    let reap = WatchedProcess::start(manager.call(&["reap", "--older-than", "0s"]));
    let reaped = reap.end(BOUND)?;
    if reaped.code != Some(0) {
        return Err(format!("reap: {}", reaped.story()));
    }
    let running = manager.aws.running();
    if !running.is_empty() {
        return Err(format!("tasks were left: {running:#?}\n{}", reaped.story()));
    }
    let mut left = leftovers(manager);
    // Whoever looks next at a task removes the word that a killed process left for the others.
    left.retain(|name| name != "/warm" && !name.starts_with("looks/"));
    left.extend(
        step::leftovers(manager)
            .into_iter()
            .map(|name| format!("/warm/{name}")),
    );
    if !left.is_empty() {
        return Err(format!("files were left: {left:?}\n{}", reaped.story()));
    }
    ledger::is_whole(manager)?;
    used_once_by_the_ledger(manager)?;
    traces::used_once(manager)
}

/// Checks by the ledger that no task served two jobs.
fn used_once_by_the_ledger(manager: &ManagerHost) -> Result<(), String> {
    let mut users: BTreeMap<String, String> = BTreeMap::new();
    for entry in ledger::entries(manager) {
        if entry["kind"] != "job" {
            continue;
        }
        for task in entry["tasks"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (task, attempt) = (text(&task["task"]), text(&entry["attempt"]));
            match users.insert(task.clone(), attempt.clone()) {
                Some(other) if other != attempt => {
                    return Err(format!("{task} has served {other} and {attempt}"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn seen(manager: &ManagerHost, jobs: u64) -> Seen {
    let entries = ledger::entries(manager);
    let count = |matches: fn(&Value) -> bool| entries.iter().filter(|entry| matches(entry)).count();
    Seen {
        jobs: usize::try_from(jobs).unwrap(),
        claimed: count(|entry| entry["warm"] == "claimed"),
        hedged: count(|entry| entry["kind"] == "hedged"),
        yielded: count(|entry| entry["outcome"]["cause"] == "a job found no room for its own task"),
        unproven: count(|entry| {
            let cause = entry["outcome"]["cause"].as_str().unwrap_or_default();
            cause.starts_with("the job that claimed it could not use it")
        }),
    }
}
