//! Many jobs of one manager at once.

use serde_json::json;

use crate::aws::Server;
use crate::manager::Manager;

/// How many.
const JOBS: u64 = 20;

#[test]
fn jobs_that_start_together_ask_aws_together() {
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": 3.0 } } }] });
    let mut manager = Manager::with_faults(Server::Agent, &late);
    let mut preparing = Vec::new();
    let mut identities = Vec::new();
    for _ in 0..JOBS {
        manager.next_job();
        let response = manager.path(&format!("response-{}.json", manager.job));
        std::fs::copy(manager.path("response.json"), &response).unwrap();
        let mut call = manager.call(&["custom", "prepare"]);
        preparing.push(call.env("JOB_RESPONSE_FILE", &response).spawn().unwrap());
        identities.push(response);
    }
    // One of them is killed; the others go on without it.
    let mut killed = preparing.remove(3);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    killed.kill().unwrap();
    killed.wait().unwrap();
    for prepared in preparing {
        let output = prepared.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let calls = manager.aws.calls("DescribeTasks");
    assert!(calls < JOBS, "{calls} calls for {JOBS} jobs");

    for response in &identities {
        let mut cleanup = manager.call(&["custom", "cleanup"]);
        let output = cleanup.env("JOB_RESPONSE_FILE", response).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    manager.left_nothing();
    let looks = manager.metadata().join("looks").read_dir().unwrap();
    let names = looks.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What the killed one left goes with the next who asks.
    let left: Vec<_> = names.filter(|name| name != "turn").collect();
    assert!(left.len() <= 2, "{left:?}");
}
