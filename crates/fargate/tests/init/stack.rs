//! From the outputs of a stack.

use ecs_local::{SECURITY_GROUP, SUBNET_A, SUBNET_B};
use serde_json::{Value, json};
use testing::{CLUSTER, REGION};

use crate::TOKEN;
use crate::set_up::SetUp;

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:runner-token-AbCdEf";

fn stack(more: &[(&str, &str)]) -> Value {
    let subnets = format!("{SUBNET_A},{SUBNET_B}");
    let usual = [
        ("Region", REGION),
        ("Cluster", CLUSTER),
        ("Subnets", subnets.as_str()),
        ("TaskSecurityGroups", SECURITY_GROUP),
        ("AssignPublicIp", "ENABLED"),
        (
            "TaskExecutionRoleArn",
            "arn:aws:iam::000000000000:role/ci-execution",
        ),
        ("TaskRoleArn", "arn:aws:iam::000000000000:role/ci-task"),
        ("LogGroup", "/ci/jobs"),
        ("ManagerName", "ci-1"),
        ("RunnerTokenSecretArn", SECRET),
    ];
    let outputs = usual.iter().chain(more);
    let outputs: Vec<_> = outputs
        .map(|(key, value)| json!({ "OutputKey": key, "OutputValue": value }))
        .collect();
    json!([{ "StackName": "ci", "CreationTime": "2026-01-02T03:04:05Z", "StackStatus": "CREATE_COMPLETE", "Outputs": outputs }])
}

fn secrets() -> Value {
    json!([{ "ARN": SECRET, "Name": "runner-token", "SecretString": TOKEN, "CreatedDate": 1_767_323_045.0,
        "VersionIdsToStages": { "5f1c0d6e-0a1b-4c2d-8e3f-000000000001": ["AWSCURRENT"] } }])
}

const OPTIONS: [&str; 6] = [
    "--stack",
    "ci",
    "--region",
    REGION,
    "--url",
    "https://gitlab.example.com",
];

#[test]
fn a_stack_with_a_task_definition_is_enough() {
    let set_up = SetUp::new(
        &json!({ "stacks": stack(&[("TaskDefinition", "jobs")]), "secrets": secrets() }),
    );
    let outcome = set_up.init(&OPTIONS).exits(0).logs(&[
        "fargate.toml",
        "config.toml",
        "What is left to do:\n  1. Check again",
    ]);
    // The command leads to the files that were made.
    let doctor = format!(
        "$ fargate --config {} doctor --runner-config {}\n",
        set_up.path("fargate.toml").display(),
        set_up.path("config.toml").display()
    );
    assert!(outcome.out().contains(&doctor), "{}", outcome.out());
    assert!(
        !outcome.out().contains("put-role-policy"),
        "{}",
        outcome.out()
    );
    let text = set_up.read("fargate.toml");
    for line in [
        "Manager = \"ci-1\"",
        "TaskDefinition = \"jobs\"",
        "EnablePublicIP = true\n  UsePublicIP = false",
        &format!("Subnets = [\"{SUBNET_A}\", \"{SUBNET_B}\"]"),
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(set_up.read("config.toml").contains(TOKEN));
    assert_eq!(set_up.mode("config.toml"), 0o600);
}

#[test]
fn a_stack_for_jobs_with_own_images_says_what_to_push() {
    let image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/fargate-agent:0.1.0";
    let set_up =
        SetUp::new(&json!({ "stacks": stack(&[("AgentImage", image)]), "secrets": secrets() }));
    // The image is not there yet, and nobody may connect to the agent's ports.
    set_up
        .init(&OPTIONS)
        .exits(1)
        .logs(&[&format!("$ fargate agent push {image}")]);
    let text = set_up.read("fargate.toml");
    assert!(
        text.contains("[JobImage]\n  Enabled = true") && text.contains("TaskRole = "),
        "{text}"
    );
    assert!(
        set_up
            .read("config.toml")
            .contains("builds_dir = \"/builds\"")
    );
}

#[test]
fn a_token_that_may_not_be_read_is_left_to_a_person() {
    let set_up = SetUp::new(&json!({
        "stacks": stack(&[("TaskDefinition", "jobs")]), "secrets": secrets(), "denied": ["secretsmanager:GetSecretValue"],
    }));
    set_up.init(&OPTIONS).exits(0).logs(&[
        "The runner's token stays unknown",
        "secretsmanager:GetSecretValue",
        "--token-file",
    ]);
    assert!(!set_up.path("config.toml").exists());
}

#[test]
fn a_stack_that_does_not_exist_is_named() {
    let set_up = SetUp::new(&json!({}));
    set_up.init(&OPTIONS).exits(1).complains(&[
        "could not read the stack ci",
        "Stack with id ci does not exist",
    ]);
}

#[test]
fn a_stack_without_outputs_is_somebody_elses() {
    let mut other = stack(&[]);
    other[0]["Outputs"] = json!([]);
    let set_up = SetUp::new(&json!({ "stacks": other }));
    set_up
        .init(&OPTIONS)
        .exits(2)
        .complains(&["the stack ci has no outputs", "docs/init.md"]);
    assert!(!set_up.path("fargate.toml").exists());
}
