//! Commits and tags as people make them. `runner::job_variables` tests the whole table.

use super::*;
use crate::file::JobDefinition;
use crate::server::RunnerIdentity;

fn variables(checkout: &Checkout) -> Variables {
    let definition = JobDefinition::parse("unit tests: {script: [a]}", None).unwrap();
    predefined_variables(&JobOrigin {
        id: 7,
        pipeline: 5,
        definition: &definition,
        checkout,
        file: ".gitlab-ci.yml",
        runner: RunnerIdentity {
            description: "a runner",
            short_token: "token",
        },
    })
}

fn with_message(message: &str) -> Checkout {
    Checkout {
        project: "acme/shop".into(),
        reference: "v1".into(),
        commit: Some(Commit {
            sha: "3f786850e387550fdab836ed7e6dc881de23001b".into(),
            message: message.into(),
            ..Commit::default()
        }),
        ..Checkout::default()
    }
}

/// Documentation, "Predefined CI/CD variables": a merge request's pipeline has no `CI_COMMIT_BRANCH`.
#[test]
fn the_pipeline_of_a_merge_request_has_its_variables() {
    let checkout = Checkout {
        reference: "topic/One".into(),
        default_branch: "trunk".into(),
        ..with_message("Title\n\nMore of it")
    };
    let value = |source: &str, name: &str| {
        let all = pipeline_variables(&checkout, "f", source);
        all.get(name).map(|variable| variable.value.clone())
    };
    for (name, in_push, in_merge_request) in [
        ("CI_COMMIT_BRANCH", Some("topic/One"), None),
        ("CI_COMMIT_REF_NAME", Some("topic/One"), Some("topic/One")),
        ("CI_MERGE_REQUEST_IID", None, Some("1")),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", None, Some("trunk")),
        (
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            None,
            Some("topic/One"),
        ),
        ("CI_MERGE_REQUEST_TITLE", None, Some("Title")),
        (
            "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH",
            None,
            Some("acme/shop"),
        ),
    ] {
        assert_eq!(value("push", name).as_deref(), in_push, "{name}");
        assert_eq!(
            value("merge_request_event", name).as_deref(),
            in_merge_request,
            "{name}"
        );
    }
    let sources = [
        Variable::new("CI_PIPELINE_SOURCE", "web"),
        Variable::new("CI_PIPELINE_SOURCE", "schedule"),
    ];
    assert_eq!((source(&sources), source(&[])), ("schedule", "push"));
}

#[test]
fn a_tag_has_no_branch() {
    let tagged = Checkout {
        tag: Some(crate::checkout::Tag {
            name: "v1".into(),
            message: "First".into(),
        }),
        ..with_message("Title")
    };
    let all = variables(&tagged);
    for (key, value) in [
        ("CI_COMMIT_TAG", Some("v1")),
        ("CI_COMMIT_TAG_MESSAGE", Some("First")),
        ("CI_COMMIT_REF_NAME", Some("v1")),
        ("CI_COMMIT_BRANCH", None),
        (
            "CI_CONFIG_REF_URI",
            Some("gitlab.invalid/acme/shop//.gitlab-ci.yml@refs/tags/v1"),
        ),
        // GitLab's zeros for a first commit.
        (
            "CI_COMMIT_BEFORE_SHA",
            Some("0000000000000000000000000000000000000000"),
        ),
    ] {
        let known = all.get(key).map(|variable| variable.value.as_str());
        assert_eq!(known, value, "{key}");
    }
}

#[test]
fn a_message_is_described_and_shortened_as_gitlab_does_it() {
    let title = "t".repeat(99);
    let long = "t".repeat(100);
    for (message, description) in [
        ("Title", ""),
        ("Title\n\nMore", "\nMore"),
        (&format!("{title}\nMore"), "More"),
        (&format!("{long}\nMore"), &format!("{long}\nMore")),
    ] {
        let all = variables(&with_message(message));
        assert_eq!(all.value("CI_COMMIT_DESCRIPTION"), description, "{message}");
        assert_eq!(all.value("CI_COMMIT_MESSAGE_IS_TRUNCATED"), "false");
    }
    let all = variables(&with_message(&format!("x{}", "é".repeat(60_000))));
    assert_eq!(all.value("CI_COMMIT_MESSAGE_IS_TRUNCATED"), "true");
    assert_eq!(all.value("CI_COMMIT_MESSAGE").len(), 99_999);
    assert_eq!(all.value("CI_COMMIT_TITLE").len(), 99_999);
}
