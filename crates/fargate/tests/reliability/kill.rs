//! SIGKILL at random instants of a job's life.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::parallel;
use crate::runner_process::{RunnerProcess, SCRIPT, Victim};
use crate::watched_process::WatchedProcess;
use crate::{fargate, job};
use testing::{Job, ManagerHost, SshServer, age_leftovers, ledger, leftovers, process};

/// How many living jobs are killed, with a task definition and in JobImage mode, and how many at a time.
const KILLS: [(SshServer, usize); 2] = [(SshServer::Agent, 140), (SshServer::JobImage, 60)];
const AT_ONCE: usize = 10;

/// How many jobs are killed whose starts lag, so that most have a second task.
const HEDGED_KILLS: usize = 100;

/// Times between the states of tasks, as parts of Fargate's: 1.4 s from RunTask to running.
const LATENCY: f64 = 0.05;

const SEED: u64 = 4711;

/// Bound of a job, of a call of reap, and of what goes on without its runner.
const BOUND: Duration = Duration::from_secs(180);

/// The call that ends what a killed process left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Cleanup,
    Reap,
    /// The sweep inside another job's prepare.
    Prepare,
}

#[test]
fn kill_9_at_any_instant_leaves_nothing_that_the_next_cleanup_or_reap_does_not_end() {
    for (server, kills) in KILLS {
        let manager = ManagerHost::with_latency(fargate(), server, &json!({}), LATENCY);
        if server == SshServer::JobImage {
            let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
            manager.configure_job_image(images, "");
        }
        kill_many(&manager, kills);
    }
}

/// Two tasks side by side: each step of the race may be the last one of its prepare.
#[test]
fn kill_9_at_any_instant_of_a_hedged_start_leaves_no_task() {
    let slow = json!({ "slow_start": { "at": "address", "seconds": { "uniform": [0.2, 1.5] } } });
    // The calls of the race take their time, too.
    let calls = json!({ "slow_reply": { "seconds": 0.2 } });
    let faults = json!({ "seed": SEED, "faults": [
        { "when": { "probability": 0.8 }, "effect": slow },
        { "when": { "operation": "RunTask", "probability": 0.5 }, "effect": calls },
        { "when": { "operation": "StopTask", "probability": 0.5 }, "effect": calls },
    ] });
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &faults, LATENCY);
    manager.configure("HedgeAfter = \"300ms\"", "");
    kill_many(&manager, HEDGED_KILLS);
    let hedged = ledger::entries(&manager);
    let hedged = hedged.iter().filter(|entry| entry["kind"] == "hedged");
    let hedged = hedged.count();
    println!("{hedged} of the jobs had a second task that was behind");
    assert!(hedged > HEDGED_KILLS / 3, "{hedged}");
}

/// Lets the next start have a second task, however many there were.
fn fill_bucket(manager: &ManagerHost) {
    // Without second tasks there is no file.
    drop(std::fs::remove_file(manager.metadata().join("hedges.lock")));
}

fn kill_many(manager: &ManagerHost, kills: usize) {
    let begun = Instant::now();
    // The length of a job that nobody kills, under the load that the others will have.
    let measured: Vec<u64> = (1..=AT_ONCE as u64).collect();
    let times = std::sync::Mutex::new(Vec::new());
    parallel::expect_none(&parallel::each(&measured, AT_ONCE, u64::to_string, |id| {
        let job = job(manager, *id);
        let ended = RunnerProcess::start(&job, SCRIPT, true).end(BOUND)?;
        times.lock().unwrap().push(ended.took);
        job.left_nothing()
    }));
    let times = times.into_inner().unwrap();
    let whole = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();

    let (killed, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Some jobs end before their kill; more follow until so many were killed.
    let ids: Vec<u64> = (1001..).take(2 * kills).collect();
    let failures = parallel::each(&ids, AT_ONCE, u64::to_string, |id| {
        if killed.load(Ordering::Relaxed) >= kills {
            return Ok(());
        }
        let mut random = fastrand::Rng::with_seed(SEED ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let at = whole.mul_f64(random.f64());
        let victim = [Victim::Stage, Victim::Runner, Victim::Both][random.usize(..3)];
        let end = [End::Cleanup, End::Cleanup, End::Reap, End::Prepare][random.usize(..4)];
        let job = job(manager, *id);
        match kill(&job, at, victim, end) {
            Ok(true) => killed.fetch_add(1, Ordering::Relaxed),
            Ok(false) => late.fetch_add(1, Ordering::Relaxed),
            Err(problem) => {
                return Err(format!(
                    "job {id}, {victim:?} killed after {:.3} s, ended by {end:?}: {problem}",
                    at.as_secs_f64()
                ));
            }
        };
        Ok(())
    });
    parallel::expect_none(&failures);
    assert_eq!(manager.aws.running(), Vec::<serde_json::Value>::new());
    // The next job and the next sweep remove old leftovers.
    age_leftovers(manager);
    job_beside(&job(manager, 1)).unwrap();
    succeeds(reap(manager)).unwrap();
    manager.left_nothing();
    assert_eq!(leftovers(manager), Vec::<String>::new());
    ledger::is_whole(manager).unwrap();
    let (killed, late) = (killed.into_inner(), late.into_inner());
    println!(
        "{killed} jobs were killed within {:.1} s of their lives, {late} were over before; {} s",
        whole.as_secs_f64(),
        begun.elapsed().as_secs()
    );
    assert!(killed >= kills, "only {killed} were killed");
}

fn reap(manager: &ManagerHost) -> WatchedProcess {
    WatchedProcess::start(manager.call(&["reap", "--older-than", "0s"]))
}

fn succeeds(stage: WatchedProcess) -> Result<(), String> {
    let ended = stage.end(BOUND)?;
    if ended.code == Some(0) {
        Ok(())
    } else {
        Err(ended.story())
    }
}

/// Prepares and cleans up a job that sweeps beside its waiting.
fn job_beside(job: &Job<'_>) -> Result<(), String> {
    job.manager.let_sweep();
    for stage in ["prepare", "cleanup"] {
        succeeds(WatchedProcess::start(job.call(&["custom", stage])))?;
    }
    Ok(())
}

/// Kills at that time of a job's life, and ends what was left. False if the job was over before.
fn kill(job: &Job<'_>, at: Duration, victim: Victim, by: End) -> Result<bool, String> {
    fill_bucket(job.manager);
    let begun = Instant::now();
    let mut runner = RunnerProcess::start(job, SCRIPT, true);
    while begun.elapsed() < at && !runner.is_over() {
        std::thread::sleep(Duration::from_millis(2));
    }
    if runner.is_over() {
        runner.end(BOUND)?;
        job.left_nothing()?;
        return Ok(false);
    }
    let orphans = runner.kill(victim).orphans;
    runner.end(BOUND)?;
    // A living runner calls cleanup itself, unless it was cleanup that was killed.
    let other = crate::job(job.manager, job.id + 100_000);
    let end = || match by {
        End::Cleanup => succeeds(WatchedProcess::start(job.call(&["custom", "cleanup"]))),
        End::Reap => succeeds(reap(job.manager)),
        End::Prepare => job_beside(&other),
    };
    end()?;
    let deadline = Instant::now() + BOUND;
    if !orphans.is_empty() {
        // The next call ends what the orphan did after this one.
        while orphans.iter().any(|orphan| process::is_alive(*orphan)) {
            if Instant::now() > deadline {
                return Err("a stage without a runner goes on for ever".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        end()?;
    }
    if by != End::Cleanup && job.lacks_runner() {
        // The runner died before prepare looked for it, so the job has until its time is over.
        job.expire();
        end()?;
    }
    // A sweep lasts as long as its prepare waits; the next one continues it.
    while by == End::Prepare && job.left_nothing().is_err() && Instant::now() < deadline {
        end()?;
    }
    job.left_nothing()?;
    Ok(true)
}
