//! Against the names that GitLab sends, and a commit as people make them.

use super::*;
use crate::file::JobDefinition;
use crate::server::RunnerIdentity;

fn variables(checkout: &Checkout) -> Variables {
    let definition = JobDefinition::parse(
        "stages: [check]\nunit tests: {stage: check, script: [a]}",
        None,
    )
    .unwrap();
    gitlab_variables(&JobOrigin {
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

fn checkout() -> Checkout {
    Checkout {
        project: "acme/tools/shop".into(),
        reference: "topic/One".into(),
        default_branch: "trunk".into(),
        commit: Some(Commit {
            sha: "3f786850e387550fdab836ed7e6dc881de23001b".into(),
            message: "Title\n\nMore of it".into(),
            ..Commit::default()
        }),
        ..Checkout::default()
    }
}

/// The names of the table, and whether a local run has them.
fn names() -> Vec<(&'static str, bool)> {
    let lines = include_str!("../predefined_names.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(" absent: ") {
            Some((name, _)) => (name, false),
            None => (line, true),
        })
        .collect()
}

#[test]
fn a_job_has_the_variables_that_gitlab_sends() {
    let all = variables(&checkout());
    let names = names();
    assert!(names.len() > 90);
    for (name, is_sent) in &names {
        assert_eq!(
            all.iter().any(|variable| variable.key == *name),
            *is_sent,
            "{name}"
        );
    }
    for variable in all.iter() {
        assert!(
            names.contains(&(variable.key.as_str(), true)),
            "{} is in no table",
            variable.key
        );
    }
}

#[test]
fn values_have_the_form_of_gitlabs() {
    let all = variables(&checkout());
    for (key, value) in [
        ("CI_SERVER_FQDN", "gitlab.invalid"),
        (
            "CI_REGISTRY_IMAGE",
            "registry.gitlab.invalid/acme/tools/shop",
        ),
        ("CI_PROJECT_ROOT_NAMESPACE", "acme"),
        ("CI_PROJECT_NAMESPACE_SLUG", "acme-tools"),
        ("CI_DEFAULT_BRANCH", "trunk"),
        ("CI_COMMIT_BRANCH", "topic/One"),
        ("CI_COMMIT_REF_SLUG", "topic-one"),
        ("CI_COMMIT_SHORT_SHA", "3f786850"),
        (
            "CI_COMMIT_BEFORE_SHA",
            "0000000000000000000000000000000000000000",
        ),
        ("CI_COMMIT_DESCRIPTION", "\nMore of it"),
        ("CI_JOB_GROUP_NAME", "unit tests"),
        ("CI_JOB_ID", "7"),
        ("CI_PIPELINE_ID", "5"),
        (
            "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX",
            "gitlab.invalid:443/acme/tools/dependency_proxy/containers",
        ),
        (
            "CI_CONFIG_REF_URI",
            "gitlab.invalid/acme/tools/shop//.gitlab-ci.yml@refs/heads/topic/One",
        ),
    ] {
        assert_eq!(all.value(key), value, "{key}");
    }
}

#[test]
fn a_tag_has_no_branch() {
    let tagged = Checkout {
        reference: "v1".into(),
        tag: Some(crate::checkout::Tag {
            name: "v1".into(),
            message: "First".into(),
        }),
        ..checkout()
    };
    let all = variables(&tagged);
    assert_eq!(
        (
            all.value("CI_COMMIT_TAG"),
            all.value("CI_COMMIT_TAG_MESSAGE")
        ),
        ("v1", "First")
    );
    assert!(
        all.iter()
            .all(|variable| variable.key != "CI_COMMIT_BRANCH")
    );
}
