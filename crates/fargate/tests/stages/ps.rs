//! `fargate ps`: what it tells of jobs that wait and run, and that it changes nothing.

use std::process::Command;
use std::time::{Instant, SystemTime};

use nix::sys::signal::Signal::SIGTERM;
use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, SshServer, follows_schema, wait_until};

use crate::fargate;
use crate::hedged_starts::{self, slow};
use crate::sweep::{prepare_and_lose_runner, rewrite};
use crate::warm;

fn document(manager: &ManagerHost) -> Value {
    let document = manager.start(&["ps", "--json"]).finish().exits(0).out();
    let document = serde_json::from_str(&document).unwrap();
    follows_schema(&document, "ps.json");
    document
}

fn table(manager: &ManagerHost) -> String {
    manager.start(&["ps"]).finish().exits(0).out()
}

#[test]
fn a_job_is_shown_with_all_that_is_known_of_it() {
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.02);
    let repository = "https://gitlab-ci-token:glcbt-64_secret@gitlab.example.com/acme/shop.git";
    manager.ask(&json!({ "git_info": { "repo_url": repository } }));
    manager.prepare();
    let ready = document(&manager);
    let job = &ready["jobs"][0];
    for (member, value) in [
        ("job_id", json!(4711)),
        ("job", json!("unit tests")),
        (
            "job_url",
            json!("https://gitlab.example.com/acme/shop/-/jobs/4711"),
        ),
        ("project", json!("acme/shop")),
        ("phase", json!("ready")),
        ("script", Value::Null),
        ("image", json!("registry.example.com/ci:1")),
        ("vcpu", json!(0.25)),
        ("memory_gb", json!(0.5)),
        ("provider", json!("FARGATE")),
        // Nobody finds a task of the stand-in in AWS's console.
        ("task_url", Value::Null),
        (
            "sweep",
            json!({ "ends": false, "why": "its GitLab Runner lives" }),
        ),
    ] {
        assert_eq!(job[member], value, "{member} in {job:#}");
    }
    let arn = manager.aws.running()[0]["taskArn"].clone();
    assert_eq!(job["task_arn"], arn);
    assert!(job["cost"]["usd"].as_f64().unwrap() > 0.0, "{job:#}");
    let started = job["started_at"].as_str().unwrap();
    assert!(humantime::parse_rfc3339(started).is_ok(), "{started}");
    assert_eq!(ready["unasked"], json!([]));
    assert!(!ready.to_string().contains("glcbt"), "{ready:#}");

    let mut running = manager.start_run("echo started; sleep 60");
    running.read_until("started\n");
    let job = &document(&manager)["jobs"][0];
    assert_eq!(
        (&job["phase"], &job["script"]),
        (&json!("script"), &json!("build_script"))
    );
    let (_, id) = arn.as_str().unwrap().rsplit_once('/').unwrap();
    let short: String = id.chars().take(8).collect();
    let table = table(&manager);
    for expected in [
        "4711",
        "acme/shop",
        "build_script",
        "0.25 vCPU, 0.5 GB",
        "FARGATE",
        "registry.example.com/ci:1",
        &short,
        "0.00",
    ] {
        assert!(table.contains(expected), "{expected} in {table}");
    }
    assert!(!table.contains('\u{1b}'), "{table}");
    let links = manager.start(&["ps", "--links"]).finish().exits(0).out();
    let page = "  https://gitlab.example.com/acme/shop/-/jobs/4711\n";
    assert!(links.contains(page), "{links}");
    drop(running);
    manager.custom("cleanup").exits(0);
    assert_eq!(document(&manager)["jobs"], json!([]));
}

#[test]
fn a_job_without_a_task_waits() {
    let slow = json!({ "faults": [{ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 5.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    let preparing = manager.start(&["custom", "prepare"]);
    wait_until("it is recorded", || !manager.records().is_empty());
    let job = &document(&manager)["jobs"][0];
    assert_eq!(
        (&job["phase"], &job["task_arn"]),
        (&json!("waiting"), &Value::Null)
    );
    preparing.finish().exits(0);
}

#[test]
fn what_a_sweep_would_end_is_told_and_left_alone() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    prepare_and_lose_runner(&manager);
    manager.next_job();
    manager.prepare();
    // Of a job whose record is lost.
    manager.next_job();
    manager.prepare();
    let lost = manager.records().into_iter().max().unwrap();
    std::fs::remove_file(lost).unwrap();
    std::fs::write(manager.metadata().join("t1_abc-9.json"), "{}").unwrap();
    let before = (manager.aws.running(), manager.records());

    let table = table(&manager);
    let would = "would end job 4711 of acme/shop: its GitLab Runner is gone";
    assert!(table.contains(would), "{table}");
    let dry = manager
        .start(&["reap", "--dry-run"])
        .finish()
        .exits(0)
        .out();
    assert!(dry.contains(would), "the same words as reap: {dry}");
    assert!(!table.contains("would end job 4712"), "{table}");
    assert!(table.contains("kept task "), "{table}");
    assert!(table.contains("damaged record "), "{table}");
    let document = document(&manager);
    let ends = |number: usize| document["jobs"][number]["sweep"]["ends"].as_bool();
    assert_eq!((ends(0), ends(1)), (Some(true), Some(false)));
    let tasks = document["tasks_without_record"].as_array().unwrap();
    assert_eq!(
        (tasks.len(), &tasks[0]["sweep"]["ends"]),
        (1, &json!(false)),
        "{document:#}"
    );
    assert_eq!(document["damaged_records"].as_array().unwrap().len(), 1);
    assert_eq!((manager.aws.running(), manager.records()), before);
}

#[test]
fn records_are_enough_while_aws_is_silent() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let silent = |operation: &str| json!({ "when": { "operation": operation }, "effect": { "slow_reply": { "seconds": 20.0 } } });
    let faults = json!({ "faults": [silent("DescribeTasks"), silent("ListTasks")] });
    manager.aws.faults(&faults);
    let begun = Instant::now();
    let document = document(&manager);
    assert!(begun.elapsed() < 8 * SECOND, "{:?}", begun.elapsed());
    let job = &document["jobs"][0];
    assert_eq!(
        (&job["phase"], &job["memory_gb"]),
        (&json!("ready"), &json!(0.5))
    );
    let unasked = document["unasked"].to_string();
    for what in ["the present state of tasks", "tasks that no record names"] {
        assert!(unasked.contains(what), "{unasked}");
    }
    let table = table(&manager);
    assert!(
        table.contains(
            "not known: the present state of tasks in test-cluster: no answer from AWS in 2.5 s"
        ),
        "{table}"
    );
}

#[test]
fn a_second_task_is_shown_beside_the_one_that_lags() {
    let manager = hedged_starts::manager("300ms", &[slow(1, 60.0), slow(2, 60.0)]);
    let mut preparing = manager.start(&["custom", "prepare"]);
    wait_until("both run", || {
        manager.aws.running().len() == 2 && document(&manager)["jobs"][0]["second_task"].is_object()
    });
    let job = document(&manager)["jobs"][0].clone();
    let second = &job["second_task"];
    assert_ne!(second["task_arn"], job["task_arn"], "{job:#}");
    assert_eq!(
        (&job["phase"], &second["phase"]),
        (&json!("provisioning"), &json!("provisioning"))
    );
    let created = |arn: &Value| {
        let tasks = manager.aws.running();
        let task = tasks.iter().find(|task| task["taskArn"] == *arn);
        task.unwrap()["createdAt"].as_f64().unwrap()
    };
    assert!(created(&job["task_arn"]) < created(&second["task_arn"]));
    let (_, id) = second["task_arn"]
        .as_str()
        .unwrap()
        .rsplit_once('/')
        .unwrap();
    let short: String = id.chars().take(8).collect();
    let line = format!("second task of job 4711 of acme/shop: provisioning, {short}\n");
    let table = table(&manager);
    assert!(table.contains(&line), "{table}");
    preparing.signal(SIGTERM);
    preparing.finish().exits(22);
    manager.custom("cleanup").exits(0);
}

#[test]
fn a_task_that_aws_ends_is_lost() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    let gone = json!({ "effect": { "spot_interruption": { "after_seconds": 0.0 } } });
    manager.aws.strike(arn.as_str().unwrap(), &gone);
    wait_until("its end has begun", || manager.aws.running().is_empty());
    let job = &document(&manager)["jobs"][0];
    assert_eq!(job["phase"], "lost", "{job:#}");
    assert!(job["stop_reason"].is_string(), "{job:#}");
    let table = table(&manager);
    assert!(table.contains("lost: the task of job 4711"), "{table}");
}

#[test]
fn without_jobs_nothing_is_asked_or_made() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let text = table(&manager);
    assert!(
        text.starts_with("No job of this manager has a record in "),
        "{text}"
    );
    assert_eq!(document(&manager)["jobs"], json!([]));
    assert!(!manager.metadata().exists());
    assert_eq!(
        manager.aws.calls("ListTasks") + manager.aws.calls("DescribeTasks"),
        0
    );
    manager
        .start(&["ps", "--watch"])
        .finish()
        .exits(2)
        .complains(&["--watch needs a terminal"]);
}

#[test]
fn a_watched_terminal_is_given_back() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let call = manager.call(&["ps", "--watch"]);
    let words: Vec<_> = call.get_args().map(|word| word.to_str().unwrap()).collect();
    let typed = format!(
        "timeout --foreground --signal INT 4 {} {}",
        fargate(),
        words.join(" ")
    );
    let mut terminal = Command::new("script");
    terminal
        .args(["--quiet", "--return", "--command", &typed, "/dev/null"])
        .env_clear()
        .envs(
            call.get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .current_dir(manager.folder.path());
    let output = terminal.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    // That of `timeout`: the command itself ended in time.
    assert_eq!(output.status.code(), Some(124), "{shown}");
    assert!(shown.starts_with("\u{1b}[?1049h\u{1b}[?25l"), "{shown:?}");
    assert!(shown.ends_with("\u{1b}[?25h\u{1b}[?1049l"), "{shown:?}");
    assert!(shown.matches("\u{1b}[H").count() >= 2, "{shown:?}");
    assert!(
        shown.contains("4711") && shown.contains("ready"),
        "{shown:?}"
    );
    assert!(!shown.contains("\u{1b}[1m"), "NO_COLOR: {shown:?}");
}

#[test]
fn words_of_others_cannot_control_the_terminal() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    rewrite(&manager, |record| {
        record["job"]["project"] = json!("a\u{1b}[31m/b");
        record["build"] = Value::Null;
    });
    let table = table(&manager);
    assert!(!table.contains('\u{1b}'), "{table:?}");
}

#[test]
fn a_kept_task_shows_how_long_it_stays() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("KeepFailedFor = \"1h\"", "");
    manager.prepare();
    manager.run("exit 3").exits(11);
    manager.custom("cleanup").exits(0);
    let job = &document(&manager)["jobs"][0];
    assert_eq!(job["phase"], "kept", "{job:#}");
    let until = job["kept_until"].as_str().unwrap();
    let left = humantime::parse_rfc3339(until).unwrap();
    let left = left.duration_since(SystemTime::now()).unwrap();
    assert!((3500 * SECOND..=3600 * SECOND).contains(&left), "{left:?}");
    assert_eq!(job["sweep"]["ends"], false);
    let table = table(&manager);
    assert!(table.contains("kept 59m "), "{table}");
}

#[test]
fn a_waiting_task_that_a_sweep_would_end_is_told() {
    let manager = warm::manager(1);
    warm::keep_once(&manager);
    let sweeps = "The next sweep";
    assert!(!table(&manager).contains(sweeps), "it waits for a job");
    assert_eq!(document(&manager)["waiting_tasks"], json!([]));
    let file = warm::files(&manager).pop().unwrap();
    let mut task: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    task["over_at"] = 1.into();
    std::fs::write(&file, task.to_string()).unwrap();
    let table = table(&manager);
    let would = format!("would end waiting task {} (", task["id"].as_str().unwrap());
    assert!(table.contains(sweeps) && table.contains(&would), "{table}");
    let dry = warm::reap(&manager, &["--dry-run"]);
    assert!(dry.contains(&would), "the same words as reap: {dry}");
    let document = document(&manager);
    let told = &document["waiting_tasks"][0];
    assert_eq!(
        (&told["id"], &told["task_arn"], &told["sweep"]["ends"]),
        (&task["id"], &task["task"], &json!(true))
    );
    assert_eq!(manager.aws.running().len(), 1);
}
