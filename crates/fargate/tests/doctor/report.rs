//! The report: its lines, its document, its exit codes.

use serde_json::json;
use testing::Terminal;

use crate::set_up::{Change, Manager};

fn changed(change: serde_json::Value) -> Manager {
    Manager::with(&serde_json::from_value(change).unwrap())
}

#[test]
fn a_failing_check_has_what_was_found_the_fix_and_its_paragraph() {
    let manager = changed(json!({ "runner": [["cache_dir = \"/cache\"", ""]] }));
    let outcome = manager.doctor(&["--only", "runner"]);
    assert_eq!(outcome.code, Some(1));
    let page = outcome.out();
    assert!(
        page.starts_with("GitLab Runner\n  ✓ config.toml "),
        "{page}"
    );
    let lines = "  ✗ builds_dir, cache_dir      jobs: cache_dir is not set\n      \
                 fix  Name a folder of tasks in [[runners]] of jobs; the custom executor has no default:\n             \
                 cache_dir = \"/cache\"\n      docs docs/doctor.md#runner-folders\n";
    assert!(page.contains(lines), "{page}");
    assert!(page.ends_with("\n\n1 check failed, 13 passed.\n"), "{page}");
    // Standard output is no terminal here.
    assert!(
        !page.contains('\u{1b}') && outcome.err().is_empty(),
        "{page}"
    );
}

#[test]
fn warnings_do_not_fail() {
    let manager = changed(json!({ "runner": [["shutdown_timeout = 120\n", ""]] }));
    let outcome = manager.doctor(&[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.out());
    assert!(outcome.out().contains("1 warning, "), "{}", outcome.out());
}

#[test]
fn a_terminal_shows_that_doctor_waits_for_aws() {
    let slow = json!({ "when": { "operation": "DescribeClusters" }, "effect": { "slow_reply": { "seconds": 2.0 } } });
    let manager = changed(json!({ "faults": [slow] }));
    let call = manager.command(&["--only", "cluster"]);
    let mut terminal = Terminal::start(&call, 100, 40);
    terminal.shows("Asking AWS … 1 s");
    terminal.shows("\r\u{1b}[K");
    terminal.shows("capacity strategy");
    assert_eq!(terminal.ends(), Some(0));
    // Nothing of it where nobody looks.
    assert!(manager.doctor(&["--only", "cluster"]).err().is_empty());
}

#[test]
fn categories_are_chosen_and_left_out() {
    let manager = Manager::with(&Change::default());
    let headings = |arguments: &[&str]| {
        let page = manager.doctor(arguments).out();
        let lines = page
            .lines()
            .filter(|line| !line.starts_with(' ') && !line.ends_with('.'));
        lines
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(
        headings(&["--only", "runner", "--only", "machine"]),
        "This machine; GitLab Runner"
    );
    let rest = headings(&["--skip", "runner", "--skip", "machine"]);
    assert!(
        rest.starts_with("Configuration; AWS identity and permissions"),
        "{rest}"
    );
    let wrong = manager.doctor(&["--only", "weather"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err());
}

#[test]
fn before_anything_is_installed_missing_files_are_no_fault() {
    let missing = json!({ "missing": ["fargate.toml", "config.toml", "metadata"], "environment": { "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1" } });
    let manager = changed(missing.clone());
    let outcome = manager.doctor(&["--pre", "--skip", "identity"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.out());
    assert!(
        outcome.out().contains("config.toml is not there yet"),
        "{}",
        outcome.out()
    );
    // Afterwards they are.
    assert_eq!(manager.doctor(&["--skip", "identity"]).code, Some(1));
    // AWS is asked in any case.
    let outcome = manager.doctor(&["--pre", "--only", "identity"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.out());
}

#[test]
fn the_configuration_is_the_one_that_gitlab_runner_names() {
    let manager = Manager::with(&Change::default());
    let outcome = std::process::Command::new(crate::fargate())
        .args(["doctor", "--only", "configuration", "--runner-config"])
        .arg(manager.path("config.toml"))
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let file = manager.path("fargate.toml").display().to_string();
    assert!(page.contains(&file), "{page}");
}
