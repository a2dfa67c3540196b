//! The variables of a job as a whole, against GitLab's table of them.

use super::*;
use crate::checkout::{Checkout, Commit, User};
use crate::file::JobDefinition;
use crate::server::{JobOrigin, RunnerIdentity, sent_variables};
use crate::variables::Variable;

/// The job of `tests/predefined_variables.txt`.
const JOB: &str = "
stages: [check]
unit tests:
  stage: check
  image: ruby:3.3
  parallel: 2
  when: manual
  environment: {name: review/One, url: 'https://$CI_ENVIRONMENT_SLUG.example'}
  script: [a]
";

fn checkout() -> Checkout {
    Checkout {
        project: "acme/tools/shop".into(),
        reference: "topic/One".into(),
        default_branch: "trunk".into(),
        base: Some("7448d8798a4380162d4b56f9b452e2f6f9e24e7a".into()),
        commit: Some(Commit {
            sha: "3f786850e387550fdab836ed7e6dc881de23001b".into(),
            parent: "89e6c98d92887913cadf06b2adb97f26cde4849b".into(),
            author: "Ann <ann@example.com>".into(),
            timestamp: "2026-07-31T19:38:51+02:00".into(),
            message: "Title\n\nMore of it".into(),
        }),
        user: User {
            name: "Ann".into(),
            email: "ann@example.com".into(),
        },
        ..Checkout::default()
    }
}

fn of_the_table() -> Variables {
    let definition = JobDefinition::parse(JOB, Some("unit tests 1/2")).unwrap();
    let origin = JobOrigin {
        id: 7,
        pipeline: 5,
        definition: &definition,
        checkout: &checkout(),
        file: ".gitlab-ci.yml",
        runner: RunnerIdentity {
            description: "a runner",
            short_token: "token",
        },
    };
    let facts = RunnerFacts {
        short_token: "token",
        image: definition.image.as_ref().map(|image| image.name.as_str()),
        timeout: definition.timeout,
        paths: &BuildPaths {
            builds: "/builds".into(),
            project: "/builds/acme/tools/shop".into(),
        },
        status: "running",
    };
    job_variables(&sent_variables(&origin, []).unwrap(), &facts)
}

/// Whether a variable has the value of the table.
fn fits(value: &str, expected: &str) -> bool {
    let time = |text: &str| humantime::parse_rfc3339(text).is_ok();
    match expected {
        "<time>" => time(value),
        "<slug of a time>" => value.len() == 20 && value.starts_with("20") && value.ends_with('z'),
        "<login>" => !value.is_empty(),
        "<architecture>" => matches!(value, "linux/amd64" | "linux/arm64"),
        text => {
            let text = text.replace("<no token>", "a-local-run-has-no-job-token");
            value == text.replace("\\n", "\n")
        }
    }
}

#[test]
fn a_job_has_the_variables_that_gitlab_documents() {
    let all = of_the_table();
    let table = include_str!("../../../tests/predefined_variables.txt").lines();
    let table = table.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut names = std::collections::BTreeSet::new();
    for line in table {
        let known = |name: &str| all.get(name).map(|variable| variable.value.clone());
        if let Some((name, reason)) = line.split_once(" absent: ") {
            assert!(!reason.is_empty() && names.insert(name), "{line}");
            assert_eq!(known(name), None, "{line}");
            continue;
        }
        let (name, expected) = line.split_once(" =").unwrap();
        let value = known(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(fits(&value, expected.trim_start()), "{line}: {value:?}");
        assert!(names.insert(name), "{line}");
    }
    assert!(names.len() > 170, "{}", names.len());
    for variable in all.iter() {
        let name = variable.key.as_str();
        let is_known = names.contains(name) || name.starts_with("FF_");
        assert!(is_known, "{name} is in no table");
    }
}

#[test]
fn the_runners_variables_come_before_and_after_the_jobs() {
    let mut sent = Variables::default();
    sent.extend([
        Variable::new("CI_RUNNER_SHORT_TOKEN", "mine"),
        Variable::new("CI_RUNNER_VERSION", "mine"),
        Variable::new("OUT", "$CI_PROJECT_DIR/out"),
    ]);
    let paths = BuildPaths {
        builds: "/builds".into(),
        project: "/builds/a/b".into(),
    };
    let facts = RunnerFacts {
        short_token: "token",
        image: Some("debian:12"),
        timeout: Duration::from_secs(60),
        paths: &paths,
        status: "running",
    };
    let all = job_variables(&sent, &facts);
    for (key, value) in [
        ("CI_RUNNER_SHORT_TOKEN", "mine"),
        ("CI_RUNNER_VERSION", RUNNER_VERSION),
        ("OUT", "/builds/a/b/out"),
        ("RUNNER_TEMP_PROJECT_DIR", "/builds/a/b.tmp"),
        ("CI_JOB_IMAGE", "debian:12"),
        ("CI_JOB_TIMEOUT", "60"),
    ] {
        assert_eq!(all.value(key), value, "{key}");
    }
    // Before `config` has answered, paths are unknown.
    let early = RunnerFacts {
        image: None,
        paths: &BuildPaths::default(),
        ..facts
    };
    let early = job_variables(&sent, &early);
    assert_eq!(early.value("RUNNER_TEMP_PROJECT_DIR"), ".tmp");
    assert!(early.iter().all(|variable| variable.key != "CI_JOB_IMAGE"));
}
