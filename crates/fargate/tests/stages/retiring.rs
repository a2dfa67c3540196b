//! How a job's task is stopped and its record removed, whoever does it.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::aws::{Server, wait_until};
use crate::manager::Manager;
use crate::sweeping::rewrite;

#[test]
fn a_sweep_leaves_the_next_attempt_of_a_job_alone() {
    // The first attempt's cleanup was cut short, and the sweep is about it when GitLab Runner tries again. AWS's answer
    // takes long to come back.
    let slow = json!({ "faults": [{ "when": { "operation": "StopTask", "nth": 1 }, "effect": { "slow_reply": { "seconds": 5.0 } } }] });
    let manager = Manager::with_faults(Server::Agent, &slow);
    manager.prepare();
    rewrite(&manager, |record| record["ends"] = json!(true));
    let sweeping = manager.start(&["reap"]);
    wait_until("StopTask is called", || manager.aws.calls("StopTask") == 1);
    manager.prepare();
    sweeping.finish().exits(0);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();

    // The same when it looks for the task of a call that nobody saw the end of. The new attempt need not look as long:
    // its time has passed.
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    manager.aws.stop_task(arn.as_str().unwrap(), "over");
    rewrite(&manager, |record| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        record["intended_at"] = json!(now.unwrap().as_secs());
        record["call"] = json!("token");
        record["task"] = Value::Null;
        record["ends"] = json!(true);
    });
    let lists = manager.aws.calls("ListTasks");
    let sweeping = manager.start(&["reap"]);
    wait_until("it has looked", || manager.aws.calls("ListTasks") > lists);
    rewrite(&manager, |record| record["intended_at"] = json!(1));
    manager.prepare();
    sweeping.finish().exits(0);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
