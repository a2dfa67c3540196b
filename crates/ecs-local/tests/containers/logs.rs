//! CloudWatch Logs, with the output of real containers.

use serde_json::{Value, json};
use testing::wait_until;

use crate::cluster::{Cluster, shell, with};

#[test]
fn lines_of_output_are_events_of_the_log_stream() {
    let stand_in = Cluster::start();
    stand_in.logs("CreateLogGroup", &json!({ "logGroupName": "/ci" }));
    let options = json!({ "awslogs-group": "/ci", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job" });
    let script =
        "printf 'a li'; sleep 0.5; echo 'ne in two'; echo error >&2; printf end; sleep 0.5; exit 3";
    let logged = with(
        shell("db", script),
        json!({ "logConfiguration": { "logDriver": "awslogs", "options": options } }),
    );
    let role = json!({ "executionRoleArn": "arn:aws:iam::000000000000:role/execution" });
    let task = stand_in.run_with(json!([logged]), &role, &json!({}));
    task.stopped();
    let request = json!({ "logGroupName": "/ci", "logStreamName": format!("job/db/{}", task.id()), "startFromHead": true });
    let mut messages: Vec<String> = Vec::new();
    wait_until("all lines are there", || {
        let reply = stand_in.logs("GetLogEvents", &request);
        let message = |event: &Value| event["message"].as_str().unwrap().to_owned();
        messages = reply["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(message)
            .collect();
        messages.len() >= 3
    });
    // The two streams of a container have no order between them.
    messages.sort();
    assert_eq!(messages, ["a line in two", "end", "error"]);
}
