//! Trials that are killed, and cannot clean up.

use nix::sys::signal::Signal;
use testing::{Project, wait_until};

use crate::fargate;

#[test]
fn a_trial_that_is_killed_leaves_no_process() {
    let project = Project::new(fargate(), "job: {script: [echo started, sleep 1000]}");
    let mut running = project.start(&[]);
    running.read_until("\nstarted\n");
    // The command, the driver's stage, the agent, the script's shell and what it waits for.
    assert!(project.processes().len() >= 5);
    running.signal(Signal::SIGKILL);
    wait_until("every process of the trial has ended", || {
        project.processes().is_empty()
    });
}

#[test]
fn the_next_trial_removes_the_folder_of_a_killed_one_and_of_no_other() {
    let project = Project::new(fargate(), "");
    let go_on = project.path("go-on");
    let wait = format!("while [ ! -e {} ]; do sleep 0.1; done", go_on.display());
    let pipeline = serde_json::json!({
        "waits": { "script": ["echo started", wait, "touch here", "echo went on"] },
        "quick": { "script": ["true"] },
    });
    std::fs::write(project.path("project/.gitlab-ci.yml"), pipeline.to_string()).unwrap();
    let folders = || project.path("tmp").read_dir().unwrap().count();

    let mut killed = project.start(&["waits"]);
    killed.read_until("\nstarted\n");
    killed.signal(Signal::SIGKILL);
    wait_until("every process of the trial has ended", || {
        project.processes().is_empty()
    });
    // All that it left is one folder: records, the job's own files, and those of the runner's part.
    assert_eq!(folders(), 1);

    let mut living = project.start(&["waits"]);
    living.read_until("\nstarted\n");
    assert_eq!(folders(), 1);
    project.start(&["quick"]).finish().exits(0);
    assert_eq!(folders(), 1);
    std::fs::write(go_on, "").unwrap();
    living.finish().exits(0).logs(&["\nwent on\n"]);
    project.left_nothing();
}
