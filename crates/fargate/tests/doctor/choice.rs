//! `--only` and `--skip`: what they build on, what they leave out, and what is out of reach.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::set_up::{Change, Manager};

const OF_AWS: [&str; 6] = ["identity", "cluster", "task", "network", "quotas", "images"];

fn changed(change: Value) -> Manager {
    Manager::with(&serde_json::from_value(change).unwrap())
}

#[test]
fn a_category_without_what_it_builds_on_is_skipped_with_the_reason_and_is_no_success() {
    let broken = json!({ "fargate": [["Region = \"eu-west-1\"\n", ""]] });
    let expired = json!({ "faults": [{ "when": { "operation": "GetCallerIdentity" }, "effect": "expired_credentials" }] });
    for (change, fault, reason) in [
        (
            broken,
            "Fargate.Region is missing",
            "fargate.toml cannot be used",
        ),
        (
            expired,
            "credentials",
            "there are no credentials that AWS takes: ",
        ),
    ] {
        let manager = changed(change);
        for category in OF_AWS {
            let outcome = manager.doctor(&["--only", category]);
            let page = outcome.out();
            assert_eq!(outcome.code, Some(1), "{category}: {page}");
            assert!(
                page.contains("✗ ") && page.contains(fault),
                "{category}: {page}"
            );
            if category != "identity" {
                assert!(
                    page.contains("skipped: ") && page.contains(reason),
                    "{category}: {page}"
                );
            }
        }
        // Other categories are judged without it.
        assert_eq!(manager.doctor(&["--only", "runner"]).code, Some(0));
    }
}

#[test]
fn aws_out_of_reach_fails_the_categories_that_ask_it() {
    let nowhere = json!([["Endpoint =", "Endpoint = \"http://127.0.0.1:1\" #"]]);
    let manager = changed(json!({ "fargate": nowhere }));
    for arguments in [
        ["--skip", "identity"],
        ["--only", "network"],
        ["--only", "identity"],
    ] {
        let outcome = manager.doctor(&arguments);
        let page = outcome.out();
        assert_eq!(outcome.code, Some(1), "{page}");
        assert!(page.contains("✗ credentials"), "{page}");
    }
}

#[test]
fn a_doctor_that_could_judge_nothing_does_not_succeed() {
    let denied = json!({ "resources": { "denied": ["ecs:DescribeClusters"] } });
    for (change, arguments) in [
        (denied, &["--only", "cluster"][..]),
        (json!({}), &["--only", "start"]),
        (json!({}), &["--only", "cluster", "--skip", "cluster"]),
    ] {
        let outcome = changed(change).doctor(arguments);
        let page = outcome.out();
        assert_eq!(outcome.code, Some(1), "{page}");
        assert!(
            page.contains("Nothing could be checked: 0 passed"),
            "{page}"
        );
    }
}

#[test]
fn without_sts_all_else_is_judged_and_comes_first() {
    let late = json!({ "when": { "operation": "GetCallerIdentity" }, "effect": { "slow_reply": { "seconds": 20.0 } } });
    let manager = changed(json!({ "faults": [late] }));
    let begun = Instant::now();
    let outcome = manager.doctor(&["--json"]);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let document: Value = serde_json::from_str(&outcome.out()).unwrap();
    let checks = document["checks"].as_array().unwrap();
    let status = |id: &str| {
        let mut known = checks.iter();
        known
            .find(|check| check["id"] == id)
            .map(|check| check["status"].as_str().unwrap())
    };
    assert_eq!(outcome.code, Some(0), "{checks:#?}");
    for (id, expected) in [
        ("credentials", "warn"),
        ("account", "skip"),
        ("permissions", "skip"),
        ("execution-role", "skip"),
        ("service-linked-role", "pass"),
        ("cluster", "pass"),
        ("task-definition", "pass"),
        ("subnets", "pass"),
        ("ssh-in", "pass"),
        ("vcpu-quota", "pass"),
        ("images", "pass"),
    ] {
        assert_eq!(status(id), Some(expected), "{id}: {checks:#?}");
    }
    let page = manager.doctor(&[]).out();
    let at = |title: &str| {
        page.find(title)
            .unwrap_or_else(|| panic!("no {title}: {page}"))
    };
    assert!(
        at("\nImages, logs and secrets\n") < at("\nAWS identity and permissions\n"),
        "{page}"
    );
    // Nobody waits for it without need.
    let begun = Instant::now();
    assert_eq!(manager.doctor(&["--only", "network"]).code, Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn what_is_left_out_is_not_asked_for() {
    let manager = Manager::with(&Change::default());
    assert_eq!(
        manager
            .doctor(&[
                "--only",
                "machine",
                "--only",
                "configuration",
                "--only",
                "runner"
            ])
            .code,
        Some(0)
    );
    assert_eq!(
        (
            manager.calls("GetCallerIdentity"),
            manager.calls("DescribeClusters")
        ),
        (0, 0)
    );
    let (started, registered) = (
        manager.calls("RunTask"),
        manager.calls("RegisterTaskDefinition"),
    );
    assert_eq!(
        manager.doctor(&["--probe", "--skip", "identity"]).code,
        Some(0)
    );
    assert_eq!(
        (manager.calls("RunTask"), manager.calls("StopTask")),
        (started, 0)
    );
    assert_eq!(manager.calls("RegisterTaskDefinition"), registered);
    assert_eq!(
        (
            manager.calls("GetRole"),
            manager.calls("SimulatePrincipalPolicy")
        ),
        (0, 0)
    );
    let subnets = manager.calls("DescribeSubnets");
    assert!(subnets >= 1);
    assert_eq!(manager.doctor(&["--only", "images"]).code, Some(0));
    assert_eq!(manager.calls("DescribeSubnets"), subnets);
}

#[test]
fn what_several_categories_need_is_asked_for_once() {
    let manager = Manager::with(&Change::default());
    let before = manager.calls("DescribeTaskDefinition");
    assert_eq!(manager.doctor(&[]).code, Some(0));
    assert_eq!(manager.calls("DescribeTaskDefinition"), before + 1);
    assert_eq!(
        (
            manager.calls("GetCallerIdentity"),
            manager.calls("DescribeClusters")
        ),
        (1, 1)
    );
}

#[test]
fn a_slow_gitlab_runner_is_not_missing_and_takes_no_time_of_awss() {
    let late = json!({ "when": { "operation": "DescribeClusters" }, "effect": { "slow_reply": { "seconds": 2.5 } } });
    let manager = changed(json!({ "version": "exec sleep 20", "faults": [late] }));
    let begun = Instant::now();
    let (checks, code) = manager.checks();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let check = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert_eq!(check("runner-lint")["status"], "skip");
    assert_eq!(
        check("runner-lint")["found"],
        "gitlab-runner --version did not answer in 2 s"
    );
    assert_eq!(
        (&check("cluster")["status"], code),
        (&json!("pass"), Some(0))
    );
    let manager = changed(json!({ "environment": { "PATH": "FOLDER/metadata" } }));
    let page = manager.doctor(&["--only", "runner"]).out();
    assert!(
        page.contains("skipped: gitlab-runner is not on the path"),
        "{page}"
    );
}
