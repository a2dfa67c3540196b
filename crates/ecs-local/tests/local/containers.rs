//! The containers of a task: the order of their starts and stops, health checks, environment, addresses.

use ecs_local::{Faults, Options};
use serde_json::{Value, json};
use testing::wait_until;

use crate::cluster::{Cluster, detail, request, shell};

/// A script that prints `up`, and from then on exits with 0 on SIGTERM.
const FOREVER: &str = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";

fn depends(mut container: Value, on: &[(&str, &str)]) -> Value {
    let on = on
        .iter()
        .map(|(name, condition)| json!({ "containerName": name, "condition": condition }));
    container["dependsOn"] = on.collect();
    container
}

fn optional(mut container: Value) -> Value {
    container["essential"] = false.into();
    container
}

/// The positions of the containers, in the order in which they first show a status.
fn order(history: &[Value], status: &str) -> Vec<Vec<usize>> {
    let mut order: Vec<Vec<usize>> = Vec::new();
    for change in history {
        let statuses = change["containers"].as_array().unwrap();
        let new: Vec<usize> = (0..statuses.len())
            .filter(|at| statuses[*at] == status && !order.iter().flatten().any(|seen| seen == at))
            .collect();
        if !new.is_empty() {
            order.push(new);
        }
    }
    order
}

#[test]
fn containers_start_after_and_stop_before_what_they_depend_on() {
    let local = Cluster::with_faults(&json!([]));
    local.register(
        "order",
        json!([
            depends(
                shell("build", FOREVER),
                &[("init", "SUCCESS"), ("db", "START")]
            ),
            depends(shell("db", FOREVER), &[("fails", "COMPLETE")]),
            optional(shell("init", "sleep 0.2; exit 0")),
            optional(shell("fails", "exit 3")),
        ]),
    );
    let arn = local.run("order");
    local.wait_for(&arn, "RUNNING");
    for name in ["build", "db"] {
        local.wait_for_log(&arn, name, "up");
    }
    local.stop_task(&arn);
    let task = local.wait_for(&arn, "STOPPED");
    let history = local.history(&arn);
    let started = order(&history, "RUNNING").concat();
    let at = |container: usize| started.iter().position(|one| *one == container).unwrap();
    assert!(
        at(3) < at(1) && at(1) < at(0) && at(2) < at(0),
        "{started:?}"
    );
    let stopped = order(&history, "STOPPED");
    assert_eq!(stopped[2..], [[0], [1]], "build before db: {stopped:?}");
    let codes: Vec<&Value> = task["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["exitCode"])
        .collect();
    assert_eq!(codes, [0, 0, 0, 3]);
}

#[test]
fn a_failed_dependency_stops_the_task() {
    // The words of ECS's open agent (agent/engine/dependencygraph/graph.go), and its exit code.
    for (condition, script, problem) in [
        (
            "SUCCESS",
            "exit 3",
            "dependency graph: failed to resolve container ordering dependency \
             [init(registry.example.com/ci:1) (STOPPED->RUNNING) - Exit: 3] for target \
             [build(registry.example.com/ci:1) (NONE->RUNNING)] as dependency did not exit successfully.",
        ),
        (
            "COMPLETE",
            "sleep 1000",
            "dependency graph: container ordering dependency [init(registry.example.com/ci:1) (RUNNING->RUNNING)] \
             for target [build(registry.example.com/ci:1) (NONE->RUNNING)] has timed out.",
        ),
    ] {
        let local = Cluster::with_faults(&json!([]));
        let mut init = optional(shell("init", script));
        init["startTimeout"] = 2.into();
        local.register(
            "two",
            json!([
                depends(shell("build", FOREVER), &[("init", condition)]),
                init
            ]),
        );
        let task = local.wait_for(&local.run("two"), "STOPPED");
        assert_eq!(task["stopCode"], "TaskFailedToStart");
        assert_eq!(task["stoppedReason"], "Task failed to start");
        let build = &task["containers"][0];
        assert_eq!(build["exitCode"], 143, "{task}");
        let reason = format!("CannotStartContainerError: {problem}");
        assert_eq!(build["reason"], reason);
        assert!(build.get("runtimeId").is_none(), "{task}");
    }
}

#[test]
fn a_failed_dependency_ends_all_that_depend_on_it_and_not_a_task_that_does_not() {
    let local = Cluster::with_faults(&json!([]));
    let side = optional(depends(shell("side", FOREVER), &[("init", "SUCCESS")]));
    local.register(
        "four",
        json!([
            shell("build", FOREVER),
            side,
            optional(depends(shell("last", FOREVER), &[("side", "START")])),
            optional(shell("init", "exit 7")),
        ]),
    );
    let task = local.wait_for(&local.run("four"), "RUNNING");
    let ends = task["containers"].as_array().unwrap();
    let codes: Vec<_> = ends.iter().map(|one| one["exitCode"].as_i64()).collect();
    assert_eq!(codes, [None, Some(143), Some(143), Some(7)]);
    let reason = ends[2]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("because dependency will never start"),
        "{reason}"
    );
}

#[test]
fn all_images_are_there_before_a_container_starts_unless_they_are_loaded_lazily() {
    let delay = json!({ "faults": [{ "when": { "container": "build" }, "effect": { "pull_delay": { "seconds": 0.5 } } }] });
    for lazy_pulls in [false, true] {
        let local = Cluster::start(Options {
            lazy_pulls,
            faults: Faults::parse(&delay.to_string()).unwrap(),
            ..Options::default()
        });
        local.register(
            "two",
            json!([shell("build", FOREVER), shell("other", FOREVER)]),
        );
        let arn = local.run("two");
        let task = local.wait_for(&arn, "RUNNING");
        let pulled = ["pullStartedAt", "pullStoppedAt"].map(|at| task[at].as_f64().unwrap());
        assert!(pulled[1] - pulled[0] >= 0.5, "{task}");
        let early = local.history(&arn).into_iter().any(|change| {
            change["lastStatus"] == "PENDING"
                && change["containers"] == json!(["PENDING", "RUNNING"])
        });
        assert_eq!(early, lazy_pulls, "{:?}", local.history(&arn));
    }
}

#[test]
fn health_checks_set_the_health_of_containers_and_task() {
    let local = Cluster::with_faults(&json!([]));
    let checked = |name: &str, command: Value| {
        let mut container = shell(name, FOREVER);
        container["healthCheck"] = json!({ "command": command, "retries": 1, "interval": 5 });
        container["environment"] = json!([{ "name": "HOW", "value": "well" }]);
        container
    };
    local.register(
        "health",
        json!([
            depends(shell("build", FOREVER), &[("well", "HEALTHY")]),
            checked("well", json!(["CMD-SHELL", "test $HOW = well"])),
            optional(checked("ill", json!(["CMD", "/bin/false"]))),
        ]),
    );
    let arn = local.run("health");
    wait_until("the checks report the health", || {
        let task = local.task(&arn);
        let health = |at: usize| {
            task["containers"][at]["healthStatus"]
                .as_str()
                .map(str::to_owned)
        };
        task["lastStatus"] == "RUNNING"
            && [health(0), health(1), health(2)].map(Option::unwrap_or_default)
                == ["UNKNOWN", "HEALTHY", "UNHEALTHY"]
    });
    // Only essential containers with a check count, and an unhealthy task goes on.
    assert_eq!(local.task(&arn)["healthStatus"], "HEALTHY");
    let history = local.history(&arn);
    let started = order(&history, "RUNNING").concat();
    let at = |container: usize| started.iter().position(|one| *one == container).unwrap();
    assert!(at(1) < at(0), "{started:?}");
}

#[test]
fn a_container_has_its_own_environment_and_ecs_variables() {
    let local = Cluster::with_faults(&json!([]));
    let mut job = shell("job", "env; exec sleep 1000");
    job["environment"] =
        json!([{ "name": "A", "value": "defined" }, { "name": "B", "value": "defined" }]);
    local.register("job", json!([job]));
    let mut order = request("job");
    order["overrides"] = json!({ "containerOverrides": [{ "name": "job", "environment": [{ "name": "B", "value": "over\nridden" }] }] });
    let reply = local.call("RunTask", &order);
    let arn = reply["tasks"][0]["taskArn"].as_str().unwrap();
    local.wait_for_log(arn, "job", "PWD=");
    let log = local.log(arn, "job");
    let id = arn.rsplit('/').next().unwrap();
    for line in [
        "A=defined",
        "B=over\nridden",
        "AWS_REGION=eu-west-1",
        "AWS_EXECUTION_ENV=AWS_ECS_FARGATE",
        id,
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    // Nothing of the stand-in's own environment.
    assert!(!log.contains("CARGO"), "{log}");
}

#[test]
fn each_task_has_a_loopback_address_of_its_own() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job("exec sleep 1000");
    let mut order = request("job");
    order["count"] = 10.into();
    let reply = local.call("RunTask", &order);
    let mut addresses: Vec<String> = Vec::new();
    for task in reply["tasks"].as_array().unwrap() {
        let task = local.wait_for(task["taskArn"].as_str().unwrap(), "RUNNING");
        let address = detail(&task, "privateIPv4Address");
        assert_eq!(
            task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"],
            address.as_str()
        );
        // An address of this machine, on which it can listen.
        std::net::TcpListener::bind((address.as_str(), 0)).unwrap();
        addresses.push(address);
    }
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 10);
}
