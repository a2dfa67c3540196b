//! `fargate warm simulate`, over ledgers of jobs that were.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, follows_schema};

use crate::fargate;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

/// The line of a job that asked for its task so long ago: its start took half a minute, and it ran for five.
fn line(number: u64, ago: u64, image: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let asked = u64::try_from(now.as_millis()).unwrap() - ago;
    let (ready, ended) = (asked + 30 * SECOND, asked + 330 * SECOND);
    let times = json!({ "created": asked, "pull_started": asked + 10 * SECOND, "stopped": ended + 30 * SECOND });
    let facts =
        json!({ "times": times, "family": "ci-ruby", "image": image, "cpu": 1024, "memory": 2048 });
    json!({
        "kind": "job", "attempt": number.to_string(), "job_id": number, "project_id": 1, "image": image,
        "region": "eu-west-1", "at": ended, "outcome": { "kind": "success" },
        "times": { "asked": asked, "ready": ready, "ended": ended },
        "tasks": [{ "task": number.to_string(), "won": true, "facts": facts }],
    })
}

/// The same of a job that claimed a task, which had waited for an hour.
fn claimed(number: u64, ago: u64, image: &str) -> Value {
    let mut line = line(number, ago, image);
    let asked = line["times"]["asked"].as_u64().unwrap();
    line["warm"] = json!("claimed");
    line["times"]["ready"] = json!(asked + 400);
    line["times"]["ended"] = json!(asked + 300 * SECOND);
    let task = &mut line["tasks"][0];
    task["claimed_at"] = json!(asked);
    let times = &mut task["facts"]["times"];
    times["created"] = json!(asked - 60 * MINUTE);
    times["pull_started"] = json!(asked - 60 * MINUTE + 10 * SECOND);
    times["stopped"] = json!(asked + 330 * SECOND);
    line
}

/// A host with a job a minute in the last two hours, and one of another image, and with this section.
fn host(warm: &str) -> ManagerHost {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&format!("{text}\n{warm}"));
    let folder = manager.metadata().join("ledger");
    std::fs::create_dir_all(&folder).unwrap();
    let jobs = (1..=120).map(|number| line(number, (130 - number) * MINUTE, "ruby:3.3"));
    let other = line(121, 60 * MINUTE, "golang:1.25");
    write(&manager, jobs.chain([other]));
    manager
}

/// Writes the ledger.
fn write(manager: &ManagerHost, lines: impl Iterator<Item = Value>) {
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    // Readers take each month that is there.
    let file = manager.metadata().join("ledger/2999-12.jsonl");
    std::fs::write(file, lines).unwrap();
}

fn document(manager: &ManagerHost) -> Value {
    let arguments = ["warm", "simulate", "--json"];
    let document = manager.start(&arguments).finish().exits(0).out();
    let document = serde_json::from_str(&document).unwrap();
    follows_schema(&document, "warm-simulate.json");
    document
}

fn hits(way: &Value) -> u64 {
    way["hits"].as_u64().unwrap()
}

#[test]
fn past_jobs_say_what_waiting_tasks_would_have_brought() {
    let manager = host(
        "[[Warm.Pool]]\nTaskDefinition = \"ci-ruby:7\"\nTasks = 1\n[[Warm.Pool]]\nTaskDefinition = \"gone\"\nTasks = 1\n",
    );
    let document = document(&manager);
    assert_eq!(document["jobs"], 121);
    assert_eq!(document["kinds"][0]["image"], "ruby:3.3");
    assert_eq!(document["kinds"][0]["jobs"], 120);
    assert_eq!(document["unused_pools"], json!(["gone"]));
    let ways = document["ways"].as_array().unwrap();
    assert_eq!((&ways[0]["way"], hits(&ways[0])), (&json!("none"), 0));
    assert_eq!(ways[0]["start_p50_seconds"], 30.0);
    assert_eq!(ways[0]["idle_hours"], 0.0);
    // A task is ready half a minute after the one before was claimed.
    assert_eq!(ways[1]["way"], "pools of fargate.toml");
    assert!(hits(&ways[1]) > 110, "{document:#}");
    assert_eq!(ways[1]["start_p50_seconds"], 0.5);
    assert!(ways[1]["idle_usd"].as_f64().unwrap() > 0.0, "{document:#}");
    // For more than two hours the pool that no job asks for has only waited.
    assert!(
        ways[1]["idle_hours"].as_f64().unwrap() > 2.0,
        "{document:#}"
    );
    // Follow learns within a few jobs, and keeps none for the other image.
    let follow = ways.last().unwrap();
    assert!((110..120).contains(&hits(follow)), "{document:#}");
    let table = manager.start(&["warm", "simulate"]).finish().exits(0).out();
    for part in [
        "121 jobs since ",
        "tasks that wait",
        "Follow = { MaxTasks = 10 }",
        "WARNING: no job of that time would have used the pool gone: its tasks only wait",
        "ruby:3.3",
    ] {
        assert!(table.contains(part), "{part} in {table}");
    }
}

#[test]
fn an_empty_ledger_says_so() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let table = manager.start(&["warm", "simulate"]).finish().exits(0).out();
    assert!(table.starts_with("The ledger has no job since "), "{table}");
    assert_eq!(document(&manager)["jobs"], 0);
}

#[test]
fn pools_that_come_first_get_their_tasks_first() {
    let pools = "[Warm]\nMaxTasks = 1\n[[Warm.Pool]]\nTaskDefinition = \"gone\"\nTasks = 1\n[[Warm.Pool]]\nTaskDefinition = \"ci-ruby\"\nTasks = 1\n";
    let document = document(&host(pools));
    let ways = document["ways"].as_array().unwrap();
    assert_eq!(ways[1]["way"], "pools of fargate.toml");
    assert_eq!(hits(&ways[1]), 0, "{document:#}");
    assert!(ways[1]["idle_usd"].as_f64().unwrap() > 0.0, "{document:#}");
}

#[test]
fn jobs_that_claimed_a_task_would_have_started_cold_without() {
    let manager = host("");
    let number_of_jobs = 120;
    let cold = |number| line(number, (130 - number) * MINUTE, "ruby:3.3");
    write(&manager, (1..=number_of_jobs).map(cold));
    let before = document(&manager);
    // Two thirds of them had claimed one, and half of the others took a minute longer.
    let mixed = (1..=number_of_jobs).map(|number| match number % 6 {
        0..=3 => claimed(number, (130 - number) * MINUTE, "ruby:3.3"),
        4 => {
            let mut slow = cold(number);
            let ready = slow["times"]["ready"].as_u64().unwrap();
            slow["times"]["ready"] = json!(ready + MINUTE);
            slow
        }
        _ => cold(number),
    });
    write(&manager, mixed);
    let after = document(&manager);
    let none = |document: &Value| document["ways"][0].clone();
    assert_eq!(none(&before)["start_p50_seconds"], 30.0);
    assert_eq!(none(&after)["start_p50_seconds"], 30.0, "{after:#}");
    assert_eq!(none(&after)["start_p95_seconds"], 90.0, "{after:#}");
    assert_eq!(after["kinds"][0]["start_p50_seconds"], 30.0);
    // The time of a claimed task counts from its claim in the ledger: 330 s, and 350 s with the cold start.
    let hours = |document: &Value| document["job_hours"].as_f64().unwrap();
    let difference = (hours(&after) - hours(&before)).abs();
    assert!(difference < hours(&before) * 0.04, "{after:#}");
    // No start of one kind is known: its family's are.
    let all = (1..=number_of_jobs).map(|number| match number % 2 {
        0 => cold(number),
        _ => claimed(number, (130 - number) * MINUTE, "golang:1.25"),
    });
    write(&manager, all);
    for kind in document(&manager)["kinds"].as_array().unwrap() {
        assert_eq!(kind["start_p50_seconds"], 30.0);
    }
}

#[test]
fn jobs_that_start_cold_by_their_own_wish_take_no_task() {
    let manager = host("");
    for (why, is_willing) in [
        ("FARGATE_WARM is false", false),
        ("its pull_policy is always", false),
        ("no task waits for such a start", true),
    ] {
        let missed = |number| {
            let mut line = line(number, (130 - number) * MINUTE, "ruby:3.3");
            line["warm"] = json!({ "missed": why });
            line
        };
        write(&manager, (1..=120).map(missed));
        let document = document(&manager);
        let follow = document["ways"].as_array().unwrap().last().unwrap();
        assert_eq!(hits(follow) > 100, is_willing, "{why}: {document:#}");
        // Nobody keeps tasks for them.
        let idle = follow["idle_hours"].as_f64().unwrap();
        assert_eq!(idle > 0.0, is_willing, "{why}: {document:#}");
    }
}
