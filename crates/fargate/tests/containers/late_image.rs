//! A job's image that arrives late, where images are loaded lazily.

use std::time::SystemTime;

use serde_json::json;

use crate::git_server::GitServer;
use crate::images::DEBIAN;
use crate::job::{checkout, lazy_manager_with};

const NOW: &str = "date +%s.%N";

#[test]
fn the_checkout_does_not_wait_for_the_jobs_image() {
    let server = GitServer::start();
    let delay = json!({ "faults": [{ "when": { "container": "ci-coordinator" }, "effect": { "pull_delay": { "seconds": 60 } } }] });
    // Without SOCI, Fargate starts nothing before all images are there.
    let manager = lazy_manager_with(&delay);
    manager.ask(&json!({ "image": { "name": DEBIAN } }));
    let begun = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    manager.prepare();
    let commands = checkout(&server.url(), &format!("sleep 10\n{NOW}"));
    let said = manager.stage("get_sources", &commands).exits(0).out();
    let checked_out: f64 = said.lines().last().unwrap().parse().unwrap();
    assert!(
        manager.aws.running()[0]["pullStoppedAt"].is_null(),
        "the checkout took longer than the pull"
    );

    let run = manager.stage("build_script", NOW).exits(0);
    let lines: Vec<_> = run.out().lines().map(str::to_owned).collect();
    let waiting = format!("Waiting while AWS pulls and starts the image {DEBIAN}: ");
    assert!(lines[0].starts_with(&waiting), "{lines:?}");
    let built: f64 = lines.last().unwrap().parse().unwrap();
    let task = &manager.aws.running()[0];
    let pulled = task["pullStoppedAt"].as_f64().unwrap();
    println!(
        "after prepare began: checkout done {:.1} s, image pulled {:.1} s, script begun {:.1} s",
        checked_out - begun,
        pulled - begun,
        built - begun
    );
    // Had one waited for the other, the pull would have been over first, or the script later than it by the checkout's
    // time.
    assert!(
        checked_out < pulled && pulled <= built,
        "{checked_out}, {built}: {task}"
    );
    manager.clean_up();
}
