//! CloudWatch Logs, with the output of containers.

use ecs_local::Options;
use serde_json::{Value, json};
use testing::wait_until;

use crate::cluster::{Cluster, shell};

/// A container that runs a shell script and logs to `group`.
fn logged(script: &str, group: &str, more: &Value) -> Value {
    let mut options = json!({ "awslogs-group": group, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job" });
    let members = options.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let mut container = shell("db", script);
    container["logConfiguration"] = json!({ "logDriver": "awslogs", "options": options });
    container
}

fn local(latency: f64) -> Cluster {
    let local = Cluster::start(Options {
        latency,
        ..Options::default()
    });
    local.logs("CreateLogGroup", &json!({ "logGroupName": "/ci" }));
    local
}

fn events(local: &Cluster, arn: &str) -> Vec<Value> {
    let id = arn.rsplit('/').next().unwrap();
    let request = json!({ "logGroupName": "/ci", "logStreamName": format!("job/db/{id}"), "startFromHead": true });
    let reply = local.logs("GetLogEvents", &request);
    reply["events"].as_array().unwrap().clone()
}

fn messages(local: &Cluster, arn: &str) -> Vec<String> {
    let message = |event: Value| event["message"].as_str().unwrap().to_owned();
    events(local, arn).into_iter().map(message).collect()
}

#[test]
fn each_line_is_an_event_as_soon_as_it_ends() {
    let local = local(0.0);
    let script = "printf 'one\\n\\ntwo\\nthr'; sleep 1; printf 'ee\\nfour'; sleep 1";
    local.register("job", json!([logged(script, "/ci", &json!({}))]));
    let arn = local.run("job");
    wait_until("the first lines show", || messages(&local, &arn).len() == 2);
    assert_eq!(messages(&local, &arn), ["one", "two"]);
    wait_until("the last line shows", || messages(&local, &arn).len() == 4);
    assert_eq!(messages(&local, &arn), ["one", "two", "three", "four"]);
    assert_eq!(local.log(&arn, "db"), "one\n\ntwo\nthree\nfour");
}

#[test]
fn a_long_line_becomes_several_events() {
    let local = local(0.0);
    let script = "head -c 600000 /dev/zero | tr '\\0' x; echo";
    local.register("job", json!([logged(script, "/ci", &json!({}))]));
    let arn = local.run("job");
    wait_until("the end of the line shows", || {
        messages(&local, &arn).len() == 3
    });
    let lengths: Vec<_> = messages(&local, &arn).iter().map(String::len).collect();
    assert_eq!(lengths, [262_118, 262_118, 75_764]);
}

#[test]
fn events_show_when_the_log_driver_would_send_them() {
    // The driver sends output every 5 s.
    let local = local(0.2);
    local.register(
        "job",
        json!([logged("echo one; sleep 1000", "/ci", &json!({}))]),
    );
    let arn = local.run("job");
    local.wait_for_log(&arn, "db", "one");
    assert_eq!(messages(&local, &arn), [""; 0]);
    wait_until("the event shows", || !events(&local, &arn).is_empty());
    let event = events(&local, &arn).remove(0);
    let time = |member: &str| event[member].as_u64().unwrap();
    assert_eq!(time("ingestionTime") - time("timestamp"), 1000);
}

#[test]
fn a_task_does_not_start_without_its_log_group() {
    let local = local(0.0);
    local.register("job", json!([logged("true", "/other", &json!({}))]));
    let arn = local.run("job");
    let task = local.wait_for(&arn, "STOPPED");
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(
        reason.starts_with("ResourceInitializationError: ")
            && reason.contains("The specified log group does not exist."),
        "{reason}"
    );
    assert!(task.get("pullStartedAt").is_none(), "{task}");
    // The group of another region is a different one, which the driver may make.
    let options = json!({ "awslogs-region": "eu-west-2", "awslogs-create-group": "true" });
    local.register("job", json!([logged("sleep 1000", "/ci", &options)]));
    let arn = local.run("job");
    local.wait_for(&arn, "RUNNING");
}
