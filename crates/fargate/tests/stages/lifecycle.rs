//! A job's way from prepare to cleanup, and what becomes of its task and its record.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, ledger, wait_until};

use crate::fargate;

fn record(manager: &ManagerHost) -> Value {
    serde_json::from_slice(&std::fs::read(manager.metadata().join("t1_abc-4711.json")).unwrap())
        .unwrap()
}

fn change_record(manager: &ManagerHost, change: impl FnOnce(&mut Value)) {
    let mut content = record(manager);
    change(&mut content);
    std::fs::write(
        manager.metadata().join("t1_abc-4711.json"),
        content.to_string().as_bytes(),
    )
    .unwrap();
}

#[test]
fn config_answers_with_json_and_nothing_else() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("Shoe = 1", "");
    let answer: Value = serde_json::from_slice(&manager.custom("config").exits(0).stdout).unwrap();
    assert_eq!(answer["driver"]["name"], "fargate");
    assert_eq!(answer["hostname"], "t1_abc-4711");
}

#[test]
fn a_job_from_prepare_to_cleanup() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    let prepared = manager.prepare();
    let task = &manager.aws.running()[0];

    // What AWS and everybody who may look at the task sees of it.
    let group = task["group"].as_str().unwrap();
    assert!(group.starts_with("gitlab/77/4711/"), "{group}");
    assert!(task["startedBy"].as_str().unwrap().starts_with("fargate/"));
    let tags: Vec<_> = task["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["key"].as_str().unwrap(), tag["value"].as_str().unwrap()))
        .collect();
    assert!(
        tags.contains(&("gitlab:job-id", "4711"))
            && tags.contains(&("gitlab:project", "acme/shop")),
        "{tags:?}"
    );
    let environment = &task["overrides"]["containerOverrides"][0]["environment"];
    assert_eq!(environment.as_array().unwrap().len(), 1);
    assert!(
        environment[0]["value"]
            .as_str()
            .unwrap()
            .starts_with("ssh-ed25519 ")
    );
    for secret in ["PRIVATE", "secret"] {
        assert!(!task.to_string().contains(secret), "{secret} in {task}");
        assert!(!prepared.out().contains(secret) && !prepared.err().contains(secret));
    }

    // What stays on the manager.
    let file = &manager.records()[0];
    assert_eq!(file.file_name().unwrap(), "t1_abc-4711.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(record(&manager)["starts"][0]["task"], task["taskArn"]);

    assert_eq!(
        manager.run("echo hello from the task").exits(0).out(),
        "hello from the task\n"
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    assert_eq!(
        manager.aws.stopped()[0]["stoppedReason"],
        "fargate: job 4711 of acme/shop: the job is over"
    );
}

#[test]
fn the_job_log_says_what_happens_and_no_more() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let prepared = manager.prepare();
    let said = prepared.out();
    // On a busy machine a start may be long enough for its phases to be told.
    let lines = said.lines().filter(|line| !line.starts_with("Timeline: "));
    let lines: Vec<_> = lines.collect();
    assert_eq!(prepared.err(), "");
    assert_eq!(
        lines[0],
        "Starting test-task in cluster test-cluster (eu-west-1)"
    );
    assert!(
        lines[1].starts_with("Task ")
            && lines[1].contains(": image registry.example.com/ci:1, 0.25 vCPU, 0.5 GB"),
        "{lines:?}"
    );
    // One line for a task that is ready as soon as it runs.
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].contains("eady for scripts after "), "{lines:?}");
    let run = manager.run("true").exits(0);
    assert_eq!((run.out(), run.err()), (String::new(), String::new()));
}

#[test]
fn the_aliases_and_the_order_of_flags_of_gitlabs_driver_work() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager
        .start(&[
            "--debug",
            "--log-format",
            "text-simple",
            "--log-file",
            "",
            "c",
            "co",
        ])
        .finish()
        .exits(0);
    manager
        .start(&["--log-level", "warning", "c", "p", "ignored", "too"])
        .finish()
        .exits(0);
    let script = manager.path("script");
    std::fs::write(&script, b"echo ok").unwrap();
    manager
        .start(&[
            "c",
            "r",
            script.to_str().unwrap(),
            "prepare_script",
            "ignored",
        ])
        .finish()
        .exits(0);
    manager
        .start(&[
            "c",
            "cl",
            "--config",
            manager.path("fargate.toml").to_str().unwrap(),
        ])
        .finish()
        .exits(0);
    manager.start(&["c", "cl"]).finish().exits(0);
    manager.left_nothing();
}

#[test]
fn cleanup_may_come_twice_or_for_nothing() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.custom("cleanup").exits(0);
    assert_eq!(manager.aws.calls("StopTask"), 0);
    manager.prepare();
    // A file of GitLab's own driver from before it was replaced.
    let old = manager
        .metadata()
        .join(format!("t1_abc-{}.json", "0".repeat(64)));
    std::fs::write(&old, b"{\"TaskARN\": \"x\"}").unwrap();
    manager.custom("cleanup").exits(0);
    manager.custom("cleanup").exits(0);
    std::fs::remove_file(old).unwrap();
    manager.left_nothing();
}

#[test]
fn cleanup_finds_the_task_of_a_prepare_that_died_before_it_knew_it() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    change_record(&manager, |record| {
        record["starts"][0]["task"] = Value::Null;
        record["starts"][0]["standing"] = "asked".into();
        record["login"] = Value::Null;
    });
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn cleanup_finds_the_task_behind_a_damaged_record() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    std::fs::write(manager.metadata().join("t1_abc-4711.json"), b"{\"job\": ").unwrap();
    manager
        .run("true")
        .exits(22)
        .complains(&["the record of the job's task is damaged"]);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
}

#[test]
fn other_jobs_of_the_manager_are_left_alone() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let first = manager.aws.running()[0]["taskArn"].clone();
    manager.job = 4712;
    let response = json!({ "id": 4712, "job_info": { "project_id": 77 } });
    std::fs::write(
        manager.path("response.json"),
        response.to_string().as_bytes(),
    )
    .unwrap();
    manager.prepare();
    std::fs::write(manager.metadata().join("t1_abc-4712.json"), b"").unwrap();
    manager.custom("cleanup").exits(0);
    let left = manager.aws.running();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["taskArn"], first);
}

#[test]
fn a_new_attempt_stops_what_an_earlier_one_left() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let first = manager.aws.running()[0]["taskArn"].clone();
    let again = manager.prepare();
    assert!(
        again
            .out()
            .starts_with("Stopping what an earlier attempt of this job left behind\n"),
        "{}",
        again.out()
    );
    let running = manager.aws.running();
    assert_eq!(running.len(), 1);
    assert_ne!(running[0]["taskArn"], first);
}

#[test]
fn cleanup_works_while_a_run_is_alive() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let mut running = manager.start_run("echo here; sleep 100");
    running.read_until("here");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    running
        .finish()
        .exits(22)
        .complains(&["ERROR: AWS stopped the job's task: ", "the job is over"]);
}

#[test]
fn a_job_may_choose_among_the_allowed_task_definitions() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.aws.register("ci-ruby", "ci-coordinator");
    manager.variables.push((
        "CUSTOM_ENV_FARGATE_TASK_DEFINITION".into(),
        "ci-ruby:1".into(),
    ));
    manager.configure("", "[JobVariables]\nTaskDefinitions = [\"ci-*\"]");
    let prepared = manager.prepare();
    assert!(
        prepared
            .out()
            .starts_with("FARGATE_TASK_DEFINITION: ci-ruby:1\n"),
        "{}",
        prepared.out()
    );
    let task = &manager.aws.running()[0];
    assert!(
        task["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .ends_with("/ci-ruby:1")
    );
    manager.custom("cleanup").exits(0);

    manager.configure(
        "",
        "[JobVariables]\nTaskDefinitions = [\"test-*\"]\nPlatformVersions = []",
    );
    for stage in ["config", "prepare"] {
        manager.custom(stage).exits(11).complains(&[
            "FARGATE_TASK_DEFINITION is \"ci-ruby:1\", and this runner allows test-*",
        ]);
    }
    // The operator's flag is not the job's to change.
    manager
        .start(&["--task-def", "test-task", "custom", "prepare"])
        .finish()
        .exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_job_may_choose_the_platform_version() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager
        .variables
        .push(("CUSTOM_ENV_FARGATE_PLATFORM_VERSION".into(), "1.4.0".into()));
    manager.prepare();
    assert_eq!(manager.aws.running()[0]["platformVersion"], "1.4.0");
    manager.custom("cleanup").exits(0);
    manager.variables[0].1 = "newest".into();
    manager.custom("prepare").exits(11).complains(&[
        "FARGATE_PLATFORM_VERSION is \"newest\", but must be a Fargate platform version",
    ]);
    manager.left_nothing();
}

#[test]
fn public_addresses_are_used_when_asked_for() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("EnablePublicIP = true", "");
    manager.prepare();
    assert!(manager.aws.calls("DescribeNetworkInterfaces") > 0);
    assert_eq!(manager.run("echo public").exits(0).out(), "public\n");
    manager.custom("cleanup").exits(0);
    manager.configure("EnablePublicIP = true\nUsePublicIP = false", "");
    let before = manager.aws.calls("DescribeNetworkInterfaces");
    manager.prepare();
    assert_eq!(manager.aws.calls("DescribeNetworkInterfaces"), before);
}

#[test]
fn the_configured_strategy_and_tags_reach_the_task() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\n[Fargate.Tags]\nteam = \"platform\"", "");
    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("FARGATE_SPOT"),
        "{}",
        prepared.out()
    );
    let task = &manager.aws.running()[0];
    assert_eq!(task["capacityProviderName"], "FARGATE_SPOT");
    assert!(
        task["tags"]
            .as_array()
            .unwrap()
            .contains(&json!({ "key": "team", "value": "platform" }))
    );
}

#[test]
fn the_log_file_gets_what_the_job_log_does_not() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let log = manager.path("fargate.log");
    let flags = [
        "--debug",
        "--log-format",
        "json",
        "--log-file",
        log.to_str().unwrap(),
    ];
    manager
        .start(&[flags.as_slice(), &["custom", "prepare"]].concat())
        .finish()
        .exits(0);
    let script = manager.path("script");
    std::fs::write(&script, b"true").unwrap();
    let run = [
        flags.as_slice(),
        &["custom", "run", script.to_str().unwrap(), "get_sources"],
    ]
    .concat();
    let outcome = manager.start(&run).finish().exits(0);
    assert_eq!(outcome.err(), "");
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{lines}"
    );
    assert!(lines.contains("running get_sources"), "{lines}");
    for secret in ["PRIVATE KEY", "secret", "Signature="] {
        assert!(!lines.contains(secret), "{secret} is in the log: {lines}");
    }
}

#[test]
fn records_of_a_manager_survive_a_change_of_its_cluster() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("test-cluster", "another-cluster"));
    manager.custom("cleanup").exits(0);
    wait_until("the task stops", || manager.aws.running().is_empty());
}
