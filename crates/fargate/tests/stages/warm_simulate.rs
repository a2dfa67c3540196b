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

/// A host with a job a minute in the last two hours, and one of another image, and with this section.
fn host(warm: &str) -> ManagerHost {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&format!("{text}\n{warm}"));
    let folder = manager.metadata().join("ledger");
    std::fs::create_dir_all(&folder).unwrap();
    let jobs = (1..=120).map(|number| line(number, (130 - number) * MINUTE, "ruby:3.3"));
    let other = line(121, 60 * MINUTE, "golang:1.25");
    let lines: String = jobs
        .chain([other])
        .map(|line| format!("{line}\n"))
        .collect();
    // Readers take each month that is there.
    std::fs::write(folder.join("2999-12.jsonl"), lines).unwrap();
    manager
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
