//! Everything that can be wrong with what the driver is given: a message that says what to do, the right exit
//! code, no task and no record left.

use std::time::Instant;

use serde_json::{Value, json};

use crate::aws::{Aws, Server};
use crate::manager::{Manager, Outcome, SECOND, write};

fn agent() -> Manager {
    Manager::new(Server::Agent)
}

/// Faults that a prepare meets.
fn prepare_with(effect: &Value, when: &Value) -> (Manager, Outcome) {
    let manager = Manager::with_faults(
        Server::Agent,
        &json!({ "faults": [{ "when": when, "effect": effect }] }),
    );
    let outcome = manager.custom("prepare");
    (manager, outcome)
}

#[test]
fn no_configuration_file() {
    let manager = agent();
    std::fs::remove_file(manager.path("fargate.toml")).unwrap();
    for stage in ["config", "prepare", "cleanup"] {
        manager.custom(stage).exits(22).complains(&[
            "could not read the configuration",
            "fargate.toml",
            "--config",
        ]);
    }
}

#[test]
fn a_configuration_that_is_no_toml() {
    let manager = agent();
    manager.write_config("[Fargate]\nCluster = \"a\nRegion = 1\n");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["fargate.toml: line 2, column 13: this is no TOML"]);
}

#[test]
fn wrong_values_are_all_named() {
    let manager = agent();
    manager.configure("StartTimeout = \"soon\"", "KeepAliveInterval = 3");
    let parts = [
        "Fargate.StartTimeout is \"soon\"",
        "SSH.KeepAliveInterval must be a string",
        "docs/configuration.md",
    ];
    manager.custom("prepare").exits(22).complains(&parts);
    manager.custom("run").exits(22);
}

#[test]
fn unknown_keys_are_warned_of_once_a_job() {
    let manager = agent();
    manager.configure("Subnett = \"subnet-1\"", "");
    manager.prepare().complains(&[
        "WARN",
        "Fargate.Subnett is not known and has no effect; did you mean Subnet?",
    ]);
    assert_eq!(manager.run("true").exits(0).err(), "");
}

#[test]
fn a_metadata_folder_that_others_may_write_to_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let manager = agent();
    let open = std::fs::Permissions::from_mode(0o770);
    std::fs::create_dir(manager.metadata()).unwrap();
    std::fs::set_permissions(manager.metadata(), open).unwrap();
    let advice = format!("mode 0770); run chmod 700 {}", manager.metadata().display());
    manager.prepare().complains(&["WARN", &advice]);
    manager.custom("cleanup").exits(0);

    // Reading it is of no use to others: the files are their owner's.
    let closed = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(manager.metadata(), closed).unwrap();
    assert_eq!(manager.prepare().err(), "");
}

#[test]
fn a_metadata_folder_that_cannot_be_written() {
    let manager = agent();
    write(&manager.metadata(), b"a file");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["metadata", "[TaskMetadata] Directory"]);
    assert!(manager.aws.running().is_empty());
    assert_eq!(manager.aws.calls("RunTask"), 0);
}

#[test]
fn no_credentials() {
    let manager = agent();
    let mut call = manager.call(&["custom", "prepare"]);
    let output = call
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .output()
        .unwrap();
    Outcome::of(output).exits(22).complains(&[
        "could not start the job's task",
        "credentials",
        "AWS_PROFILE",
    ]);
    manager.left_nothing();
}

#[test]
fn a_manager_without_ca_certificates() {
    let manager = agent();
    write(&manager.path("none.pem"), b"");
    std::fs::create_dir(manager.path("none")).unwrap();
    let call = || {
        let mut call = manager.call(&["custom", "prepare"]);
        call.env("SSL_CERT_FILE", manager.path("none.pem"))
            .env("SSL_CERT_DIR", manager.path("none"));
        Outcome::of(call.output().unwrap())
    };
    // The stand-in needs none.
    call().exits(0);
    manager.custom("cleanup").exits(0);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("http://", "https://"));
    call().exits(22).complains(&[
        "could not start the job's task",
        "this machine has no CA certificates",
        "ca-certificates",
        "SSL_CERT_FILE",
    ]);
    manager.left_nothing();
}

#[test]
fn credentials_that_aws_does_not_take() {
    for effect in ["expired_credentials", "unrecognized_client"] {
        let (manager, outcome) = prepare_with(&json!(effect), &json!({ "operation": "RunTask" }));
        outcome
            .exits(22)
            .complains(&["AWS refused ecs:RunTask", "Give the manager credentials"]);
        manager.left_nothing();
    }
}

#[test]
fn a_missing_permission_is_named() {
    let (manager, outcome) =
        prepare_with(&json!("access_denied"), &json!({ "operation": "RunTask" }));
    outcome.exits(22).complains(&[
        "AccessDeniedException",
        "ecs:RunTask",
        "Allow ecs:RunTask in the IAM policy of the manager",
    ]);
    manager.left_nothing();
    let (manager, outcome) = prepare_with(
        &json!("access_denied"),
        &json!({ "operation": "DescribeTasks" }),
    );
    outcome
        .exits(22)
        .complains(&["could not watch the job's task", "Allow ecs:DescribeTasks"]);
    manager.left_nothing();
}

#[test]
fn a_policy_of_gitlabs_driver_that_allows_no_tags_still_works() {
    let denied = json!({ "error": { "status": 400, "code": "AccessDeniedException", "message":
        "User: arn:aws:sts::000000000000:assumed-role/ci/i-0 is not authorized to perform: ecs:TagResource on resource: x" } });
    let (manager, outcome) = prepare_with(&denied, &json!({ "operation": "RunTask", "first": 1 }));
    outcome.exits(0).complains(&["tasks get no tags"]);
    assert_eq!(manager.aws.running()[0]["tags"], json!([]));
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn things_that_do_not_exist() {
    let cases = [
        (
            "test-cluster",
            "other-cluster",
            "ClusterNotFoundException",
            "[Fargate] Cluster",
        ),
        (
            "subnet-0a1b2c3d4e5f60001",
            "subnet-0ffff",
            "InvalidSubnetID.NotFound",
            "[Fargate] Subnet",
        ),
        (
            "sg-0a1b2c3d4e5f60003",
            "sg-0ffff",
            "InvalidGroup.NotFound",
            "SecurityGroup",
        ),
        (
            "test-task",
            "no-task:9",
            "TaskDefinition",
            "FARGATE_TASK_DEFINITION",
        ),
    ];
    for (right, wrong, code, advice) in cases {
        let manager = agent();
        let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        manager.write_config(&config.replace(&format!("\"{right}\""), &format!("\"{wrong}\"")));
        manager.custom("prepare").exits(22).complains(&[
            "could not start the job's task: AWS refused ecs:RunTask",
            code,
            advice,
        ]);
        manager.left_nothing();
    }
}

#[test]
fn a_task_definition_without_the_container_for_scripts() {
    let manager = agent();
    manager.aws.register("plain", "app");
    manager
        .start(&["--task-def", "plain", "custom", "prepare"])
        .finish()
        .exits(22)
        .complains(&["needs a container named ci-coordinator"]);
    manager.left_nothing();
}

#[test]
fn a_cluster_without_default_capacity_provider_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::start_empty(Server::Agent, folder.path(), &json!({}), 0.0);
    aws.call("CreateCluster", &json!({ "clusterName": "test-cluster" }));
    aws.register("test-task", "ci-coordinator");
    let manager = Manager::of(aws, folder);
    // The error that GitLab's guide has an entry for.
    manager.custom("prepare").exits(22).complains(&[
        "No Container Instances were found in your cluster.",
        "CapacityProviderStrategy",
    ]);
    manager.left_nothing();
}

#[test]
fn no_capacity_is_tried_elsewhere_and_then_told() {
    let (manager, outcome) = prepare_with(&json!({ "no_capacity": {} }), &json!({ "first": 1 }));
    outcome.exits(0).complains(&[]);
    drop(manager);

    let always = json!({ "faults": [{ "effect": { "no_capacity": {} } }] });
    let manager = Manager::with_faults(Server::Agent, &always);
    manager.configure(
        "StartTimeout = \"1s\"\nCapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\nFallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
        "",
    );
    let outcome = manager.custom("prepare").exits(22).complains(&[
        "Capacity is unavailable at this time",
        "StartTimeout",
        "FallbackCapacityProviderStrategy",
    ]);
    assert!(
        outcome
            .out()
            .contains("with FARGATE_SPOT: Capacity is unavailable"),
        "{}",
        outcome.out()
    );
    manager.left_nothing();
}

#[test]
fn spot_without_capacity_falls_back() {
    let spot = json!({ "faults": [{ "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "no_capacity": {} } }] });
    let manager = Manager::with_faults(Server::Agent, &spot);
    manager.configure(
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\nFallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
        "",
    );
    manager.prepare();
    assert_eq!(manager.aws.running()[0]["capacityProviderName"], "FARGATE");
}

#[test]
fn a_task_that_dies_while_ec2_tells_no_address() {
    let faults = json!({ "faults": [
        { "when": { "operation": "DescribeNetworkInterfaces" }, "effect": "throttle" },
        { "effect": { "exit": { "after_seconds": 3, "code": 64 } } },
    ] });
    let manager = Manager::with_faults(Server::Agent, &faults);
    manager.configure("EnablePublicIP = true\nStartTimeout = \"60s\"", "");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["container ci-coordinator exited with status 64"]);
    manager.left_nothing();
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref registry.example.com/ci:1: not found";
    let effect =
        json!({ "start_failure": { "at": "pull", "reason": reason, "container_reason": reason } });
    let (manager, outcome) = prepare_with(&effect, &json!({}));
    outcome.exits(22).complains(&[
        "stopped before it could take scripts: CannotPullContainerError",
        "not found",
        "Check the image's name",
    ]);
    manager.left_nothing();
}

#[test]
fn an_essential_container_that_exits() {
    let (manager, outcome) = prepare_with(
        &json!({ "exit": { "after_seconds": 0.0, "code": 3 } }),
        &json!({}),
    );
    outcome.exits(22).complains(&[
        "Essential container in task exited",
        "container ci-coordinator exited with status 3",
        "CloudWatch",
    ]);
    manager.left_nothing();
}

#[test]
fn a_port_that_never_opens() {
    let manager = Manager::new(Server::Nothing);
    manager.configure("StartTimeout = \"3s\"", "");
    let begun = Instant::now();
    manager.custom("prepare").exits(22).complains(&[
        "not ready within 3 s (StartTimeout): nothing listens on 127.",
        "must start an SSH server",
    ]);
    assert!(begun.elapsed() < 8 * SECOND);
    manager.left_nothing();
}

#[test]
fn a_port_that_stays_silent() {
    let manager = Manager::with_faults(
        Server::Agent,
        &json!({ "faults": [{ "effect": { "port_delay": { "seconds": 600 } } }] }),
    );
    manager.configure("StartTimeout = \"4s\"", "ConnectTimeout = \"1s\"");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["no answer from 127.", "security group"]);
    manager.left_nothing();
}

#[test]
fn a_server_that_refuses_the_key() {
    let manager = Manager::new(Server::Keyless);
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["accepts no key of the job for user", "SSH_PUBLIC_KEY"]);
    manager.left_nothing();
}

#[test]
fn a_script_that_is_not_there() {
    let manager = agent();
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
    agent().run("true").exits(22).complains(&[
        "there is no record of the job's task",
        "[TaskMetadata] Directory",
    ]);
}

#[test]
fn a_token_or_an_id_that_tries_to_leave_the_folder() {
    let mut manager = agent();
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
        .complains(&["CI_JOB_ID is \"../1\", which is no job id"]);
    manager.left_nothing();
}

#[test]
fn the_job_cannot_pass_for_another_by_its_variables() {
    let mut manager = agent();
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
    let manager = agent();
    write(&manager.path("response.json"), b"{\"id\": ");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["could not understand JOB_RESPONSE_FILE"]);
    manager.left_nothing();
}

#[test]
fn calls_that_are_not_the_runners() {
    let manager = agent();
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
