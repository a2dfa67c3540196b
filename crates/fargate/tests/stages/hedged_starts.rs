//! A second task beside one that lags: the first that is ready wins, the other is stopped, and nothing is left.

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, ledger};

use crate::fargate;

/// The subnets of the account.
const SUBNETS: [&str; 2] = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"];

/// A start of the n-th task that takes so many seconds longer until it has an address.
pub(crate) fn slow(nth: u64, seconds: f64) -> Value {
    json!({ "when": { "nth": nth }, "effect": { "slow_start": { "at": "address", "seconds": seconds } } })
}

/// A fault of the n-th call of RunTask.
pub(crate) fn run_task(nth: u64, effect: &Value) -> Value {
    json!({ "when": { "operation": "RunTask", "nth": nth }, "effect": effect })
}

/// A host with these faults that starts a second task after that time.
pub(crate) fn manager(hedge_after: &str, faults: &[Value]) -> ManagerHost {
    let manager =
        ManagerHost::with_faults(fargate(), SshServer::Agent, &json!({ "faults": faults }));
    manager.configure(&format!("HedgeAfter = {hedge_after:?}"), "");
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let one = format!("Subnet = {:?}", SUBNETS[0]);
    assert!(config.contains(&one));
    manager.write_config(&config.replace(&one, &format!("Subnets = {SUBNETS:?}")));
    manager
}

/// The starts in the only record.
fn starts(manager: &ManagerHost) -> Vec<Value> {
    let [file] = &manager.records()[..] else {
        panic!("not one record")
    };
    let record: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    record["starts"].as_array().unwrap().clone()
}

pub(crate) fn standings(manager: &ManagerHost) -> Vec<String> {
    let starts = starts(manager).into_iter();
    starts
        .map(|start| start["standing"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs a script in the job, ends it, and checks that nothing is left and that the ledger has all tasks.
#[track_caller]
pub(crate) fn end(manager: &ManagerHost) {
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    ledger::is_whole(manager).unwrap();
}

/// The tasks in the ledger's line of a kind.
fn tasks(manager: &ManagerHost, kind: &str) -> Vec<Value> {
    let entries = ledger::entries(manager).into_iter();
    let entries = entries.filter(|entry| entry["kind"] == kind);
    entries
        .flat_map(|entry| entry["tasks"].as_array().unwrap().clone())
        .collect()
}

fn subnet(task: &Value) -> &str {
    let details = task["attachments"][0]["details"].as_array().unwrap();
    let subnet = details.iter().find(|detail| detail["name"] == "subnetId");
    subnet.unwrap()["value"].as_str().unwrap()
}

#[test]
fn a_second_task_is_ready_first_and_the_one_that_lags_is_stopped() {
    let manager = manager("300ms", &[slow(1, 60.0)]);
    let said = manager.prepare().out();
    assert!(said.contains("The task lags, it is not ready after 0.3 s (HedgeAfter): a second one starts in subnet-"), "{said}");
    assert!(
        said.contains("The second task is ready for scripts after "),
        "{said}"
    );
    // At once, and not by cleanup.
    assert_eq!(standings(&manager), ["stopped", "won"]);
    let running = manager.aws.running();
    assert_eq!(running.len(), 1, "{running:#?}");
    let stopped = manager.aws.stopped();
    assert_eq!(
        stopped[0]["stoppedReason"],
        "fargate: job 4711 of acme/shop: another task takes the job's scripts"
    );
    assert_ne!(subnet(&running[0]), subnet(&stopped[0]));
    end(&manager);
    let (job, hedged) = (tasks(&manager, "job"), tasks(&manager, "hedged"));
    assert_eq!((job.len(), hedged.len()), (1, 1));
    assert_eq!(
        (&job[0]["won"], &job[0]["hedge"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&hedged[0]["won"], &hedged[0]["hedge"]),
        (&json!(false), &Value::Null)
    );
    assert!(hedged[0]["stop_accepted"].is_u64());
    let report = manager.start(&["report"]).finish().exits(0).out();
    assert!(
        report.contains("1 starts lagged and got a second task, which was ready first 1 times."),
        "{report}"
    );
}

/// Nobody would look again while the job goes on.
#[test]
fn a_stop_that_aws_throttles_is_repeated_at_once() {
    let throttle = json!({ "when": { "operation": "StopTask", "nth": 1 }, "effect": "throttle" });
    let manager = manager("300ms", &[slow(1, 60.0), throttle]);
    manager.prepare();
    assert_eq!(standings(&manager), ["stopped", "won"]);
    assert_eq!(manager.aws.running().len(), 1);
    end(&manager);
}

#[test]
fn a_second_task_that_is_slower_is_stopped() {
    let late = json!({ "when": { "nth": 1 }, "effect": { "listen_delay": { "seconds": 1.5 } } });
    let manager = manager("200ms", &[late, slow(2, 60.0)]);
    let said = manager.prepare().out();
    assert!(
        said.contains("a second one starts in") && !said.contains("The second task is ready"),
        "{said}"
    );
    assert_eq!(standings(&manager), ["won", "stopped"]);
    assert_eq!(manager.aws.running().len(), 1);
    end(&manager);
    assert_eq!(tasks(&manager, "hedged")[0]["hedge"], true);
}

#[test]
fn there_is_one_subnet_for_both_where_there_is_no_other() {
    let faults = json!({ "faults": [slow(1, 60.0)] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    manager.configure("HedgeAfter = \"200ms\"", "");
    manager.prepare();
    let (running, stopped) = (manager.aws.running(), manager.aws.stopped());
    assert_eq!(subnet(&running[0]), subnet(&stopped[0]));
    end(&manager);
}

#[test]
fn a_start_in_time_has_no_second_task() {
    let manager = manager("30s", &[]);
    manager.prepare();
    assert_eq!(manager.aws.calls("RunTask"), 1);
    end(&manager);
    assert_eq!(ledger::entries(&manager).len(), 1);
}

#[test]
fn a_second_task_whose_reply_is_lost_is_asked_for_again_with_its_token() {
    let manager = manager(
        "200ms",
        &[slow(1, 60.0), run_task(2, &json!({ "lost_reply": {} }))],
    );
    manager.prepare();
    assert_eq!(manager.aws.calls("RunTask"), 3);
    assert_eq!(manager.aws.task_histories().len(), 2);
    assert_eq!(standings(&manager), ["stopped", "won"]);
    end(&manager);
}

#[test]
fn a_second_task_is_not_asked_for_again_after_the_end() {
    let error = json!("server_error");
    let manager = manager("3200ms", &[slow(1, 60.0), run_task(2, &error)]);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("HedgeAfter", "StartTimeout = \"4s\"\nHedgeAfter"));
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["within 4 s (StartTimeout)"]);
    assert!(manager.aws.calls("RunTask") <= 2);
    manager.left_nothing();
}

/// The task of that call is stopped like any other.
#[test]
fn a_call_that_is_answered_soon_after_the_first_is_ready_leaves_no_task() {
    let slow_reply = json!({ "slow_reply": { "seconds": 2.0 } });
    let manager = manager(
        "200ms",
        &[slow(1, 1.5), run_task(2, &slow_reply), slow(2, 60.0)],
    );
    manager.prepare();
    assert_eq!(standings(&manager), ["won", "stopped"]);
    assert_eq!(manager.aws.running().len(), 1);
    end(&manager);
    assert_eq!(tasks(&manager, "hedged").len(), 1);
}

/// prepare does not wait long for the second task once the first is ready.
#[test]
fn a_call_under_way_when_the_first_is_ready_is_settled_by_cleanup() {
    let slow_reply = json!({ "slow_reply": { "seconds": 60 } });
    let manager = manager("200ms", &[slow(1, 1.5), run_task(2, &slow_reply)]);
    manager.prepare();
    assert_eq!(standings(&manager), ["won", "asked"]);
    assert_eq!(manager.aws.running().len(), 2);
    end(&manager);
    assert_eq!(tasks(&manager, "hedged").len(), 1);
}

/// The same, when the job takes its time: a sweep beside it does not leave the second task running.
#[test]
fn a_sweep_stops_the_second_task_of_a_job_that_goes_on() {
    let slow_reply = json!({ "slow_reply": { "seconds": 60 } });
    let manager = manager("200ms", &[slow(1, 1.5), run_task(2, &slow_reply)]);
    manager.prepare();
    assert_eq!(manager.aws.running().len(), 2);
    manager.start(&["reap"]).finish().exits(0);
    assert_eq!(standings(&manager), ["won", "stopped"]);
    assert_eq!(manager.aws.running().len(), 1);
    end(&manager);
}

#[test]
fn a_first_task_that_aws_loses_leaves_the_second_in_the_race() {
    let lost = json!({ "when": { "nth": 1 }, "effect": { "start_failure": { "at": "network" } } });
    let late = json!({ "when": { "nth": 2 }, "effect": { "listen_delay": { "seconds": 2 } } });
    let manager = manager("200ms", &[slow(1, 1.0), lost, late]);
    let said = manager.prepare().out();
    assert!(said.contains("The second task is ready"), "{said}");
    assert_eq!(manager.aws.calls("RunTask"), 2);
    assert_eq!(standings(&manager), ["stopped", "won"]);
    end(&manager);
}

#[test]
fn a_second_task_that_aws_loses_leaves_the_first_in_the_race() {
    let lost = json!({ "when": { "nth": 2 }, "effect": { "start_failure": { "at": "network" } } });
    let manager = manager("200ms", &[slow(1, 2.0), lost]);
    manager.prepare();
    assert_eq!(standings(&manager), ["won", "stopped"]);
    assert_eq!(manager.aws.calls("RunTask"), 2);
    assert!(!is_quiet(&manager));
    end(&manager);
}

/// Whether the bucket knows of a refusal.
pub(crate) fn is_quiet(manager: &ManagerHost) -> bool {
    let word = std::fs::read_to_string(manager.metadata().join("hedges.lock")).unwrap();
    let (_, refused_at) = word.split_once(' ').unwrap();
    refused_at.parse::<u64>().unwrap() > 0
}

#[test]
fn with_both_lost_another_one_follows() {
    let lost =
        json!({ "when": { "first": 2 }, "effect": { "start_failure": { "at": "network" } } });
    let manager = manager("200ms", &[slow(1, 1.0), slow(2, 1.5), lost]);
    let said = manager.prepare().out();
    assert!(said.contains("AWS could not start the task in"), "{said}");
    // On a busy machine this one may lag, too.
    let standings = standings(&manager);
    assert_eq!(standings[..2], ["stopped", "stopped"]);
    assert!(standings.contains(&"won".to_owned()), "{standings:?}");
    end(&manager);
}

#[test]
fn an_image_that_cannot_be_is_not_waited_for_twice() {
    let faults = [
        slow(1, 1.0),
        json!({ "when": { "nth": 1 }, "effect": { "exit": { "after_seconds": 0, "code": 3 } } }),
        slow(2, 2.0),
        json!({ "when": { "nth": 2 }, "effect": { "exit": { "after_seconds": 0, "code": 3 } } }),
    ];
    let manager = manager("200ms", &faults);
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["the job's container exited with status 3"]);
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
}

#[test]
fn a_job_may_do_without_a_second_task() {
    let mut manager = manager("200ms", &[slow(1, 1.5)]);
    let set = |value: &str| vec![("CUSTOM_ENV_FARGATE_HEDGE".to_owned(), value.to_owned())];
    manager.variables = set("false");
    let said = manager.prepare().out();
    assert!(
        said.contains("FARGATE_HEDGE: false") && !said.contains("second"),
        "{said}"
    );
    assert_eq!(manager.aws.calls("RunTask"), 1);
    manager.custom("cleanup").exits(0);
    // Its start counts for those of other jobs.
    let bucket = manager.metadata().join("hedges.lock");
    std::fs::remove_file(&bucket).unwrap();
    manager.variables = set("no");
    manager
        .custom("prepare")
        .exits(11)
        .complains(&["FARGATE_HEDGE is \"no\", but must be true or false"]);
    // The operator does without, and the job cannot ask for one.
    manager.variables = set("true");
    manager.configure("", "");
    manager.aws.faults(&json!({ "faults": [slow(1, 1.0)] }));
    manager.prepare();
    assert_eq!(manager.aws.calls("RunTask"), 2);
    end(&manager);
    assert!(!bucket.exists());
}

/// A line of the ledger for a start whose parts took these milliseconds.
fn line(number: u64, family: &str, parts: [u64; 3]) -> String {
    let begun = 1_795_950_000_000 + number * 1000;
    let ends = [parts[0], parts[0] + parts[1], parts.iter().sum()].map(|end| begun + end);
    let times = json!({ "created": begun, "addressed": ends[0], "pull_started": ends[1], "started": ends[2] });
    let task = json!({ "task": format!("{number:032x}"), "won": true, "facts": { "family": family, "times": times } });
    let entry = json!({ "kind": "job", "attempt": format!("a{number}"), "job_id": number, "project_id": 1, "at": begun,
        "outcome": { "kind": "success" }, "tasks": [task] });
    format!("{entry}\n")
}

#[test]
fn auto_knows_from_the_ledger_what_is_slow() {
    for (known, second) in [(19, false), (20, true)] {
        let manager = manager("auto", &[slow(1, 6.0)]);
        let folder = manager.metadata().join("ledger");
        std::fs::create_dir_all(&folder).unwrap();
        let mut lines: Vec<_> = (0..known)
            .map(|number| line(number, "test-task", [500, 100, 100]))
            .collect();
        // Others have other images.
        lines.extend((100..150).map(|number| line(number, "other", [60_000, 100, 100])));
        std::fs::write(folder.join("2026-11.jsonl"), lines.concat()).unwrap();
        let said = manager.prepare().out();
        let line =
            "The task lags, it usually has an address after 0.5 s: a second one starts in subnet-";
        assert_eq!(said.contains(line), second, "{known}: {said}");
        assert_eq!(manager.aws.calls("RunTask"), 1 + u64::from(second));
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}
