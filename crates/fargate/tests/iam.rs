//! The IAM policies of `docs/iam` allow what the driver's source calls and nothing else, as narrowly as AWS takes it.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Actions that AWS authorises for all resources or none (reference of actions, resources and condition keys).
const WITHOUT_RESOURCES: [&str; 17] = [
    "cloudwatch:GetMetricData",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// What a registry of ECR asks for when something is pushed, beside the login, which the driver calls.
const PUSHING: [&str; 7] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What is not test code in a file of the one place that knows AWS.
fn source(file: &str) -> String {
    let text = read(&format!("crates/fargate/src/aws/{file}"));
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .to_owned()
}

/// The files that call AWS for a manager; `setup.rs` sets up the stand-in.
fn callers() -> Vec<String> {
    let files: Vec<_> = ["", "signed/"]
        .into_iter()
        .flat_map(files_in)
        .filter(|file| {
            !["setup", "tests", "vectors"]
                .iter()
                .any(|word| file.contains(word))
        })
        .collect();
    assert!(files.len() > 6, "{files:?}");
    files
}

/// The files of a folder within the one place that knows AWS. All folders are named in `callers`, but `survey/` and
/// `discovery/`, which only doctor and init call.
fn files_in(folder: &str) -> Vec<String> {
    let path = root().join("crates/fargate/src/aws").join(folder);
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap);
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let is_folder = entry.file_type().unwrap().is_dir();
            let is_known = ["discovery", "signed", "survey", "tests"].contains(&name.as_str());
            assert!(!is_folder || is_known, "{name} is not looked at");
            name.ends_with(".rs").then(|| format!("{folder}{name}"))
        })
        .collect()
}

/// Whether a string names an action as IAM does: `ecs:RunTask`.
fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, action)| {
        !service.is_empty()
            && service
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && action.starts_with(|first: char| first.is_ascii_uppercase())
            && action.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The actions that a file names in its strings. Comments may name others.
fn named_in(file: &str) -> BTreeSet<String> {
    source(file)
        .split('"')
        .filter(|text| is_action(text))
        .map(str::to_owned)
        .collect()
}

/// The actions of a file's signed calls, as they stand in `call(…, …)`: in a string, or by a constant's name.
fn signed_in(file: &str) -> Vec<String> {
    let text = source(file);
    let calls = text.split(".call(").skip(1);
    calls
        .map(|call| {
            let action = call.split(',').next().unwrap().trim();
            let constant = format!("const {action}: &str = ");
            let value = text
                .split_once(&constant)
                .map_or(action, |(_, rest)| rest.split(';').next().unwrap());
            value.trim_matches('"').to_owned()
        })
        .collect()
}

/// The statements of a policy.
fn statements(policy: &str) -> Vec<Value> {
    let text = read(&format!("docs/iam/{policy}"));
    let document: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{policy}: {error}"));
    assert_eq!(document["Version"], "2012-10-17", "{policy}");
    document["Statement"].as_array().unwrap().clone()
}

fn policies() -> Vec<String> {
    let files = fs::read_dir(root().join("docs/iam")).unwrap();
    files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A string or a list of strings.
fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().map(|each| each.as_str().unwrap()).collect(),
        other => panic!("{other}"),
    }
}

fn actions(policy: &str) -> BTreeSet<String> {
    let statements = statements(policy);
    let all: Vec<_> = statements
        .iter()
        .flat_map(|statement| list(&statement["Action"]))
        .map(str::to_owned)
        .collect();
    let set: BTreeSet<_> = all.iter().cloned().collect();
    // Tags have two statements: at the start of tasks, and for ours later.
    let twice = usize::from(policy.starts_with("manager"));
    assert_eq!(
        set.len() + twice,
        all.len(),
        "{policy} allows an action twice"
    );
    set
}

/// The keys of the tags that the driver gives tasks of its own accord.
fn own_tags() -> BTreeSet<String> {
    let texts = ["start/tags.rs", "stages/cleanup.rs"]
        .map(|file| read(&format!("crates/fargate/src/{file}")));
    let code = texts
        .iter()
        .filter_map(|text| text.split("#[cfg(test)]").next());
    code.flat_map(|text| text.split('"'))
        .filter(|word| word.starts_with("gitlab:"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_call_of_aws_names_its_action() {
    let (mut calls, mut signed) = (0, 0);
    let others = ["error.rs", "http.rs"];
    for file in callers()
        .iter()
        .filter(|file| !others.contains(&file.as_str()))
    {
        let text = source(file);
        // The signed client itself: it sends whatever is called.
        let sent = text.matches(".send()").count() + text.matches(".invoke(").count();
        assert_eq!(sent, text.matches("AwsError::from_sdk(").count(), "{file}");
        calls += text.matches(".send()").count();
        // Its actions are data, which `named_in` finds.
        let is_data = file == "probe.rs";
        for action in signed_in(file).iter().filter(|_| !is_data) {
            assert!(is_action(action), "{file} calls {action}");
            signed += 1;
        }
    }
    assert!(calls >= 6 && signed >= 3, "{calls} and {signed}");
}

#[test]
fn managers_may_do_what_the_driver_calls_and_nothing_else() {
    // What JobImage mode alone calls. The other mode looks up the definitions of waiting tasks.
    let composing: BTreeSet<_> = ["definitions.rs", "logs.rs"]
        .into_iter()
        .flat_map(named_in)
        .filter(|action| action != "ecs:DescribeTaskDefinition")
        .collect();
    let pushing = named_in("registry.rs");
    let service = "services.rs";
    let mut files = callers();
    files.retain(|file| file != service);
    let all: BTreeSet<_> = files.iter().flat_map(|file| named_in(file)).collect();
    assert!(
        all.contains("ecs:RunTask") && all.contains("iam:PassRole"),
        "{all:?}"
    );

    let with_images: BTreeSet<_> = all.difference(&pushing).cloned().collect();
    assert_eq!(actions("manager-job-image.json"), with_images);

    // A manager that is an ECS service asks for itself, too. It changes its protection by ECS's agent.
    let serving = &named_in(service) - &with_images;
    assert!(!serving.is_empty() && actions("service.json").is_superset(&serving));
    let without: BTreeSet<_> = with_images.difference(&composing).cloned().collect();
    assert_eq!(actions("manager.json"), without);

    let push = PUSHING.map(str::to_owned);
    let push: BTreeSet<_> = push.into_iter().chain(pushing).collect();
    assert_eq!(actions("agent-push.json"), push);
}

#[test]
fn doctor_may_read_what_it_calls_and_nothing_else() {
    let files = files_in("survey/");
    assert!(files.len() > 8, "{files:?}");
    let mut called: BTreeSet<_> = files.iter().flat_map(|file| named_in(file)).collect();
    // AWS needs no permission for it.
    assert!(called.remove("sts:GetCallerIdentity"));
    assert_eq!(actions("doctor.json"), called);
}

#[test]
fn init_may_read_what_it_calls_and_nothing_else() {
    let files = files_in("discovery/");
    assert!(files.len() > 4, "{files:?}");
    let called: BTreeSet<_> = files.iter().flat_map(|file| named_in(file)).collect();
    assert_eq!(actions("init.json"), called);
}

#[test]
fn nothing_is_allowed_more_widely_than_it_must_be() {
    for policy in policies() {
        for statement in statements(&policy) {
            let here = format!("{policy}: {}", statement["Sid"]);
            let known = [
                "Sid",
                "Effect",
                "Action",
                "Resource",
                "Condition",
                "Principal",
            ];
            for key in statement.as_object().unwrap().keys() {
                assert!(known.contains(&key.as_str()), "{here} has {key}");
            }
            assert_eq!(statement["Effect"], "Allow", "{here}");
            let actions = list(&statement["Action"]);
            assert!(
                actions.iter().all(|action| !action.contains(['*', '?'])),
                "{here}"
            );
            if policy == "tasks-trust.json" {
                assert_eq!(statement["Principal"]["Service"], "ecs-tasks.amazonaws.com");
                assert!(statement["Condition"]["StringEquals"]["aws:SourceAccount"].is_string());
                continue;
            }
            for resource in list(&statement["Resource"]) {
                if resource == "*" {
                    let without = |action: &&str| WITHOUT_RESOURCES.contains(action);
                    assert!(actions.iter().all(without), "{here} is for all resources");
                    let bare = actions == ["ecr:GetAuthorizationToken"];
                    assert!(
                        bare || statement["Condition"].is_object(),
                        "{here} has no condition"
                    );
                } else {
                    let parts: Vec<_> = resource.splitn(6, ':').collect();
                    assert_eq!(
                        parts[4], "111122223333",
                        "{here}: {resource} is of any account"
                    );
                    assert!(!parts[..5].concat().contains('*'), "{here}: {resource}");
                    assert!(!parts[5].starts_with('*'), "{here}: {resource}");
                }
            }
        }
    }
}

#[test]
fn conditions_are_as_narrow_as_aws_takes_them() {
    for policy in ["manager.json", "manager-job-image.json"] {
        for statement in statements(policy) {
            let condition = &statement["Condition"];
            for action in list(&statement["Action"]) {
                let here = format!("{policy}: {action}");
                match action {
                    "ecs:RunTask" | "ecs:StopTask" | "ecs:DescribeTasks" | "ecs:ListTasks" => {
                        let cluster = condition["ArnEquals"]["ecs:cluster"].as_str();
                        assert!(cluster.is_some_and(|arn| !arn.contains('*')), "{here}");
                    }
                    "ecs:TagResource" if statement["Sid"] == "TagTasksThatRun" => {
                        let keys = &condition["ForAllValues:StringEquals"]["aws:TagKeys"];
                        let keys: BTreeSet<_> = list(keys).into_iter().collect();
                        assert_eq!(keys, own_tags().iter().map(String::as_str).collect());
                        // Without a key, all of none would fit.
                        assert_eq!(condition["Null"]["aws:TagKeys"], "false", "{here}");
                    }
                    "ecs:TagResource" => {
                        assert_eq!(condition["StringEquals"]["ecs:CreateAction"], "RunTask");
                    }
                    "iam:PassRole" => {
                        let to = &condition["StringEquals"]["iam:PassedToService"];
                        assert_eq!(to, "ecs-tasks.amazonaws.com", "{here}");
                        for role in list(&statement["Resource"]) {
                            assert!(
                                !role.contains('*') && role.contains(":role/"),
                                "{here}: {role}"
                            );
                        }
                    }
                    _ if list(&statement["Resource"]) == ["*"] => {
                        assert!(condition["StringEquals"].is_object(), "{here}");
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn every_action_has_its_reason_and_the_pages_point_to_the_files() {
    let reasons = read("docs/security.md");
    for policy in policies()
        .iter()
        .filter(|policy| *policy != "tasks-trust.json")
    {
        for action in actions(policy) {
            let row = format!("| `{action}` |");
            assert!(
                reasons.lines().any(|line| line.starts_with(&row)),
                "{policy}: {action}"
            );
        }
    }
    for (page, files) in [
        (
            "docs/installation.md",
            vec![
                "doctor.json",
                "manager.json",
                "execution-role.json",
                "tasks-trust.json",
            ],
        ),
        ("docs/init.md", vec!["init.json", "doctor.json"]),
        (
            "docs/job-images.md",
            vec!["manager-job-image.json", "execution-role.json"],
        ),
        ("docs/agent-image.md", vec!["agent-push.json"]),
        (
            "docs/security.md",
            vec![
                "machine.json",
                "service.json",
                "service-execution-role.json",
            ],
        ),
    ] {
        let text = read(page);
        assert!(!text.contains("\"Effect\""), "{page} repeats a policy");
        for file in files {
            assert!(
                text.contains(&format!("(iam/{file})")),
                "{page} does not name {file}"
            );
        }
    }
}
