//! Tasks that wait because jobs asked for such tasks lately.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testing::{ManagerHost, wait_until};

use crate::job_image;
use crate::warm::{keep_once, status};

const FOLLOW: &str = "[Warm]\nFollow = { MaxTasks = 2, Images = [\"ruby:*\"] }\n";

const SECRET: &str = "s3cr3t-w0rd";

/// Makes the following calls those for another job with this image.
fn next_job(manager: &mut ManagerHost, image: &str) {
    manager.next_job();
    manager.ask(&json!({
        "image": { "name": image },
        "variables": [{ "key": "TOKEN", "value": SECRET, "masked": true }, { "key": "MODE", "value": "test", "public": true }],
    }));
}

/// Prepares a job with this image, and ends it.
fn run(manager: &mut ManagerHost, image: &str) {
    next_job(manager, image);
    manager.prepare();
    manager.custom("cleanup").exits(0);
}

/// What jobs asked for, each kind with its file.
fn wanted(manager: &ManagerHost) -> Vec<(PathBuf, Value)> {
    let Ok(folder) = manager.metadata().join("warm/wanted").read_dir() else {
        return Vec::new();
    };
    let files = folder.map(|file| file.unwrap().path());
    let content = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        serde_json::from_str(&text).unwrap()
    };
    files.map(|file| (file.clone(), content(&file))).collect()
}

/// As if jobs had asked for this kind once a minute in the last hour.
fn make_busy((file, mut kind): (PathBuf, Value)) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let arrivals: Vec<u64> = (0..60).map(|ago| now - (59 - ago) * 60_000).collect();
    kind["arrivals"] = json!(arrivals);
    std::fs::write(file, kind.to_string()).unwrap();
}

#[test]
fn a_task_waits_for_the_next_job_like_those_that_came() {
    let mut manager = job_image::manager_with(&json!({}), "", FOLLOW);
    run(&mut manager, "ruby:3.3");
    run(&mut manager, "ruby:3.3");
    // Its tag may not be old.
    run(&mut manager, "golang:1.25");
    let mut kinds = wanted(&manager);
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    let (_, kind) = &kinds[0];
    assert_eq!(kind["arrivals"].as_array().unwrap().len(), 2, "{kind:#}");
    assert_eq!(kind["title"], "ruby:3.3");
    let (file, _) = &kinds[0];
    let name = file.file_name().unwrap().to_str().unwrap();
    let draft = file.with_file_name(format!(".{name}.a1B2c3D4e5F6.draft"));
    let other = file.with_file_name(".notes.json.a1B2c3D4e5F6.draft");
    for draft in [&draft, &other] {
        let old = SystemTime::now() - std::time::Duration::from_secs(120);
        std::fs::File::create(draft)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    // Two jobs at once show that none could have been served in time, where starts take as long as AWS's.
    make_slow(&manager, 30_000);
    assert!(!keep_once(&manager).contains(" is ready"));
    assert!(!draft.exists(), "a killed prepare had left it");
    std::fs::remove_file(other).unwrap();
    make_busy(kinds.remove(0));
    let kept = keep_once(&manager);
    assert_eq!(kept.matches(" is ready\n").count(), 1, "{kept}");
    // The keeper has left word of what it follows.
    let row = &status(&manager)["pools"][0];
    assert_eq!(row["pool"], "Follow: ruby:3.3", "{row:#}");
    assert_eq!(
        (&row["configured"], &row["wanted"], &row["ready"]),
        (&json!(false), &json!(1), &json!(1))
    );
    // Both jobs had started cold.
    assert_eq!(row["missed"], 2, "{row:#}");
    next_job(&mut manager, "ruby:3.3");
    let prepared = manager.prepare().out();
    assert!(prepared.contains("Claimed task "), "{prepared}");
    manager.custom("cleanup").exits(0);
}

/// As if each start in the ledger had taken so many milliseconds.
fn make_slow(manager: &ManagerHost, time: u64) {
    for file in manager.metadata().join("ledger").read_dir().unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let slow = |line: &str| {
            let mut entry: Value = serde_json::from_str(line).unwrap();
            let asked = entry["times"]["asked"].as_u64().unwrap();
            entry["times"]["ready"] = json!(asked + time);
            format!("{entry}\n")
        };
        std::fs::write(&file, text.lines().map(slow).collect::<String>()).unwrap();
    }
}

#[test]
fn more_tasks_wait_where_starts_take_longer() {
    let mut manager = job_image::manager_with(&json!({}), "", FOLLOW);
    run(&mut manager, "ruby:3.3");
    run(&mut manager, "ruby:3.3");
    // With a job a minute, one task is not there again in time.
    make_slow(&manager, 90_000);
    make_busy(wanted(&manager).remove(0));
    let kept = keep_once(&manager);
    assert_eq!(kept.matches(" is ready\n").count(), 2, "{kept}");
}

#[test]
fn jobs_that_start_cold_or_are_not_followed_leave_nothing() {
    let mut manager = job_image::manager_with(&json!({}), "", "");
    run(&mut manager, "ruby:3.3");
    assert_eq!(wanted(&manager), Vec::new());
}

#[test]
fn a_keeper_that_begins_again_leaves_followed_tasks_for_the_next_job() {
    let mut manager = job_image::manager_with(&json!({}), "", FOLLOW);
    run(&mut manager, "ruby:3.3");
    make_busy(wanted(&manager).remove(0));
    assert!(keep_once(&manager).contains(" is ready"));
    let tasks = manager.aws.running();
    // It decides before AWS has said which definition its jobs have now.
    let mut keep = manager.start(&["warm", "keep"]);
    wait_until("it lives", || status(&manager)["keeper"] == true);
    std::thread::sleep(std::time::Duration::from_secs(3));
    keep.signal(nix::sys::signal::Signal::SIGTERM);
    let kept = keep.finish().exits(0).out();
    assert_eq!(manager.aws.running(), tasks, "{kept}");
    next_job(&mut manager, "ruby:3.3");
    let prepared = manager.prepare().out();
    assert!(prepared.contains("Claimed task "), "{prepared}");
    manager.custom("cleanup").exits(0);
}
