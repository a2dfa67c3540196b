//! `fargate warm status`: what waiting tasks brought and cost today.

use serde_json::{Value, json};
use testing::ManagerHost;

use crate::warm::{keep_once, manager, next_job, reap, status};

fn status_table(manager: &ManagerHost) -> String {
    let status = manager.start(&["warm", "status"]).finish();
    status.exits(0).out()
}

#[test]
fn status_counts_claims_misses_and_tasks_that_ended_without_a_job() {
    let mut manager = manager(1);
    keep_once(&manager);
    let before = status(&manager);
    let pool = &before["pools"][0];
    assert_eq!(
        (&pool["pool"], &pool["configured"]),
        (&json!("ruby:3.3"), &json!(true))
    );
    assert_eq!((&pool["wanted"], &pool["ready"]), (&json!(1), &json!(1)));
    assert_eq!((&pool["claimed"], &pool["missed"]), (&json!(0), &json!(0)));
    // It waits, and AWS bills that already.
    assert!(pool["waiting_usd"].as_f64().unwrap() > 0.0, "{before:#}");

    // A claim counts from then on, and not only when its job is over.
    manager.prepare();
    let running = status(&manager);
    assert_eq!(running["pools"][0]["claimed"], 1, "{running:#}");
    manager.custom("cleanup").exits(0);
    // The next one finds none, and nor does a job that no pool is for.
    next_job(&mut manager);
    manager.prepare();
    manager.custom("cleanup").exits(0);
    manager.next_job();
    manager.ask(&json!({ "image": { "name": "ruby:3.4" } }));
    manager.prepare();
    manager.custom("cleanup").exits(0);
    // A task that expires without a job.
    keep_once(&manager);
    reap(&manager, &["--older-than", "0s"]);

    let after = status(&manager);
    let pool = &after["pools"][0];
    assert_eq!(after["pools"].as_array().unwrap().len(), 1, "{after:#}");
    assert_eq!(
        (&pool["claimed"], &pool["missed"]),
        (&json!(1), &json!(1)),
        "{after:#}"
    );
    let none = "no task waits for such a start";
    assert_eq!(pool["missed_reasons"], json!([{ "why": none, "count": 1 }]));
    assert_eq!(
        (&pool["unclaimed"], &pool["ready"]),
        (&json!(1), &json!(0)),
        "{after:#}"
    );
    let why = pool["unclaimed_reasons"][0]["why"].as_str().unwrap();
    assert!(
        why.starts_with("`fargate warm keep` has been gone for"),
        "{why}"
    );
    assert_eq!(after["others"]["missed"], 1, "{after:#}");
    // At least the minute that AWS bills of the task that nobody claimed.
    assert!(
        pool["waiting_hours"].as_f64().unwrap() >= 1.0 / 60.0,
        "{after:#}"
    );

    let table = status_table(&manager);
    for part in [
        "pool      wanted  starting  ready  claimed  missed",
        "ruby:3.3       1         0      0        1       1",
        "     1 missed: no task waits for such a start",
        "     1 ended without a job: `fargate warm keep` has been gone for",
        "jobs of no known pool",
    ] {
        assert!(table.contains(part), "{part} in {table}");
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
}

#[test]
fn status_counts_today_alone() {
    let manager = manager(1);
    keep_once(&manager);
    manager.prepare();
    manager.custom("cleanup").exits(0);
    assert_eq!(status(&manager)["pools"][0]["claimed"], 1);
    // As if all that had been two days ago, in lines that this month has still.
    let folder = manager.metadata().join("ledger");
    let file = folder.read_dir().unwrap().next().unwrap().unwrap().path();
    let lines = std::fs::read_to_string(&file).unwrap();
    let earlier = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        make_earlier(&mut entry);
        format!("{entry}\n")
    };
    let lines: String = lines.lines().map(earlier).collect();
    std::fs::write(&file, lines).unwrap();
    let pool = &status(&manager)["pools"][0];
    assert_eq!(
        (&pool["claimed"], &pool["waiting_usd"]),
        (&json!(0), &json!(0.0)),
        "{pool:#}"
    );
}

/// Moves all times of a line back by two days.
fn make_earlier(value: &mut Value) {
    const DAYS: u64 = 2 * 24 * 3600 * 1000;
    match value {
        Value::Number(number) => {
            if let Some(time) = number.as_u64().filter(|time| *time > DAYS * 1000) {
                *value = json!(time - DAYS);
            }
        }
        Value::Object(members) => members.values_mut().for_each(make_earlier),
        Value::Array(items) => items.iter_mut().for_each(make_earlier),
        _ => {}
    }
}
