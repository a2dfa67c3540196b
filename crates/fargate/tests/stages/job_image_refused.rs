//! JobImage mode: what a job may ask for by its variables, and what is refused before anything is started.

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

use crate::fargate;
use crate::job_image::{definition, manager, manager_with};

/// Both stages refuse, with the exit code that makes the runner not try again, and AWS is not called.
#[track_caller]
fn refuses(manager: &ManagerHost, parts: &[&str]) {
    for stage in ["config", "prepare"] {
        manager.custom(stage).exits(11).complains(parts);
    }
    for operation in ["RunTask", "DescribeTaskDefinition"] {
        assert_eq!(manager.aws.calls(operation), 0, "{operation} was called");
    }
    assert_eq!(manager.aws.calls("RegisterTaskDefinition"), 1);
    manager.left_nothing();
}

fn asks(job_image: &str, response: &Value) -> ManagerHost {
    let manager = manager_with(&json!({}), job_image, "");
    manager.ask(response);
    manager
}

fn sets(sections: &str, variables: &[(&str, &str)]) -> ManagerHost {
    let mut manager = manager_with(&json!({}), "", sections);
    for (name, value) in variables {
        manager
            .variables
            .push((format!("CUSTOM_ENV_{name}"), (*value).to_owned()));
    }
    manager
}

#[test]
fn images_and_services_that_are_not_allowed() {
    let lists = "AllowedImages = [\"ruby:*\"]\nAllowedServices = [\"postgres:*\"]";
    refuses(
        &asks(
            lists,
            &json!({ "image": { "name": "evil.example.com/ruby:3" } }),
        ),
        &[
            "the image evil.example.com/ruby:3 is not allowed here; this runner allows ruby:*",
            "AllowedImages",
        ],
    );
    refuses(
        &asks(
            lists,
            &json!({ "image": { "name": "ruby:3" }, "services": [{ "name": "redis:7" }] }),
        ),
        &[
            "the service image redis:7 is not allowed here; this runner allows postgres:*",
            "AllowedServices",
        ],
    );
    // What the job's author says of the image in a variable decides nothing.
    let mut fooled = asks(lists, &json!({ "image": { "name": "evil/ruby:3" } }));
    fooled
        .variables
        .push(("CUSTOM_ENV_CI_JOB_IMAGE".into(), "ruby:3".into()));
    refuses(&fooled, &["evil/ruby:3"]);
    refuses(&asks("", &json!({})), &["the job names no image"]);
}

#[test]
fn image_names_that_ecs_or_registries_refuse() {
    let (sha256, sha512) = ("0".repeat(64), "0".repeat(128));
    let digests = [
        "ruby@sha256:0011".to_owned(),
        format!("ruby@sha512:{sha512}"),
        format!("ruby@md5:{sha256}"),
    ];
    let names = ["ruby:3?", "$X/y", "${X}", "ruby:", "Ruby:3", "ruby@"];
    let names = names.into_iter().map(str::to_owned).chain(digests);
    for name in names {
        let is = format!("image is {name:?}, but must be an image");
        let asked = json!({ "image": { "name": name } });
        refuses(&asks("", &asked), &["the job's", &is, "Correct image:"]);
        let asked = json!({ "image": { "name": "ruby:3" }, "services": [{ "name": name }] });
        refuses(
            &asks("", &asked),
            &["a service's", &is, "Correct services:"],
        );
    }
}

#[test]
fn other_spellings_of_a_path_do_not_pass_an_exclusion() {
    let list = "AllowedImages = [\"**\", \"!r.example.com/secret/**\"]";
    for name in [
        "r.example.com/secret/a:1",
        "R.example.com/secret/a:1",
        "r.example.com:443/secret/a:1",
        "r.example.com/./secret/a:1",
        "r.example.com//secret/a:1",
        "r.example.com/x/../secret/a:1",
        "r.example.com/secret%2fa:1",
        "r.example.com/%73ecret/a:1",
        "r.example.com./secret/a:1",
    ] {
        refuses(&asks(list, &json!({ "image": { "name": name } })), &[name]);
    }
    let fine = asks(
        list,
        &json!({ "image": { "name": "r.example.com/open/a:1" } }),
    );
    fine.custom("config").exits(0);
}

#[test]
fn what_cannot_be() {
    let services: Vec<_> = (0..8)
        .map(|number| json!({ "name": format!("service{number}") }))
        .collect();
    refuses(
        &asks(
            "",
            &json!({ "image": { "name": "a" }, "services": services }),
        ),
        &["the job has 8 services, and a Fargate task has room for 7"],
    );
    let long = json!({ "name": "db", "variables": [{ "key": "SQL", "value": "x".repeat(9000) }] });
    refuses(
        &asks("", &json!({ "image": { "name": "a" }, "services": [long] })),
        &["too long: SQL of service db (9"],
    );
    let port = |name: &str| json!({ "name": name, "variables": [{ "key": "HEALTHCHECK_TCP_PORT", "value": "5432" }] });
    refuses(
        &asks(
            "",
            &json!({ "image": { "name": "a" }, "services": [port("postgres:15"), port("timescale:1")] }),
        ),
        &["the services postgres and timescale both listen on port 5432"],
    );
    refuses(
        &asks(
            "",
            &json!({ "image": { "name": "a" }, "services": [{ "name": "docker:27-dind" }] }),
        ),
        &[
            "the service docker:27-dind cannot run on Fargate: Docker's daemon needs a privileged container",
            "kaniko",
        ],
    );
    let platform =
        json!({ "name": "a", "executor_opts": { "docker": { "platform": "linux/arm64" } } });
    refuses(
        &asks("", &json!({ "image": platform })),
        &["platform linux/arm64", "the task runs on X86_64"],
    );
    let platform =
        json!({ "name": "a", "executor_opts": { "docker": { "platform": "linux/s390x" } } });
    refuses(
        &asks("", &json!({ "image": platform })),
        &["linux/s390x", "linux/amd64 and linux/arm64"],
    );
}

const LIMITS: &str = "[JobVariables]\nMaxCPU = \"4 vCPU\"\nMaxMemory = \"16 GB\"\nMaxEphemeralStorage = \"100 GiB\"\n\
    TaskRoles = [\"arn:aws:iam::*:role/ci-*\"]\nCapacityProviders = [\"FARGATE*\"]\nCPUArchitectures = [\"X86_64\", \"ARM64\"]";

#[test]
fn variables_over_their_limits() {
    for (name, value, part) in [
        (
            "FARGATE_CPU",
            "8 vCPU",
            "\"8 vCPU\", and this runner allows at most 4 vCPU",
        ),
        ("FARGATE_CPU", "lots", "\"lots\", but must be a CPU size"),
        ("FARGATE_MEMORY", "17 GB", "at most 16 GB"),
        ("FARGATE_EPHEMERAL_STORAGE", "101 GiB", "at most 100 GiB"),
        (
            "FARGATE_EPHEMERAL_STORAGE",
            "20",
            "is 20 GiB, but ECS takes 21 to 200 GiB",
        ),
        (
            "FARGATE_TASK_ROLE",
            "arn:aws:iam::000000000000:role/admin",
            "role/ci-*",
        ),
        ("FARGATE_TASK_ROLE", "admin", "the ARN of an IAM role"),
        ("FARGATE_CAPACITY_PROVIDER", "MINE", "allows FARGATE*"),
        ("FARGATE_CPU_ARCHITECTURE", "VAX", "X86_64 or ARM64"),
    ] {
        refuses(&sets(LIMITS, &[(name, value)]), &[name, part]);
    }
}

#[test]
fn sizes_that_fargate_has_not() {
    let limits = "[JobVariables]\nMaxCPU = \"4 vCPU\"\nMaxMemory = \"999 GB\"";
    refuses(
        &sets(limits, &[("FARGATE_MEMORY", "100 GB")]),
        &["FARGATE_MEMORY 100 GB needs a task with 16 vCPU, and this runner allows at most 4 vCPU"],
    );
    let pair = [("FARGATE_CPU", "2 vCPU"), ("FARGATE_MEMORY", "245 GB")];
    refuses(
        &sets(limits, &pair),
        &[
            "the job asks for 2 vCPU and 245 GB, and Fargate has no task that large",
            "Correct FARGATE_CPU and FARGATE_MEMORY in the .gitlab-ci.yml; the largest has 32 vCPU and 244 GB.",
        ],
    );
}

#[test]
fn variables_within_their_limits_reach_the_task_and_are_said() {
    let role = "arn:aws:iam::000000000000:role/ci-deploy";
    let manager = sets(
        LIMITS,
        &[
            ("FARGATE_CPU", "2 vCPU"),
            ("FARGATE_MEMORY", "5 GB"),
            ("FARGATE_EPHEMERAL_STORAGE", "60"),
            ("FARGATE_TASK_ROLE", role),
            ("FARGATE_CAPACITY_PROVIDER", "FARGATE_SPOT"),
            ("FARGATE_CPU_ARCHITECTURE", "arm64"),
        ],
    );
    let said = manager.prepare().out();
    for line in [
        "FARGATE_CPU: 2 vCPU\n",
        "FARGATE_MEMORY: 5 GB\n",
        "FARGATE_EPHEMERAL_STORAGE: 60 GiB\n",
        &format!("FARGATE_TASK_ROLE: {role}\n"),
        "FARGATE_CAPACITY_PROVIDER: FARGATE_SPOT\n",
        "FARGATE_CPU_ARCHITECTURE: ARM64\n",
    ] {
        assert!(said.contains(line), "no {line:?} in {said}");
    }
    let task = &manager.aws.running()[0];
    assert_eq!(
        (&task["cpu"], &task["memory"]),
        (&json!("2048"), &json!("5120"))
    );
    assert_eq!(task["ephemeralStorage"]["sizeInGiB"], 60);
    assert_eq!(task["overrides"]["taskRoleArn"], role);
    assert_eq!(task["capacityProviderName"], "FARGATE_SPOT");
    let definition = manager.aws.call(
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": task["taskDefinitionArn"] }),
    );
    let definition = &definition["taskDefinition"];
    assert_eq!(definition["runtimePlatform"]["cpuArchitecture"], "ARM64");
    assert_eq!(
        definition["containerDefinitions"][2]["image"],
        "r.example.com/helper:arm64-v19.4.0"
    );
    // The size is the task's own, so that jobs of other sizes share the definition.
    assert_eq!(definition["cpu"], "1024");
}

#[test]
fn variables_that_no_key_allows_are_ignored_and_said() {
    let manager = sets(
        "",
        &[
            ("FARGATE_CPU", "16 vCPU"),
            ("FARGATE_TASK_ROLE", "x"),
            ("FARGATE_TASK_DEFINITION", "mine:1"),
        ],
    );
    let said = manager.prepare().out();
    assert!(
        said.contains(
            "FARGATE_CPU is ignored: jobs may not set it on this runner ([JobVariables] MaxCPU)"
        ),
        "{said}"
    );
    assert!(said.contains("FARGATE_TASK_ROLE is ignored"), "{said}");
    assert!(
        said.contains("FARGATE_TASK_DEFINITION has no effect"),
        "{said}"
    );
    assert_eq!(manager.aws.running()[0]["cpu"], "1024");
}

#[test]
fn a_platform_is_followed_where_the_operator_allows_it() {
    let manager = sets(LIMITS, &[]);
    manager.ask(&json!({ "image": { "name": "a", "executor_opts": { "docker": { "platform": "linux/arm64/v8" } } } }));
    assert!(
        manager
            .prepare()
            .out()
            .contains("platform linux/arm64/v8: ARM64\n")
    );
}

#[test]
fn references_in_user_and_platform_are_replaced() {
    let manager = sets(LIMITS, &[]);
    let options =
        json!({ "docker": { "user": "$RUN_UID:${RUN_UID}", "platform": "linux/$PROCESSOR" } });
    let user = json!({ "docker": { "user": "$RUN_UID" } });
    manager.ask(&json!({
        "image": { "name": "a", "executor_opts": options },
        "services": [{ "name": "db", "executor_opts": user }],
        "variables": [{ "key": "RUN_UID", "value": "1000" }, { "key": "PROCESSOR", "value": "arm64" }],
    }));
    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("platform linux/arm64: ARM64\n"),
        "{}",
        prepared.out()
    );
    let containers = &definition(&manager)["containerDefinitions"];
    assert_eq!(containers[1]["user"], "1000:1000");
    assert_eq!(containers[3]["user"], "1000");
    // A task definition is no place for a secret, and neither is a message.
    for (option, part) in [
        ("user", "the user \"$TOKEN\" of"),
        ("platform", "platform $TOKEN"),
    ] {
        let mut response = json!({ "image": { "name": "a", "executor_opts": { "docker": {} } },
            "variables": [{ "key": "TOKEN", "value": "12345678", "masked": true }] });
        response["image"]["executor_opts"]["docker"][option] = json!("$TOKEN");
        refuses(&asks("", &response), &[part]);
    }
}

#[test]
fn without_a_job_response_file_nobody_knows_the_image() {
    let manager = manager();
    let mut call = manager.call(&["custom", "prepare"]);
    let output = call.env_remove("JOB_RESPONSE_FILE").output().unwrap();
    assert_eq!(output.status.code(), Some(22));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("JOB_RESPONSE_FILE is not set") && said.contains("update the runner"),
        "{said}"
    );
}

#[test]
fn a_task_definition_on_the_command_line_does_not_go_with_it() {
    manager()
        .start(&["--task-def", "test-task", "custom", "prepare"])
        .finish()
        .exits(22)
        .complains(&["--task-def and [JobImage] Enabled = true exclude each other"]);
}

#[test]
fn a_stand_in_without_the_files_of_images_says_what_to_do_instead() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
    manager.configure_job_image(images, "");
    manager.ask(&json!({ "image": { "name": "ruby:3.3" } }));
    manager.custom("prepare").exits(22).complains(&[
        "failed to start /fargate-agent: No such file or directory",
        "without the files of their images; real containers have them (--backend container)",
    ]);
    manager.left_nothing();
}
