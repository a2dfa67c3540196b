//! kill -9 at random instants of a job's life.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::aws::Server;
use crate::crowd;
use crate::job::{Job, let_files_age, litter};
use crate::manager::Manager;
use crate::runner::{Death, Runner, SCRIPT, state};
use crate::stage::Stage;

/// How many living jobs are to be killed, with a task definition and in JobImage mode, and how many at a time.
const KILLS: [(Server, usize); 2] = [(Server::Agent, 140), (Server::JobImage, 60)];
const AT_ONCE: usize = 10;

/// Times between the states of tasks, as parts of Fargate's: 1.4 s from RunTask to running.
const LATENCY: f64 = 0.05;

const SEED: u64 = 4711;

/// Bound of a job, of a call of reap, and of what goes on without its runner.
const BOUND: Duration = Duration::from_secs(180);

/// What ends what was left.
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
        let manager = Manager::with(server, &json!({}), LATENCY);
        if server == Server::JobImage {
            let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
            manager.configure_job_image(images, "");
        }
        kill_many(&manager, kills);
    }
}

fn kill_many(manager: &Manager, kills: usize) {
    let begun = Instant::now();
    // Under the load that the others will have, how long a job takes that nobody kills.
    let measured: Vec<u64> = (1..=AT_ONCE as u64).collect();
    let times = std::sync::Mutex::new(Vec::new());
    crowd::none(&crowd::each(&measured, AT_ONCE, u64::to_string, |id| {
        let job = Job::new(manager, *id);
        let ended = Runner::start(&job, SCRIPT, true).end(BOUND)?;
        times.lock().unwrap().push(ended.took);
        job.left_nothing()
    }));
    let times = times.into_inner().unwrap();
    let whole = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();

    let (killed, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Some are over before. It goes on until so many were not.
    let ids: Vec<u64> = (1001..).take(2 * kills).collect();
    let failures = crowd::each(&ids, AT_ONCE, u64::to_string, |id| {
        if killed.load(Ordering::Relaxed) >= kills {
            return Ok(());
        }
        let mut random = fastrand::Rng::with_seed(SEED ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let at = whole.mul_f64(random.f64());
        let death = [Death::Stage, Death::Runner, Death::Both][random.usize(..3)];
        let end = [End::Cleanup, End::Cleanup, End::Reap, End::Prepare][random.usize(..4)];
        let job = Job::new(manager, *id);
        match kill(&job, at, death, end) {
            Ok(true) => killed.fetch_add(1, Ordering::Relaxed),
            Ok(false) => late.fetch_add(1, Ordering::Relaxed),
            Err(problem) => {
                return Err(format!(
                    "job {id}, {death:?} killed after {:.3} s, ended by {end:?}: {problem}",
                    at.as_secs_f64()
                ));
            }
        };
        Ok(())
    });
    crowd::none(&failures);
    assert_eq!(manager.aws.running(), Vec::<serde_json::Value>::new());
    // What is too young to be litter is cleared away by the next job and the next sweep.
    let_files_age(manager);
    job_beside(&Job::new(manager, 1)).unwrap();
    succeeds(reap(manager)).unwrap();
    manager.left_nothing();
    assert_eq!(litter(manager), Vec::<String>::new());
    let (killed, late) = (killed.into_inner(), late.into_inner());
    println!(
        "{killed} jobs were killed within {:.1} s of their lives, {late} were over before; {} s",
        whole.as_secs_f64(),
        begun.elapsed().as_secs()
    );
    assert!(killed >= kills, "only {killed} were killed");
}

fn reap(manager: &Manager) -> Stage {
    Stage::start(manager.call(&["reap", "--older-than", "0s"]))
}

fn succeeds(stage: Stage) -> Result<(), String> {
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
        succeeds(Stage::start(job.call(&["custom", stage])))?;
    }
    Ok(())
}

/// Kills at that time of a job's life, and ends what was left; whether there was something to kill.
fn kill(job: &Job<'_>, at: Duration, death: Death, by: End) -> Result<bool, String> {
    let begun = Instant::now();
    let mut runner = Runner::start(job, SCRIPT, true);
    while begun.elapsed() < at && !runner.is_over() {
        std::thread::sleep(Duration::from_millis(2));
    }
    if runner.is_over() {
        runner.end(BOUND)?;
        job.left_nothing()?;
        return Ok(false);
    }
    let orphans = runner.kill(death);
    runner.end(BOUND)?;
    // A runner that lives calls cleanup itself, but for a cleanup that was killed.
    let other = Job::new(job.manager, job.id + 100_000);
    let end = || match by {
        End::Cleanup => succeeds(Stage::start(job.call(&["custom", "cleanup"]))),
        End::Reap => succeeds(reap(job.manager)),
        End::Prepare => job_beside(&other),
    };
    end()?;
    let deadline = Instant::now() + BOUND;
    if !orphans.is_empty() {
        // What it did after that is the next one's to end.
        while orphans
            .iter()
            .any(|orphan| !matches!(state(*orphan), None | Some('Z')))
        {
            if Instant::now() > deadline {
                return Err("a stage without a runner goes on for ever".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        end()?;
    }
    if by != End::Cleanup && job.is_nobodys() {
        // The runner died before prepare looked for it, so the job has until its time is over.
        job.let_time_pass();
        end()?;
    }
    // A sweep has as long as its prepare waits, and one goes on where another was cut short.
    while by == End::Prepare && job.left_nothing().is_err() && Instant::now() < deadline {
        end()?;
    }
    job.left_nothing()?;
    Ok(true)
}
