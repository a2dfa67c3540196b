use std::path::PathBuf;

use super::*;
use crate::gitlab::Job;
use crate::state::ledger::Kind;
use crate::state::outcome::Outcome;
use crate::task::{TaskFacts, TaskTimes};

fn entry(number: u64, project: &str) -> Entry {
    let task = TaskEntry {
        won: true,
        facts: TaskFacts {
            times: TaskTimes {
                created: Some(0),
                pull_started: Some(1_000),
                stopped: Some(3_601_000),
                ..TaskTimes::default()
            },
            cpu: Some(1024),
            memory: Some(2048),
            ..TaskFacts::default()
        },
        ..TaskEntry::default()
    };
    let mut entry = Entry {
        attempt: number.to_string(),
        project: project.into(),
        region: "us-east-1".into(),
        tasks: vec![task],
        ..Entry::unrecorded(&Job::default(), Outcome::system("no room"))
    };
    (entry.times.asked, entry.times.ready) = (Some(0), Some(30_000));
    entry
}

fn write_month(folder: &Path, month: &str, entries: &[Entry]) -> PathBuf {
    let file = folder.join(format!("{month}.jsonl"));
    let lines = entries
        .iter()
        .map(|entry| serde_json::to_string(entry).unwrap() + "\n");
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    file
}

/// The value of a series.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("{series} in {page}"))
        .trim()
        .parse()
        .unwrap()
}

fn metrics(folder: &Path, prices: &Prices) -> String {
    let file = folder.join("fargate.prom");
    write_file(folder, prices, &file).unwrap();
    std::fs::read_to_string(file).unwrap()
}

const FAILED: &str = "fargate_attempts_total{outcome=\"system_failure\"}";
const COST: &str = "fargate_task_cost_dollars_total{project=\"a/b\",provider=\"FARGATE\"}";

#[test]
fn counters_outlive_the_months_of_the_ledger_and_never_fall() {
    let (folder, prices) = (tempfile::tempdir().unwrap(), Prices::load(None).unwrap());
    let folder = folder.path();
    let old = write_month(
        folder,
        "2026-10",
        &[entry(1, "a/b"), entry(2, "a/b"), entry(2, "a/b")],
    );
    write_month(folder, "2026-11", &[entry(3, "a/b")]);
    let page = metrics(folder, &prices);
    assert_eq!(value(&page, FAILED), 3.0);
    let cost = value(&page, COST);
    assert!(
        (cost - 3.0 * (0.04048 + 2.0 * 0.004445)).abs() < 1e-5,
        "{cost}"
    );
    std::fs::remove_file(old).unwrap();
    write_month(folder, "2026-11", &[entry(3, "a/b"), entry(4, "c/d")]);
    let page = metrics(folder, &prices);
    assert_eq!(value(&page, FAILED), 4.0);
    assert_eq!(value(&page, COST), cost);
    // Cheaper prices change nothing that was counted.
    let mut cheap = Prices::load(None).unwrap().for_free();
    cheap.date = "2027-01".into();
    assert_eq!(value(&metrics(folder, &cheap), COST), cost);
    let buckets = "fargate_start_duration_seconds_bucket{phase=\"whole\",le=\"30\"}";
    assert_eq!(value(&page, buckets), 4.0);
    std::fs::write(folder.join(TOTALS), "{").unwrap();
    assert!(write_file(folder, &prices, &folder.join("fargate.prom")).is_err());
    // A folder in its place cannot be read: the counters must not begin anew.
    std::fs::remove_file(folder.join(TOTALS)).unwrap();
    std::fs::create_dir(folder.join(TOTALS)).unwrap();
    let refused = update(folder, &prices).unwrap_err().to_string();
    assert!(
        refused.contains("could not read") && refused.contains(TOTALS),
        "{refused}"
    );
}

#[test]
fn projects_beyond_a_number_share_a_label_for_ever() {
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        let name = format!("p{number}");
        assert_eq!(labelled(&name, &mut projects), name);
    }
    assert_eq!(labelled("late", &mut projects), OTHER);
    assert_eq!(labelled("p0", &mut projects), "p0");
}

#[test]
fn the_first_failure_is_an_increase() {
    let (folder, prices) = (tempfile::tempdir().unwrap(), Prices::load(None).unwrap());
    let folder = folder.path();
    let before = metrics(folder, &prices);
    let whole = "fargate_start_duration_seconds_count{phase=\"whole\"}";
    let lost = "fargate_tasks_total{provider=\"FARGATE_SPOT\",result=\"lost\"}";
    for series in [FAILED, whole, lost, "fargate_orphans_total"] {
        assert_eq!(value(&before, series), 0.0, "{series}");
    }
    write_month(folder, "2026-11", &[entry(1, "a/b")]);
    let after = metrics(folder, &prices);
    for series in [FAILED, whole] {
        assert_eq!(value(&after, series), 1.0, "{series}");
    }
}

#[test]
fn a_second_task_that_is_kept_counts_once() {
    let (folder, prices) = (tempfile::tempdir().unwrap(), Prices::load(None).unwrap());
    let mut job = entry(1, "a/b");
    job.tasks[0].hedge = true;
    let mut kept = serde_json::to_value(&job).unwrap();
    kept["kind"] = "kept".into();
    kept["attempt"] = "1-kept".into();
    let kept = serde_json::from_value(kept).unwrap();
    write_month(folder.path(), "2026-11", &[job, kept]);
    let page = metrics(folder.path(), &prices);
    assert_eq!(value(&page, "fargate_hedges_total{result=\"won\"}"), 1.0);
}

/// A line of this kind about one task.
fn line(kind: Kind, attempt: &str, task: &TaskEntry) -> Entry {
    Entry {
        kind,
        attempt: attempt.into(),
        tasks: vec![task.clone()],
        ..entry(1, "a/b")
    }
}

#[test]
fn lost_is_a_task_that_ended_before_it_took_scripts_and_no_other() {
    let (folder, prices) = (tempfile::tempdir().unwrap(), Prices::load(None).unwrap());
    let ended = |name: &str, code: Option<&str>, won| TaskEntry {
        task: name.into(),
        won,
        facts: TaskFacts {
            stop_code: code.map(str::to_owned),
            ..TaskFacts::default()
        },
        ..TaskEntry::default()
    };
    let by_us = Some("UserInitiated");
    let mut claimed = ended("claimed", by_us, true);
    claimed.claimed_at = Some(1);
    let mut behind = ended("behind", by_us, false);
    behind.hedge = true;
    let mut late = ended("late", None, false);
    late.pool = Some("a".into());
    let lines = [
        line(Kind::Job, "a", &claimed),
        line(Kind::Waiting, "a-waiting", &claimed),
        line(Kind::Hedged, "a-hedged", &behind),
        // A pool at night: nobody claimed these.
        line(Kind::Waiting, "warm-1", &ended("idle", by_us, false)),
        line(Kind::Waiting, "warm-1", &late),
        line(
            Kind::Waiting,
            "warm-2",
            &ended("spot", Some("SpotInterruption"), false),
        ),
        line(Kind::Orphan, "orphan", &ended("orphan", by_us, false)),
        // Beyond its StartTimeout.
        line(Kind::Job, "b", &ended("slow", by_us, false)),
        // Replaced by another one, which a later line of its attempt names.
        line(
            Kind::Job,
            "c",
            &ended("reclaimed", Some("SpotInterruption"), false),
        ),
        line(
            Kind::Job,
            "c",
            &ended("unseen", Some("TaskFailedToStart"), false),
        ),
        // Its shell ended in the course of its job.
        line(
            Kind::Job,
            "d",
            &ended("done", Some("EssentialContainerExited"), true),
        ),
    ];
    write_month(folder.path(), "2026-11", &lines);
    let page = metrics(folder.path(), &prices);
    let tasks = |result: &str| {
        let labels = format!("{{provider=\"FARGATE\",result=\"{result}\"}}");
        value(&page, &format!("fargate_tasks_total{labels}"))
    };
    assert_eq!(
        ["won", "lost", "stopped"].map(tasks),
        [2.0, 2.0, 2.0],
        "{page}"
    );
    assert_eq!(value(&page, "fargate_hedges_total{result=\"lost\"}"), 1.0);
    assert_eq!(value(&page, "fargate_orphans_total"), 1.0);
}

#[test]
fn an_attempt_that_a_teardown_enters_again_in_the_next_month_counts_once() {
    // 2026-11-30T23:59:59Z.
    const LAST_SECOND: u64 = 1_796_083_199_000;
    let (folder, prices) = (tempfile::tempdir().unwrap(), Prices::load(None).unwrap());
    let task = |name: &str| TaskEntry {
        task: name.into(),
        ..entry(1, "a/b").tasks[0].clone()
    };
    let ended = |attempt: &str, name: &str, at: u64| {
        let mut entry = line(Kind::Job, attempt, &task(name));
        entry.times.ended = Some(at);
        entry
    };
    let first = ended("a", "one", LAST_SECOND);
    write_month(folder.path(), "2026-11", std::slice::from_ref(&first));
    let mut again = first.clone();
    again.tasks.push(task("late"));
    // Its record waited for the manager to come back.
    let only = ended("b", "two", LAST_SECOND);
    let next = ended("c", "three", LAST_SECOND + 2_000);
    write_month(folder.path(), "2026-12", &[again, only, next]);
    let page = metrics(folder.path(), &prices);
    assert_eq!(value(&page, FAILED), 3.0);
    let won = "fargate_tasks_total{provider=\"FARGATE\",result=\"won\"}";
    assert_eq!(value(&page, won), 4.0);
}
