//! `fargate logs`: the story of jobs that run, are kept or are over, and the output of their containers.

use std::path::PathBuf;

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, follows_schema, ledger};

use crate::fargate;
use crate::job_image::manager_with;
use crate::job_services::service;

const KEYS: &str =
    "LogGroup = \"/ci/jobs\"\nExecutionRole = \"arn:aws:iam::000000000000:role/execution\"";

/// A manager whose job has one service.
fn with_service(script: &str) -> ManagerHost {
    let manager = manager_with(&json!({}), KEYS, "");
    manager.aws.create_log_group("/ci/jobs");
    let services = [service("db", script, None)];
    manager.ask(&json!({ "image": { "name": "a" }, "services": services }));
    manager.prepare();
    manager
}

fn logs(manager: &ManagerHost, arguments: &[&str]) -> String {
    let logs = manager.start(&[&["logs"], arguments].concat()).finish();
    logs.exits(0).out()
}

fn document(manager: &ManagerHost, subject: &str) -> Value {
    let document = serde_json::from_str(&logs(manager, &[subject, "--json"])).unwrap();
    follows_schema(&document, "logs.json");
    document
}

/// The events of an attempt, by name.
fn events(attempt: &Value) -> Vec<&str> {
    let events = attempt["events"].as_array().unwrap().iter();
    events
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

#[test]
fn a_job_that_runs_and_the_same_when_it_is_over() {
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.02);
    let repository = "https://x:glcbt-64_secret@gitlab.example.com/acme/shop.git";
    manager.ask(&json!({ "git_info": { "repo_url": repository } }));
    manager.prepare();
    manager.start_stage("get_sources", "true").finish().exits(0);
    manager.run("exit 3").exits(11);
    // The only one.
    let story = logs(&manager, &[]);
    let task = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, id) = task.rsplit_once('/').unwrap();
    for expected in [
        "job 4711 of acme/shop: unit tests\n  https://gitlab.example.com/acme/shop/-/jobs/4711\n",
        "AWS is asked for a task",
        &format!("AWS takes the request: task {id}, 0.25 vCPU, 0.5 GB, FARGATE, eu-west-1"),
        "its images are pulled",
        "its containers run",
        "the task takes scripts",
        "script get_sources begins",
        "script get_sources ends with status 0 after ",
        "script build_script ends with status 3 after ",
        "not known: the output of container ci-coordinator: its definition sends none to CloudWatch",
    ] {
        assert!(story.contains(expected), "{expected} in {story}");
    }
    let running = document(&manager, "4711");
    manager.custom("cleanup").exits(0);
    let over = document(&manager, "4711");
    assert_eq!(
        (
            &running["attempts"][0]["is_over"],
            &over["attempts"][0]["is_over"]
        ),
        (&json!(false), &json!(true))
    );
    let before = events(&running["attempts"][0]);
    assert_eq!(before[0], "asked");
    let after = events(&over["attempts"][0]);
    assert!(after.starts_with(&before), "{before:?}, {after:?}");
    assert!(
        after.contains(&"ended") && after.contains(&"stop_accepted"),
        "{after:?}"
    );
    let scripts = &ledger::entries(&manager)[0]["scripts"];
    let script = |number: usize| (&scripts[number]["stage"], &scripts[number]["status"]);
    assert_eq!(script(0), (&json!("get_sources"), &json!(0)));
    assert_eq!(script(1), (&json!("build_script"), &json!(3)));
    // By its task, too: as a whole, by its beginning, by its ARN.
    for subject in [id, &id.chars().take(8).collect::<String>(), &task] {
        assert_eq!(document(&manager, subject)["attempts"][0]["job_id"], 4711);
    }
    let text = logs(&manager, &["4711"]);
    assert!(
        text.contains("the job ends: a script failed with status 3"),
        "{text}"
    );
}

#[test]
fn what_containers_print_comes_page_by_page() {
    // More than a page, which has a thousand lines.
    let manager = with_service("seq -f 'line %g' 2500; printf '\\033[31mred\\n'; exec sleep 1000");
    manager.run("sleep 1").exits(0);
    let printed = logs(&manager, &["4711"]);
    let lines: Vec<_> = printed
        .lines()
        .filter(|line| line.contains(" [service-"))
        .collect();
    let (count, last) = (lines.len(), lines.last().unwrap());
    assert_eq!(count, 2501, "{last}");
    assert!(lines[0].ends_with("] line 1") && lines[2499].ends_with("] line 2500"));
    // A terminal does not obey it.
    assert!(last.ends_with("] \\u{1b}[31mred"), "{last}");
    let document = document(&manager, "4711");
    let containers = document["containers"].as_array().unwrap();
    let db = containers
        .iter()
        .find(|one| one["lines"].as_array().unwrap().len() > 1000);
    let db = db.unwrap();
    assert_eq!(
        (
            db["lines"].as_array().unwrap().len(),
            &db["is_whole"],
            &db["lines"][2500]["message"]
        ),
        (2501, &json!(true), &json!("\u{1b}[31mred"))
    );
}

#[test]
fn following_ends_when_the_task_has_stopped() {
    let manager = with_service("echo hello; exec sleep 1000");
    let mut following = manager.start(&["logs", "--follow", "4711"]);
    following.read_until("] hello\n");
    let before = manager.aws.calls("DescribeTasks") + manager.aws.calls("GetLogEvents");
    manager.run("sleep 4").exits(0);
    following.read_until("script build_script ends with status 0");
    let calls = manager.aws.calls("DescribeTasks") + manager.aws.calls("GetLogEvents") - before;
    assert!(calls < 30, "{calls} calls in some seconds");
    manager.custom("cleanup").exits(0);
    let rest = following.finish().exits(0).out();
    assert!(rest.contains("the job ends: it succeeded"), "{rest}");
    assert!(rest.contains("it has stopped"), "{rest}");
    assert!(!rest.contains("] hello"), "nothing comes twice: {rest}");
}

#[test]
fn what_is_refused_is_told_and_the_story_stands() {
    let manager = with_service("echo hello; exec sleep 1000");
    let denied =
        |operation| json!({ "when": { "operation": operation }, "effect": "access_denied" });
    manager
        .aws
        .faults(&json!({ "faults": [denied("GetLogEvents"), denied("DescribeTasks")] }));
    let printed = logs(&manager, &["4711"]);
    assert!(printed.contains("the task takes scripts"), "{printed}");
    for action in ["ecs:DescribeTasks", "logs:GetLogEvents"] {
        assert!(
            printed
                .lines()
                .any(|line| line.starts_with("not known: ") && line.contains(action)),
            "{action} in {printed}"
        );
    }
}

#[test]
fn a_task_that_failed_to_start_tells_why_for_each_attempt() {
    let reason =
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found";
    let effect =
        json!({ "start_failure": { "at": "pull", "reason": reason, "container_reason": reason } });
    let faults = json!({ "faults": [{ "effect": effect }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    for _ in 0..2 {
        manager.custom("prepare").exits(22);
        manager.custom("cleanup").exits(0);
    }
    let printed = logs(&manager, &["4711"]);
    for expected in [
        "job 4711 of acme/shop: unit tests (attempt 1 of 2)",
        "(attempt 2 of 2)",
        "AWS begins to stop it: CannotPullContainerError",
        "the job ends: the system failed: ",
    ] {
        assert!(printed.contains(expected), "{expected} in {printed}");
    }
}

#[test]
fn a_subject_has_to_be_known_and_one() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    let none = manager.start(&["logs"]).finish().exits(2);
    none.complains(&["no job of this manager waits or runs"]);
    let unknown = manager.start(&["logs", "4711"]).finish().exits(2);
    unknown.complains(&["job 4711 is not known", "fargate ps"]);
    // In a runner's environment, whose code this is.
    let path = manager
        .start(&["logs", "../../etc/passwd"])
        .finish()
        .exits(22);
    path.complains(&["neither a job's id nor a task's"]);
    manager.prepare();
    manager.next_job();
    manager.prepare();
    let several = manager.start(&["logs"]).finish().exits(2);
    several.complains(&["2 jobs wait or run: name one", "job 4712 of acme/shop"]);
}

/// Registers the next revision of the manager's task definition, whose output goes to this group.
fn register_with_logs(manager: &ManagerHost, group: &str) {
    manager.aws.create_log_group(group);
    let options = json!({ "awslogs-group": group, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ci" });
    manager.aws.call(
        "RegisterTaskDefinition",
        &json!({
            "family": "test-task", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
            "containerDefinitions": [{ "name": "ci-coordinator", "image": "registry.example.com/ci:1", "essential": true,
                "portMappings": [{ "containerPort": 2222 }],
                "logConfiguration": { "logDriver": "awslogs", "options": options } }],
        }),
    );
}

#[test]
fn the_output_of_a_job_that_is_over_is_where_its_revision_sent_it() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    register_with_logs(&manager, "/ci/old");
    manager.prepare();
    manager.custom("cleanup").exits(0);
    register_with_logs(&manager, "/ci/new");
    // AWS has forgotten the task.
    let denied = json!({ "when": { "operation": "DescribeTasks" }, "effect": "access_denied" });
    manager.aws.faults(&json!({ "faults": [denied] }));
    let group = |document: &Value| document["containers"][0]["log_group"].clone();
    assert_eq!(group(&document(&manager, "4711")), "/ci/old");
    // A line of an older driver.
    let file = ledger_file(&manager);
    let text = std::fs::read_to_string(&file).unwrap();
    let old = text.replace("\"revision\":2,", "");
    assert_ne!(old, text);
    std::fs::write(&file, old).unwrap();
    let document = document(&manager, "4711");
    assert_eq!(group(&document), "/ci/new");
    let unasked = document["unasked"].to_string();
    assert!(
        unasked.contains("which revision of test-task task "),
        "{unasked}"
    );
}

/// The only month of a manager's ledger.
fn ledger_file(manager: &ManagerHost) -> PathBuf {
    let folder = std::fs::read_dir(manager.metadata().join("ledger")).unwrap();
    let mut files = folder.map(|file| file.unwrap().path());
    files.next().unwrap()
}

#[test]
fn a_task_that_was_kept_into_the_next_month_has_its_whole_story() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("KeepFailedFor = \"1h\"", "");
    manager.prepare();
    manager.run("exit 3").exits(11);
    manager.custom("cleanup").exits(0);
    manager.start(&["reap", "--kept"]).finish().exits(0);
    let file = ledger_file(&manager);
    let lines = std::fs::read_to_string(&file).unwrap();
    let (job, kept) = lines.split_once('\n').unwrap();
    assert!(kept.starts_with("{\"kind\":\"kept\""), "{kept}");
    std::fs::write(&file, kept).unwrap();
    std::fs::write(file.with_file_name("2001-01.jsonl"), format!("{job}\n")).unwrap();
    let document = document(&manager, "4711");
    let attempts = document["attempts"].as_array().unwrap();
    let [attempt] = &attempts[..] else {
        panic!("{document:#}")
    };
    let events = events(attempt);
    assert!(
        events.contains(&"script_ended") && events.contains(&"stop_accepted"),
        "{events:?}"
    );
}
