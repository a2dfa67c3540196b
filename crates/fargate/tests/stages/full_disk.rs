//! A manager's disk that takes nothing more: what a job does not need does not fail it.

use std::process::Command;

use testing::{ManagerHost, Outcome, SshServer};

use crate::{fargate, job_image};

#[test]
fn an_exit_code_that_cannot_be_written_leaves_no_empty_file() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    // Writing there fails as on a full disk, after the file was opened and emptied.
    let file = manager.path("build_exit_code");
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    manager
        .run("exit 3")
        .exits(11)
        .complains(&["could not write BUILD_EXIT_CODE_FILE", "No space left"]);
    assert!(file.symlink_metadata().is_err(), "an empty file is left");
}

#[test]
fn looks_and_locks_that_cannot_be_made_do_not_fail_a_job() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    // In the place of the folder of shared looks, and of locks.
    std::fs::create_dir(manager.metadata()).unwrap();
    std::fs::write(manager.metadata().join("looks"), "").unwrap();
    std::fs::create_dir(manager.metadata().join("run-task-eu-west-1.lock")).unwrap();
    manager.prepare();
    assert!(manager.aws.calls("DescribeTasks") > 0);
    manager.custom("cleanup").exits(0);

    // The folder is there, and its files cannot be made.
    std::fs::remove_file(manager.metadata().join("looks")).unwrap();
    std::fs::create_dir_all(manager.metadata().join("looks/turn")).unwrap();
    manager.prepare();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

/// Calls a stage where nothing can be written to the metadata folder any more.
fn call_with_closed_folder(manager: &ManagerHost, arguments: &[&str]) -> Outcome {
    let call = manager.call(arguments);
    let folder = manager.metadata();
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let mut closed = Command::new("unshare");
    closed
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(&folder)
        .arg(call.get_program())
        .args(call.get_args())
        .env_clear()
        .envs(
            call.get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .current_dir(manager.folder.path());
    Outcome::from(closed.output().unwrap())
}

#[test]
fn a_script_runs_though_its_record_takes_no_note() {
    let manager = job_image::manager();
    manager.prepare();
    let script = manager.write_script(b"echo here; exit 3");
    let script = script.to_str().unwrap();
    let outcome = call_with_closed_folder(&manager, &["custom", "run", script, "build_script"]);
    let outcome = outcome.exits(11);
    assert!(outcome.out().contains("here\n"), "{}", outcome.out());
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
