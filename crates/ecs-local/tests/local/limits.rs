//! AWS's published rate limits, which the option `throttle` turns on.

use ecs_local::Options;
use serde_json::json;

use crate::cluster::{CLUSTER, Cluster, request};

#[test]
fn calls_beyond_the_burst_are_throttled_until_the_bucket_fills() {
    let local = Cluster::start(Options {
        throttle: true,
        ..Options::default()
    });
    // Registrations have the smallest bucket: a burst of 20, then one a second.
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
    // Other buckets stay full.
    local.call("ListTasks", &json!({ "cluster": CLUSTER }));
    testing::wait_until("a registration is accepted again", || {
        local
            .ecs("RegisterTaskDefinition", &definition)
            .unwrap()
            .status
            == 200
    });
}

#[test]
fn without_the_option_nothing_is_throttled() {
    let local = Cluster::with_faults(&json!([]));
    for _ in 0..150 {
        local.call("ListTasks", &json!({ "cluster": CLUSTER }));
    }
}

#[test]
fn launches_on_fargate_have_a_bucket_of_their_own() {
    let local = Cluster::start(Options {
        throttle: true,
        ..Options::default()
    });
    local.register("job", json!([{ "name": "job" }]));
    let mut order = request("job");
    order["count"] = 10.into();
    // In this region 100 tasks at once, then 20 a second. With 10 tasks each, about 10 of the 20 calls fit.
    let accepted = (0..20)
        .filter(|_| local.ecs("RunTask", &order).unwrap().status == 200)
        .count();
    assert!((10..20).contains(&accepted), "{accepted}");
}
