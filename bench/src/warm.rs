//! Jobs on tasks that wait for them: the time from the beginning of prepare until the first byte of the job's script.
//!
//! Jobs bring their images, so each claim speaks to two agents. Tasks, agents and the stand-in run on the same machine
//! as the jobs.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{Job, ManagerHost, SshServer, ledger};

use crate::fargate;
use crate::table::seconds;

/// The scale of AWS's own time for the starts of the tasks that wait, which nothing here measures.
const LATENCY: f64 = 0.05;

const SCRIPT: &str = "echo begun\n";

/// The image of jobs and pool.
const IMAGE: &str = "ruby:3.3";

/// So many jobs one after the other, and so many at once.
pub(crate) fn measure(alone: usize, at_once: usize) {
    println!("| jobs on tasks that wait | claimed | median | p95 | the longest |");
    println!("|---|---|---|---|---|");
    print(&format!("{alone}, one after the other"), alone, |jobs| {
        jobs.iter().map(start).collect()
    });
    print(&format!("{at_once} at once"), at_once, |jobs| {
        std::thread::scope(|scope| {
            let running: Vec<_> = jobs.iter().map(|job| scope.spawn(|| start(job))).collect();
            running.into_iter().map(|job| job.join().unwrap()).collect()
        })
    });
}

/// Makes `number` tasks wait, and prints a row of the times of so many jobs.
fn print(title: &str, number: usize, run: impl FnOnce(&[Job<'_>]) -> Vec<Duration>) {
    let manager = ManagerHost::with_latency(fargate(), SshServer::JobImage, &json!({}), LATENCY);
    let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
    let pool = format!(
        "[Warm]\nMaxTasks = {number}\n[[Warm.Pool]]\nImage = {IMAGE:?}\nTasks = {number}\n"
    );
    manager.configure_job_image(images, &pool);
    let keep = manager.call(&["warm", "keep", "--once"]);
    assert!(quiet(keep).status().unwrap().success(), "no tasks wait");
    let asked = json!({ "image": { "name": IMAGE }, "variables": null });
    let jobs: Vec<Job<'_>> = (0..number as u64)
        .map(|id| Job::new(&manager, 1000 + id, &asked))
        .collect();
    let mut times = run(&jobs);
    for job in &jobs {
        let cleanup = job.call(&["custom", "cleanup"]);
        assert!(quiet(cleanup).status().unwrap().success(), "cleanup failed");
    }
    times.sort();
    let at = |part: f64| seconds(times[((times.len() - 1) as f64 * part).round() as usize]);
    println!(
        "| {title} | {} | {} | {} | {} |",
        claimed(&manager),
        at(0.5),
        at(0.95),
        at(1.0)
    );
}

/// Starts a job; returns the time until its script printed something.
fn start(job: &Job<'_>) -> Duration {
    let begun = Instant::now();
    let prepare = quiet(job.call(&["custom", "prepare"])).status().unwrap();
    assert!(prepare.success(), "prepare failed");
    let mut script = job
        .script("build_script", SCRIPT)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = script.stdout.take().unwrap();
    output.read_exact(&mut [0]).unwrap();
    let took = begun.elapsed();
    output.read_to_end(&mut Vec::new()).unwrap();
    assert!(script.wait().unwrap().success(), "the script failed");
    took
}

fn quiet(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How many jobs ran on a task that had waited; none may share one.
fn claimed(manager: &ManagerHost) -> usize {
    let entries = ledger::entries(manager);
    let claimed = entries
        .iter()
        .filter(|entry| entry["kind"] == "job" && entry["warm"] == "claimed");
    let tasks: Vec<&Value> = claimed.map(|entry| &entry["tasks"][0]["task"]).collect();
    let different: BTreeSet<&str> = tasks.iter().filter_map(|task| task.as_str()).collect();
    assert_eq!(different.len(), tasks.len(), "two jobs had one task");
    tasks.len()
}
