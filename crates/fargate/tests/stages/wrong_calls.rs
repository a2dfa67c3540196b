//! Calls that do not fit: no script, no task, another job's variables, a caller that is not GitLab Runner.

use testing::{ManagerHost, SshServer};

use crate::fargate;

#[test]
fn a_script_that_is_not_there() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    manager
        .start(&["custom", "run", "/no/such/script", "build_script"])
        .finish()
        .exits(22)
        .complains(&[
            "could not read the script of build_script",
            "/no/such/script",
        ]);
}

#[test]
fn a_run_without_a_task() {
    ManagerHost::new(fargate(), SshServer::Agent)
        .run("true")
        .exits(22)
        .complains(&[
            "there is no record of the job's task",
            "[TaskMetadata] Directory",
        ]);
}

#[test]
fn a_token_or_an_id_that_tries_to_leave_the_folder() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.variables.push((
        "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN".into(),
        "../../../tmp/x".into(),
    ));
    for stage in ["config", "prepare", "cleanup"] {
        manager.custom(stage).exits(11).complains(&[
            "CI_RUNNER_SHORT_TOKEN is \"../../../tmp/x\"",
            "GitLab Runner's own",
        ]);
    }
    manager.variables = vec![
        ("JOB_RESPONSE_FILE".into(), String::new()),
        ("CUSTOM_ENV_CI_JOB_ID".into(), "../1".into()),
    ];
    manager
        .custom("prepare")
        .exits(11)
        .complains(&["CI_JOB_ID is \"../1\", which is not a job id"]);
    manager.left_nothing();
}

#[test]
fn the_job_cannot_pass_for_another_by_its_variables() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager
        .variables
        .push(("CUSTOM_ENV_CI_JOB_ID".into(), "99".into()));
    manager.prepare();
    assert_eq!(
        manager.records()[0].file_name().unwrap(),
        "t1_abc-4711.json"
    );
}

#[test]
fn a_job_response_that_cannot_be_understood() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    std::fs::write(manager.path("response.json"), b"{\"id\": ").unwrap();
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["could not understand JOB_RESPONSE_FILE"]);
    manager.left_nothing();
}

#[test]
fn calls_that_are_not_the_runners() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    for name in ["BUILD_FAILURE_EXIT_CODE", "SYSTEM_FAILURE_EXIT_CODE"] {
        let output = manager
            .call(&["custom", "prepare"])
            .env_remove(name)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains(&format!("{name} is not set")) && told.contains("fargate try"),
            "{told}"
        );
    }
    // A mistake in config.toml must not look like a failed script.
    manager
        .start(&["custom", "run"])
        .finish()
        .exits(22)
        .complains(&["Usage"]);
    manager.start(&["custom", "destroy"]).finish().exits(22);
}
