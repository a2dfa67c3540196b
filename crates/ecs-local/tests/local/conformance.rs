//! AWS's own clients and models: the scripts in `tests/conformance` make calls, and validate the replies.

use std::path::{Path, PathBuf};
use std::process::Command;

use ecs_local::{AccessKey, Options};

use testing::LocalAws;

/// The Python with boto3 and the aws command.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let venv = std::env::var_os("FARGATE_TEST_VENV")
        .map_or_else(|| root.join(".cache/venv"), PathBuf::from);
    let python = venv.join("bin/python");
    assert!(
        python.exists(),
        "{} is missing: ./test makes it, or make it with: python3 -m venv {venv} && {venv}/bin/pip install -r {requirements}",
        python.display(),
        venv = venv.display(),
        requirements = "crates/ecs-local/tests/conformance/requirements.txt",
    );
    python
}

#[test]
fn every_reply_conforms_to_the_models_of_aws() {
    // Slow enough to see states between two calls: a task takes 0.3 s to run, and as long to stop.
    let local = LocalAws::start(Options {
        latency: 0.01,
        ..Options::default()
    });
    run("check.py", &local, &[]);
}

#[test]
fn calls_that_clients_of_aws_sign_are_told_from_others() {
    let key = AccessKey::random();
    let local = LocalAws::start(Options {
        access_key: Some(key.clone()),
        ..Options::default()
    });
    let environment = [("KEY_ID", &*key.id), ("KEY_SECRET", &key.secret)];
    run("access_key.py", &local, &environment);
}

/// Runs a script, which has to succeed.
#[track_caller]
fn run(script: &str, local: &LocalAws, environment: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let done = Command::new(python())
        // No compiled files in the source folder.
        .arg("-B")
        .arg(folder.join(script))
        .env("STAND_IN", format!("http://{}", local.address))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{output}");
}
