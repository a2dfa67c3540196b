//! kill -9 at random instants of a job's life.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::aws::Server;
use crate::crowd;
use crate::job::{Job, litter};
use crate::manager::Manager;
use crate::runner::{Death, Runner, SCRIPT, state};
use crate::stage::Stage;

/// How many jobs are killed, and how many at a time.
const KILLS: u64 = 200;
const AT_ONCE: usize = 10;

/// Times between the states of tasks, as parts of Fargate's: 1.4 s from RunTask to running.
const LATENCY: f64 = 0.05;

const SEED: u64 = 4711;

/// Bound of a job, of a call of reap, and of what goes on without its runner.
const BOUND: Duration = Duration::from_secs(180);

#[test]
fn kill_9_at_any_instant_leaves_nothing_that_the_next_cleanup_or_reap_does_not_end() {
    let manager = Manager::with(Server::Agent, &json!({}), LATENCY);
    let begun = Instant::now();
    // Under the load that the others will have, how long a job takes that nobody kills.
    let measured: Vec<u64> = (1..=AT_ONCE as u64).collect();
    let times = std::sync::Mutex::new(Vec::new());
    crowd::none(&crowd::each(&measured, AT_ONCE, u64::to_string, |id| {
        let job = Job::new(&manager, *id);
        let ended = Runner::start(&job, SCRIPT, true).end(BOUND)?;
        times.lock().unwrap().push(ended.took);
        job.left_nothing()
    }));
    let times = times.into_inner().unwrap();
    let whole = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();

    let (killed, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let kills: Vec<u64> = (1001..1001 + KILLS).collect();
    let failures = crowd::each(&kills, AT_ONCE, u64::to_string, |id| {
        let mut random = fastrand::Rng::with_seed(SEED ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let at = whole.mul_f64(random.f64());
        let death = [Death::Stage, Death::Runner, Death::Both][random.usize(..3)];
        let by_reap = random.bool();
        let job = Job::new(&manager, *id);
        match kill(&job, at, death, by_reap) {
            Ok(true) => killed.fetch_add(1, Ordering::Relaxed),
            Ok(false) => late.fetch_add(1, Ordering::Relaxed),
            Err(problem) => {
                let ended_by = if by_reap { "reap" } else { "cleanup" };
                return Err(format!(
                    "job {id}, {death:?} killed after {:.3} s, {ended_by}: {problem}",
                    at.as_secs_f64()
                ));
            }
        };
        Ok(())
    });
    crowd::none(&failures);
    assert_eq!(manager.aws.running(), Vec::<serde_json::Value>::new());
    let last = reap(&manager).end(BOUND).unwrap();
    assert_eq!(last.code, Some(0), "{}", last.story());
    manager.left_nothing();
    // Whoever asked for tasks last removes what others left; nobody has asked since the last were killed.
    let litter: Vec<_> = litter(&manager)
        .into_iter()
        .filter(|name| !name.starts_with("looks/") && !name.contains(".tmp"))
        .collect();
    assert_eq!(litter, Vec::<String>::new());
    let (killed, late) = (killed.into_inner(), late.into_inner());
    println!(
        "{killed} jobs were killed within {:.1} s of their lives, {late} were over before; {} s",
        whole.as_secs_f64(),
        begun.elapsed().as_secs()
    );
    assert!(killed as u64 > KILLS * 2 / 3, "only {killed} were killed");
}

fn reap(manager: &Manager) -> Stage {
    Stage::start(manager.call(&["reap", "--older-than", "0s"]))
}

/// Kills at that time of a job's life, and ends what was left; whether there was something to kill.
fn kill(job: &Job<'_>, at: Duration, death: Death, by_reap: bool) -> Result<bool, String> {
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
    let end = || -> Result<(), String> {
        let ended = if by_reap {
            reap(job.manager).end(BOUND)?
        } else {
            Stage::start(job.call(&["custom", "cleanup"])).end(BOUND)?
        };
        if ended.code == Some(0) {
            Ok(())
        } else {
            Err(ended.story())
        }
    };
    end()?;
    if !orphans.is_empty() {
        // What it did after that is the next one's to end.
        let deadline = Instant::now() + BOUND;
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
    if by_reap && job.is_nobodys() {
        // The runner died before prepare looked for it, so the job has until its time is over.
        job.let_time_pass();
        end()?;
    }
    job.left_nothing()?;
    Ok(true)
}
