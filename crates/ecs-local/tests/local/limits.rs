//! AWS's published rate limits, when they are asked for.

use ecs_local::Options;
use serde_json::json;

use crate::server::{CLUSTER, Local, request};

#[test]
fn calls_beyond_the_burst_are_throttled_until_the_bucket_fills() {
    let local = Local::start(Options {
        throttle: true,
        ..Options::default()
    });
    // A burst of 20 and one a second: registrations are the scarcest.
    let definition = json!({ "family": "job", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
        "memory": "512", "containerDefinitions": [{ "name": "job", "image": "x" }] });
    let accepted = (0..40)
        .filter(|_| {
            let reply = local.ecs("RegisterTaskDefinition", &definition).unwrap();
            if reply.status != 200 {
                assert_eq!(reply.status, 400);
                assert_eq!(reply.json()["__type"], "ThrottlingException");
            }
            reply.status == 200
        })
        .count();
    assert!((20..30).contains(&accepted), "{accepted}");
    let stats = local.get("/_local/stats").json();
    assert_eq!(stats["throttled"], 40 - accepted);
    // Other buckets are untouched.
    local.call("ListTasks", &json!({ "cluster": CLUSTER }));
    crate::server::wait_until("a registration is accepted again", || {
        local
            .ecs("RegisterTaskDefinition", &definition)
            .unwrap()
            .status
            == 200
    });
}

#[test]
fn without_being_asked_nothing_is_throttled() {
    let local = Local::with_faults(&json!([]));
    for _ in 0..150 {
        local.call("ListTasks", &json!({ "cluster": CLUSTER }));
    }
}

#[test]
fn fargate_launches_have_a_bucket_beside_the_calls() {
    let local = Local::start(Options {
        throttle: true,
        ..Options::default()
    });
    local.register("job", json!([{ "name": "job" }]));
    let mut order = request("job");
    order["count"] = 10.into();
    // 100 tasks at once in this region, 20 a second after: 10 tasks each, so some 10 calls of the 20 that fit.
    let accepted = (0..20)
        .filter(|_| local.ecs("RunTask", &order).unwrap().status == 200)
        .count();
    assert!((10..20).contains(&accepted), "{accepted}");
}
