//! A cluster without a default capacity provider strategy: tasks start by launch type where nobody named a strategy.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testing::{Account, ManagerHost, Outcome, SshServer};

use crate::fargate;

/// The line of the job log that says so.
const NOTE: &str = "Cluster test-cluster has no default capacity provider strategy: asking for launch type FARGATE";

/// A manager whose cluster has the capacity providers of Fargate, and no default strategy.
fn manager() -> ManagerHost {
    let folder = tempfile::tempdir().unwrap();
    let aws = Account::start_empty(SshServer::Agent.backend(fargate(), folder.path()));
    let providers = ["FARGATE", "FARGATE_SPOT"];
    aws.call(
        "CreateCluster",
        &json!({ "clusterName": "test-cluster", "capacityProviders": providers }),
    );
    aws.register("test-task", "ci-coordinator");
    ManagerHost::in_account(fargate(), aws, folder)
}

fn prepare(manager: &ManagerHost) -> Outcome {
    let prepared = manager.prepare();
    assert_eq!(manager.aws.running()[0]["launchType"], "FARGATE");
    assert_eq!(
        prepared.out().matches(NOTE).count(),
        1,
        "{}",
        prepared.out()
    );
    prepared
}

/// The starts in the job's record.
fn starts(manager: &ManagerHost) -> Vec<Value> {
    let record = std::fs::read(&manager.records()[0]).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    record["starts"].as_array().unwrap().clone()
}

fn memories(manager: &ManagerHost) -> Vec<PathBuf> {
    let files = std::fs::read_dir(manager.metadata()).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains("/launch-type-"))
        .collect()
}

#[test]
fn a_task_starts_by_launch_type_whatever_words_aws_refuses_the_first_call_with() {
    for keys in [
        "PlatformVersion = \"1.4.0\"",
        "EnablePublicIP = true\nUsePublicIP = false",
        "EnablePublicIP = false",
    ] {
        let manager = manager();
        manager.configure(keys, "");
        prepare(&manager);
        assert_eq!(manager.aws.calls("RunTask"), 2, "{keys}");
        // Each call is a start of its own.
        let starts = starts(&manager);
        let standings: Vec<_> = starts.iter().map(|start| &start["standing"]).collect();
        assert_eq!(standings, ["refused", "won"], "{keys}");
        assert_ne!(starts[0]["token"], starts[1]["token"]);
        manager.run("exit 0").exits(0);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn the_folder_remembers_it_for_an_hour() {
    let mut manager = manager();
    prepare(&manager);
    manager.custom("cleanup").exits(0);
    manager.next_job();
    prepare(&manager);
    manager.custom("cleanup").exits(0);
    assert_eq!(manager.aws.calls("RunTask"), 3, "the second job asked once");

    let [memory] = &memories(&manager)[..] else {
        panic!("{:?}", memories(&manager))
    };
    let long_ago = SystemTime::now() - Duration::from_secs(3601);
    let file = std::fs::File::open(memory).unwrap();
    file.set_modified(long_ago).unwrap();
    manager.next_job();
    prepare(&manager);
    manager.custom("cleanup").exits(0);
    assert_eq!(manager.aws.calls("RunTask"), 5);

    // The operator has given the cluster a strategy, and the hour is over.
    file.set_modified(long_ago).unwrap();
    manager.aws.call(
        "PutClusterCapacityProviders",
        &json!({ "cluster": "test-cluster", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }] }),
    );
    manager.next_job();
    let prepared = manager.prepare();
    assert!(!prepared.out().contains(NOTE), "{}", prepared.out());
    assert_eq!(
        manager.aws.running()[0]["capacityProviderName"],
        "FARGATE_SPOT"
    );
    manager.custom("cleanup").exits(0);
}

#[test]
fn a_named_strategy_is_never_replaced_by_the_launch_type() {
    let strategies = [
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]",
        "FallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
    ];
    let refusal = json!({ "error": { "status": 400, "code": "InvalidParameterException",
        "message": "No Container Instances were found in your cluster." } });
    for strategy in strategies {
        let manager = manager();
        // Even where an earlier job remembers it.
        prepare(&manager);
        manager.custom("cleanup").exits(0);
        manager.configure(strategy, "");
        manager.aws.faults(
            &json!({ "faults": [{ "when": { "operation": "RunTask" }, "effect": refusal }] }),
        );
        let outcome = manager
            .custom("prepare")
            .exits(22)
            .complains(&["could not start the job's task", "CapacityProviderStrategy"]);
        assert!(!outcome.out().contains(NOTE), "{}", outcome.out());
        assert_eq!(manager.aws.calls("RunTask"), 3, "{strategy}");
        manager.left_nothing();
    }
}

#[test]
fn where_the_launch_type_is_refused_too_the_advice_is_a_strategy() {
    let denied = "User: arn:aws:sts::000000000000:assumed-role/ci/i-0 is not authorized to perform: ecs:RunTask on \
                  resource: x with an explicit deny in a service control policy";
    for (code, message) in [
        (
            "InvalidParameterException",
            "No Container Instances were found in your cluster.",
        ),
        ("InvalidParameterException", "Not here."),
        ("AccessDeniedException", denied),
    ] {
        let manager = manager();
        manager.aws.faults(
            &json!({ "faults": [{ "when": { "operation": "RunTask", "nth": 2 },
            "effect": { "error": { "status": 400, "code": code, "message": message } } }] }),
        );
        manager.custom("prepare").exits(22).complains(&[
            "could not start the job's task: AWS refused ecs:RunTask: InvalidParameterException: No Container",
            "with launch type FARGATE: AWS refused ecs:RunTask",
            message,
            "Give the cluster a default capacity provider strategy",
        ]);
        assert!(memories(&manager).is_empty(), "{message}");
        manager.left_nothing();
    }
}

#[test]
fn a_refusal_with_a_remedy_of_its_own_is_told_alone() {
    let manager = manager();
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("subnet-0a1b2c3d4e5f60001", "subnet-0ffff"));
    let outcome = manager.custom("prepare").exits(22).complains(&[
        "could not start the job's task: AWS refused ecs:RunTask: InvalidParameterException: Error retrieving subnet",
        "[Fargate] Subnet",
    ]);
    assert!(
        !outcome.err().contains("No Container Instances"),
        "{}",
        outcome.err()
    );
    manager.left_nothing();
}
