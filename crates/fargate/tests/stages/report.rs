//! `fargate report`, from the ledger that real stages leave.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, follows_schema};

use crate::fargate;

/// A host that has run a job that succeeded and one that failed.
fn host() -> ManagerHost {
    let mut manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.02);
    for (script, code) in [("true", 0), ("exit 3", 11)] {
        manager.prepare();
        manager.run(script).exits(code);
        manager.custom("cleanup").exits(0);
        manager.next_job();
    }
    manager
}

#[test]
fn a_report_of_real_jobs() {
    let manager = host();
    let tables = manager.start(&["report"]).finish().exits(0).out();
    for expected in [
        "2 attempts at jobs since ",
        "1 succeeded, 1 script failed",
        "until scripts run",
        "registry.example.com/ci:1",
        "exit status 3",
        "acme/shop",
        "Prices of ",
    ] {
        assert!(tables.contains(expected), "{expected} in {tables}");
    }
    assert!(!tables.contains('\u{1b}'), "{tables}");
    let document = manager.start(&["report", "--json"]).finish().exits(0).out();
    let document: Value = serde_json::from_str(&document).unwrap();
    follows_schema(&document, "report.json");
    assert_eq!(
        document["outcomes"],
        json!({ "success": 1, "script_failed": 1 })
    );
    let phases = document["starts"]["phases"].as_array().unwrap();
    let names: Vec<_> = phases
        .iter()
        .map(|phase| phase["phase"].as_str().unwrap())
        .collect();
    let all = [
        "placement",
        "machine",
        "network",
        "pull",
        "start",
        "first_script",
        "whole",
    ];
    assert_eq!(names, all);
    // Two tasks of 0.25 vCPU, a minute each at least.
    let vcpu_hours = document["cost"]["total"]["vcpu_hours"].as_f64().unwrap();
    assert!(
        (0.25 / 30.0..0.25 / 15.0).contains(&vcpu_hours),
        "{document:#}"
    );
    let usd = document["cost"]["projects"][0]["usd"].as_f64().unwrap();
    assert!(usd > 0.0, "{document:#}");
    assert_eq!(document["failures"][0]["cause"], "exit status 3");
}

#[test]
fn metrics_and_a_picture_are_files() {
    let manager = host();
    let (metrics, picture) = (manager.path("fargate.prom"), manager.path("report.svg"));
    let arguments = [
        "report",
        "--metrics",
        metrics.to_str().unwrap(),
        "--plot",
        picture.to_str().unwrap(),
    ];
    let printed = manager.start(&arguments).finish().exits(0).out();
    assert_eq!(printed, "");
    let text = std::fs::read_to_string(&metrics).unwrap();
    for line in [
        "fargate_attempts_total{outcome=\"success\"} 1",
        "fargate_start_duration_seconds_count{phase=\"whole\"} 2",
        "fargate_tasks_total{provider=\"FARGATE\",result=\"won\"} 2",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    // Of node_exporter's user.
    assert_eq!(
        metrics.metadata().unwrap().permissions().mode() & 0o777,
        0o644
    );
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(
        picture.starts_with("<svg ") && picture.contains("acme/shop"),
        "{picture}"
    );
}

#[test]
fn a_report_of_nothing_says_so() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let printed = manager.start(&["report"]).finish().exits(0).out();
    assert!(printed.starts_with("No job has ended since "), "{printed}");
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&format!("{text}\n[Report]\nPrices = \"none.toml\"\n"));
    manager
        .start(&["report"])
        .finish()
        .exits(1)
        .complains(&["none.toml"]);
}
