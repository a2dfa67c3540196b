//! JobImage mode: a task that is composed for its job, with the agent in two containers of it.

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

use crate::fargate;

/// A manager whose jobs bring their image, with more keys in `[JobImage]` and more sections.
pub(crate) fn manager_with(faults: &Value, job_image: &str, sections: &str) -> ManagerHost {
    let manager = ManagerHost::with_faults(fargate(), SshServer::JobImage, faults);
    let images = "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"";
    manager.configure_job_image(&format!("{images}\n{job_image}"), sections);
    manager.ask(&json!({ "image": { "name": "ruby:3.3" } }));
    manager
}

pub(crate) fn manager() -> ManagerHost {
    manager_with(&json!({}), "", "")
}

/// The task definitions of the manager's job, the oldest first.
fn revisions(manager: &ManagerHost) -> Vec<String> {
    let family = definition(manager)["family"].clone();
    let list = manager.aws.call(
        "ListTaskDefinitions",
        &json!({ "familyPrefix": family, "status": "ACTIVE" }),
    );
    serde_json::from_value(list["taskDefinitionArns"].clone()).unwrap()
}

#[test]
fn a_definition_that_was_deregistered_meanwhile_is_looked_up_again() {
    let mut manager = manager();
    manager.prepare();
    let [first] = &revisions(&manager)[..] else {
        panic!("{:?}", revisions(&manager))
    };
    manager.custom("cleanup").exits(0);
    let gone = json!({ "taskDefinition": first });
    manager.aws.call("DeregisterTaskDefinition", &gone);

    // Another job found the definition a moment ago, and this one believes it.
    manager.next_job();
    manager.ask(&json!({ "image": { "name": "ruby:3.3" } }));
    let begun = std::time::Instant::now();
    let prepared = manager.prepare();
    // A definition that AWS may not know yet is asked for during 30 s.
    assert!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());
    let [second] = &revisions(&manager)[..] else {
        panic!("{:?}", revisions(&manager))
    };
    let names = [first, second].map(|arn| arn.rsplit_once('/').unwrap().1);
    let line = format!(
        "Task definition {} is no longer active; using {}\n",
        names[0], names[1]
    );
    assert!(prepared.out().contains(&line), "{}", prepared.out());
    assert!(names[1].ends_with(":2"), "{names:?}");
    manager.custom("cleanup").exits(0);

    // The next one has nothing to find out.
    manager.next_job();
    manager.ask(&json!({ "image": { "name": "ruby:3.3" } }));
    let calls = manager.aws.calls("RunTask");
    manager.prepare();
    assert_eq!(manager.aws.calls("RunTask"), calls + 1);
}

/// A script that says the name of the container it runs in.
pub(crate) const WHERE: &str =
    "echo \"in ${ECS_CONTAINER_METADATA_URI_V4##*/}\" | sed 's/[0-9a-f]*-//'";

pub(crate) fn definition(manager: &ManagerHost) -> Value {
    let task = &manager.aws.running()[0];
    let arn = task["taskDefinitionArn"].as_str().unwrap();
    let described = manager
        .aws
        .call("DescribeTaskDefinition", &json!({ "taskDefinition": arn }));
    described["taskDefinition"].clone()
}

#[test]
fn config_gives_the_runner_folders_and_a_shell() {
    let answer: Value =
        serde_json::from_slice(&manager().custom("config").exits(0).stdout).unwrap();
    assert_eq!(answer["builds_dir"], "/builds");
    assert_eq!(answer["cache_dir"], "/cache");
    assert_eq!(answer["shell"], "bash");
    assert_eq!(answer["driver"]["name"], "fargate");
}

#[test]
fn the_jobs_scripts_run_in_its_container_and_all_others_in_the_helper() {
    let manager = manager();
    let prepared = manager.prepare();
    assert!(
        prepared
            .out()
            .starts_with("Registered task definition fargate-"),
        "{}",
        prepared.out()
    );
    assert!(
        prepared.out().contains("Starting ruby:3.3 in cluster"),
        "{}",
        prepared.out()
    );
    for stage in [
        "prepare_script",
        "get_sources",
        "restore_cache",
        "upload_artifacts_on_success",
        "cleanup_file_variables",
    ] {
        let run = manager.start_stage(stage, WHERE).finish().exits(0);
        // On a busy machine a line before it says that the connection takes its time.
        assert!(run.out().ends_with("in helper\n"), "{stage}: {}", run.out());
    }
    for stage in [
        "build_script",
        "step_script",
        "step_release",
        "after_script",
    ] {
        let run = manager.start_stage(stage, WHERE).finish().exits(0);
        assert!(
            run.out().ends_with("in ci-coordinator\n"),
            "{stage}: {}",
            run.out()
        );
        assert_eq!(run.err(), "", "{stage}");
    }
    manager
        .start_stage("build_script", "exit 3")
        .finish()
        .exits(11);
    assert_eq!(manager.exit_code_file().unwrap(), "3\n");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn the_task_definition_is_what_the_job_asks_for() {
    let job_image = "CPU = \"2 vCPU\"\nMemory = \"1 GB\"\nEphemeralStorage = \"50 GiB\"\nLogGroup = \"/ci/jobs\"\n\
        ExecutionRole = \"arn:aws:iam::000000000000:role/execution\"\nTaskRole = \"arn:aws:iam::000000000000:role/task\"\n\
        [JobImage.RegistryCredentials]\n\"r.example.com\" = \"arn:aws:secretsmanager:eu-west-1:000000000000:secret:r-AbCdEf\"";
    let manager = manager_with(&json!({}), job_image, "");
    manager.aws.create_log_group("/ci/jobs");
    manager.ask(&json!({
        "image": { "name": "ruby:3.3", "entrypoint": [""], "executor_opts": { "docker": { "user": "1000:1000" } } },
        "services": [{ "name": "postgres:16", "alias": "db", "command": ["/bin/sleep", "100"],
                       "variables": [{ "key": "POSTGRES_PASSWORD", "value": "not-a-secret" }] }],
        "variables": [{ "key": "SECRET", "value": "masked-and-secret", "masked": true },
                      { "key": "CI_JOB_TOKEN", "value": "secret-job-token", "masked": true },
                      { "key": "OPEN", "value": "yes", "public": true }],
    }));
    let prepared = manager.prepare();
    assert!(
        prepared
            .out()
            .contains("Fargate has no task with 2 vCPU and 1 GB: it gets 2 vCPU and 4 GB"),
        "{}",
        prepared.out()
    );
    let definition = definition(&manager);
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&json!("2048"), &json!("4096"))
    );
    // Each image is PID 1 of its own container, as some insist.
    assert_eq!(definition["pidMode"], Value::Null);
    assert_eq!(definition["ephemeralStorage"]["sizeInGiB"], 50);
    assert_eq!(
        definition["runtimePlatform"],
        json!({ "operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64" })
    );
    assert_eq!(
        definition["taskRoleArn"],
        "arn:aws:iam::000000000000:role/task"
    );
    let containers = definition["containerDefinitions"].as_array().unwrap();
    let names: Vec<_> = containers
        .iter()
        .map(|container| container["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["bootstrap", "ci-coordinator", "helper", "service-0"]
    );
    let [bootstrap, job, helper, service] = containers.as_slice() else {
        panic!("{containers:#?}")
    };
    assert_eq!(bootstrap["essential"], false);
    // The agent's image has this entry point, so it must not be repeated in the command.
    assert_eq!(bootstrap["entryPoint"], json!(["/fargate-agent"]));
    assert_eq!(bootstrap["command"], json!(["install", "/.fargate"]));
    assert!(
        bootstrap["repositoryCredentials"]["credentialsParameter"]
            .as_str()
            .unwrap()
            .ends_with("secret:r-AbCdEf")
    );
    assert_eq!(job["entryPoint"], json!(["/.fargate/fargate-agent"]));
    assert_eq!(
        job["command"],
        json!([
            "serve",
            "--listen",
            "[::]:7022",
            "--host-key",
            "/.fargate/host_key"
        ])
    );
    assert_eq!(job["user"], "1000:1000");
    assert_eq!(
        job["dependsOn"],
        json!([{ "containerName": "bootstrap", "condition": "SUCCESS" }])
    );
    let paths: Vec<_> = job["mountPoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| {
            (
                mount["containerPath"].as_str().unwrap(),
                mount["readOnly"].as_bool().unwrap_or(false),
            )
        })
        .collect();
    assert_eq!(
        paths,
        [("/.fargate", true), ("/builds", false), ("/cache", false)]
    );
    assert_eq!(helper["user"], "0");
    assert_eq!(bootstrap["user"], "0");
    let added = |container: &Value| container["linuxParameters"]["capabilities"]["add"].clone();
    for container in containers {
        assert!(
            added(container).as_array().is_none_or(Vec::is_empty),
            "{container}"
        );
    }
    assert_eq!(helper["command"][1], "--helper");
    assert_eq!(service["command"], json!(["/bin/sleep", "100"]));
    assert_eq!(service["essential"], false);
    assert_eq!(
        service["logConfiguration"]["options"]["awslogs-group"],
        "/ci/jobs"
    );

    // What this job alone has came by overrides, and its secrets not at all.
    let task = &manager.aws.running()[0];
    assert!(
        !definition.to_string().contains("ssh-ed25519")
            && !definition.to_string().contains("not-a-secret")
    );
    let overrides = task["overrides"].to_string();
    for part in [
        "ssh-ed25519",
        "not-a-secret",
        "postgres db build",
        "FARGATE_DEADLINE",
        "FARGATE_IDLE_LIMIT",
        "OPEN",
    ] {
        assert!(overrides.contains(part), "no {part} in {overrides}");
    }
    for secret in ["secret-job-token", "masked-and-secret", "PRIVATE"] {
        assert!(
            !task.to_string().contains(secret) && !definition.to_string().contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn the_same_content_is_registered_once() {
    let manager = manager();
    let registered = || manager.aws.calls("RegisterTaskDefinition") - 1;
    manager.prepare();
    manager.custom("cleanup").exits(0);
    let again = manager.prepare();
    assert!(!again.out().contains("Registered"), "{}", again.out());
    manager.custom("cleanup").exits(0);
    assert_eq!(registered(), 1);
    // Even if the manager forgets what it found out.
    for entry in std::fs::read_dir(manager.metadata()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "lock") {
            std::fs::remove_file(path).unwrap();
        }
    }
    manager.prepare();
    assert_eq!(registered(), 1);
    manager.custom("cleanup").exits(0);
    manager.ask(&json!({ "image": { "name": "ruby:3.4" } }));
    manager.prepare();
    assert_eq!(registered(), 2);
}

#[test]
fn fifty_jobs_at_once_register_one() {
    let manager = manager();
    let want = json!({ "image": { "name": "ruby:3.3" } });
    for prepared in manager.call_for_all(50, &["custom", "prepare"], &want) {
        prepared.exits(0);
    }
    assert_eq!(manager.aws.calls("RegisterTaskDefinition") - 1, 1);
    assert_eq!(manager.aws.running().len(), 50);
    // The first one asks, and the others read its answer.
    assert_eq!(manager.aws.calls("DescribeTaskDefinition"), 1);
}

#[test]
fn aws_may_be_slow_to_know_a_definition() {
    let unknown = json!({ "error": { "status": 400, "code": "ClientException", "message": "TaskDefinition not found." } });
    let faults = json!({ "faults": [
        { "when": { "operation": "RunTask", "first": 2 }, "effect": unknown },
        { "when": { "operation": "RegisterTaskDefinition", "nth": 2 }, "effect": "concurrent_registration" },
    ] });
    let manager = manager_with(&faults, "", "");
    let said = manager.prepare().out();
    for operation in ["RegisterTaskDefinition", "RunTask"] {
        let told = |line: &str| line.contains(operation) && line.contains("; trying again in ");
        assert!(said.lines().any(told), "{operation}: {said}");
    }
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn what_may_not_be_registered_is_said() {
    // The first registration is the test's own.
    for (operation, nth) in [("RegisterTaskDefinition", 2), ("DescribeTaskDefinition", 1)] {
        let when = json!({ "operation": operation, "nth": nth });
        let manager = manager_with(
            &json!({ "faults": [{ "when": when, "effect": "access_denied" }] }),
            "",
            "",
        );
        manager.custom("prepare").exits(22).complains(&[
            "could not register the job's task definition",
            &format!("Allow ecs:{operation} in the IAM policy"),
        ]);
        manager.left_nothing();
    }
}
