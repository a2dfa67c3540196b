//! Faults of calls: errors in place of the operation, and replies that are lost after it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{CLUSTER, Cluster, request};

fn started(local: &Cluster) -> usize {
    local.get("/_local/tasks").json().as_array().unwrap().len()
}

#[test]
fn a_refused_call_has_no_effect_and_the_next_succeeds() {
    for (effect, status, code) in [
        (json!("throttle"), 400, "ThrottlingException"),
        (json!("server_error"), 500, "ServerException"),
        (json!("service_unavailable"), 503, "ServiceUnavailable"),
        (json!("access_denied"), 400, "AccessDeniedException"),
        (json!("expired_credentials"), 403, "ExpiredTokenException"),
        (
            json!("unrecognized_client"),
            403,
            "UnrecognizedClientException",
        ),
        (
            json!({ "error": { "status": 418, "code": "TeapotException", "message": "short and stout" } }),
            418,
            "TeapotException",
        ),
        (
            json!({ "ec2_throttle": {} }),
            400,
            "InvalidParameterException",
        ),
    ] {
        let local = Cluster::with_faults(
            &json!([{ "when": { "operation": "RunTask", "first": 1 }, "effect": effect }]),
        );
        local.register_job("sleep 1000");
        let (got, kind, message) = local.refusal("RunTask", &request("job"));
        assert_eq!((got, kind.as_str()), (status, code), "{effect}: {message}");
        assert_eq!(started(&local), 0, "{effect}");
        local.run("job");
        assert_eq!(local.get("/_local/stats").json()["errors"][code], 1);
    }
}

#[test]
fn throttling_by_ec2_is_wrapped_in_an_error_of_ecs() {
    for (looking_up, text) in [
        (
            "security_group",
            "Error retrieving security group information for [sg-",
        ),
        ("subnet", "Error retrieving subnet information for [subnet-"),
    ] {
        let local = Cluster::with_faults(
            &json!([{ "effect": { "ec2_throttle": { "looking_up": looking_up } } }]),
        );
        local.register_job("sleep 1000");
        let (status, code, message) = local.refusal("RunTask", &request("job"));
        assert_eq!((status, code.as_str()), (400, "InvalidParameterException"));
        assert!(
            message.starts_with(text)
                && message.ends_with("Request limit exceeded. (ErrorCode: RequestLimitExceeded)"),
            "{message}"
        );
    }
}

#[test]
fn a_concurrent_registration_is_refused_and_uses_no_revision() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "first": 1 }, "effect": "concurrent_registration" }]),
    );
    let definition = json!({ "family": "job", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
        "memory": "512", "containerDefinitions": [{ "name": "job", "image": "x" }] });
    let (_, code, message) = local.refusal("RegisterTaskDefinition", &definition);
    assert_eq!(code, "ClientException");
    assert!(
        message.starts_with("Too many concurrent attempts"),
        "{message}"
    );
    let made = local.call("RegisterTaskDefinition", &definition);
    assert_eq!(made["taskDefinition"]["revision"], 1);
}

#[test]
fn a_connection_reset_precedes_the_operation() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "operation": "RunTask" }, "effect": "connection_reset" }]),
    );
    local.register_job("sleep 1000");
    let error = local.ecs("RunTask", &request("job")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(started(&local), 0);
}

#[test]
fn a_call_with_a_lost_reply_takes_effect() {
    for reset in [false, true] {
        let local = Cluster::with_faults(
            &json!([{ "when": { "operation": "RunTask", "first": 1 }, "effect": { "lost_reply": { "reset": reset } } }]),
        );
        local.register_job("sleep 1000");
        let mut run_task = request("job");
        run_task["clientToken"] = "job-1".into();
        if reset {
            let error = local.ecs("RunTask", &run_task).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        } else {
            let (status, code, _) = local.refusal("RunTask", &run_task);
            assert_eq!((status, code.as_str()), (500, "ServerException"));
        }
        let tasks = local.get("/_local/tasks").json();
        // The repetition returns the task that the first call started.
        let again = local.call("RunTask", &run_task);
        assert_eq!(again["tasks"][0]["taskArn"], tasks[0]["taskArn"]);
        assert_eq!(started(&local), 1);
    }
}

#[test]
fn a_slow_reply_takes_the_time_of_the_fault() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "operation": "ListTasks" }, "effect": { "slow_reply": { "seconds": 0.3 } } }]),
    );
    let start = Instant::now();
    local.call("ListTasks", &json!({ "cluster": CLUSTER }));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_call_with_a_truncated_reply_takes_effect() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "operation": "RunTask" }, "effect": "truncated_reply" }]),
    );
    local.register_job("sleep 1000");
    let reply = local.ecs("RunTask", &request("job")).unwrap();
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .head
            .contains(&format!("content-length: {}", reply.body.len())),
        "{reply:?}"
    );
    let error = serde_json::from_str::<Value>(&reply.body).unwrap_err();
    assert!(error.is_eof(), "{error}");
    assert_eq!(started(&local), 1);
}

#[test]
fn bare_errors_have_no_header_and_another_spelling() {
    let local = Cluster::with_faults(&json!([{ "effect": "bare_errors" }]));
    let reply = local
        .ecs("ListTasks", &json!({ "cluster": "nowhere" }))
        .unwrap();
    assert_eq!(reply.status, 400);
    assert!(!reply.head.contains("x-amzn-errortype"), "{reply:?}");
    assert_eq!(
        reply.json(),
        json!({ "__type": "com.amazonaws.ecs#ClusterNotFoundException", "Message": "Cluster not found." })
    );
}

#[test]
fn a_rule_applies_only_to_the_calls_that_it_selects() {
    let local = Cluster::with_faults(&json!([
        { "when": { "operation": "ListTasks", "nth": 2 }, "effect": "throttle" },
        { "when": { "operation": "DescribeClusters", "probability": 0 }, "effect": "throttle" },
        { "when": { "operation": "ListTaskDefinitions", "probability": 1 }, "effect": "throttle" },
    ]));
    let status = |operation: &str| {
        let reply = local
            .ecs(operation, &json!({ "cluster": CLUSTER }))
            .unwrap();
        reply.status
    };
    assert_eq!([(); 3].map(|()| status("ListTasks")), [200, 400, 200]);
    assert_eq!([(); 9].map(|()| status("DescribeClusters")), [200; 9]);
    assert_eq!([(); 9].map(|()| status("ListTaskDefinitions")), [400; 9]);
    assert_eq!(local.get("/_local/stats").json()["throttled"], 10);
}

#[test]
fn faults_are_replaced_while_it_runs() {
    let local = Cluster::with_faults(&json!([]));
    let list = json!({ "cluster": CLUSTER });
    let document = json!({ "seed": 7, "faults": [{ "when": { "operation": "ListTasks", "first": 1 }, "effect": "throttle" }] });
    // The counts start at 0 with each document.
    for _ in 0..2 {
        assert_eq!(local.put_faults(&document.to_string()).status, 204);
        assert_eq!(local.get("/_local/faults").json(), document);
        assert_eq!(local.refusal("ListTasks", &list).1, "ThrottlingException");
        local.call("ListTasks", &list);
    }
    let reply = local.put_faults(r#"{"faults": [{"effect": "explode"}]}"#);
    assert_eq!(reply.status, 400);
    assert!(
        reply.body.contains("unknown variant `explode`"),
        "{reply:?}"
    );
    assert_eq!(local.get("/_local/faults").json(), document);
}
