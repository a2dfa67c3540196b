//! `only` and `except`, and the default of a job without `rules`.

use super::outcomes::{pushed, with};

const PUSH: &[(&str, &str)] = &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")];
const TAG: &[(&str, &str)] = &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1.2")];
const MERGE_REQUEST: &[(&str, &str)] = &[
    ("CI_PIPELINE_SOURCE", "merge_request_event"),
    ("CI_COMMIT_BRANCH", "main"),
];
const SCHEDULE: &[(&str, &str)] = &[
    ("CI_PIPELINE_SOURCE", "schedule"),
    ("CI_COMMIT_BRANCH", "main"),
];

/// Documentation, "`only` / `except`", `Policy::Refs` and its tests, and `Entry::Policy`.
#[test]
fn only_and_except_decide_as_gitlab_does() {
    for (policy, [push, tag, merge_request, schedule]) in [
        ("tags: []", [true, true, false, true]),
        ("only: [main]", [true, false, false, true]),
        ("only: [tags]", [false, true, false, false]),
        ("only: [branches]", [true, false, false, true]),
        ("only: [pushes]", [true, true, false, false]),
        ("only: [push]", [true, true, false, false]),
        ("only: [schedules, web]", [false, false, false, true]),
        ("only: [merge_requests]", [false, false, true, false]),
        ("only: [merge_request]", [false, false, true, false]),
        ("only: [merge_request_events]", [false, false, false, false]),
        ("only: [/^ma/]", [true, false, false, true]),
        ("only: ['/^(ma|v/)/']", [true, false, false, true]),
        ("only: [/^MA/i, merge_requests]", [true, false, true, true]),
        ("only: ['/^v[0-9.]+$/']", [false, true, false, false]),
        (
            "only: ['/^ma/@gitlab-org/gitlab']",
            [true, false, false, true],
        ),
        ("only: [main@gitlab-org/gitlab]", [true, false, false, true]),
        ("only: ['/(?!x)/']", [false; 4]),
        ("only: {refs: [main], variables: [$UNDEFINED]}", [false; 4]),
        (
            "only: {variables: [$UNDEFINED, $CI_PIPELINE_SOURCE]}",
            [true, true, false, true],
        ),
        ("only: {changes: [a]}", [true, true, false, true]),
        (
            "only: {refs: [main], changes: [a]}",
            [true, false, false, true],
        ),
        ("except: [main]", [false, true, false, false]),
        ("except: [tags]", [true, false, false, true]),
        ("except: [pushes]", [false, false, false, true]),
        ("except: {changes: [a]}", [true, false, false, false]),
        (
            "except: {refs: [tags], variables: [$CI_COMMIT_BRANCH]}",
            [false; 4],
        ),
        (
            "only: [merge_requests], except: [main]",
            [false, false, true, false],
        ),
        ("rules: ", [true; 4]),
        ("rules: [{if: $CI_PIPELINE_SOURCE}]", [true; 4]),
    ] {
        for (source, runs) in [
            (PUSH, push),
            (TAG, tag),
            (MERGE_REQUEST, merge_request),
            (SCHEDULE, schedule),
        ] {
            let job = with(source, &format!("job: {{script: x, {policy}}}"));
            assert_eq!(
                job.when() != "never",
                runs,
                "{policy} in {source:?}: {:?}",
                job.decision()
            );
        }
    }
    // Rules of the workflow take the place of the default.
    let file = "workflow: {rules: [{when: always}]}\njob: {script: x}";
    assert_eq!(with(MERGE_REQUEST, file).when(), "on_success");
}

#[test]
fn what_only_and_except_leave_open_is_told() {
    for (policy, told) in [
        ("only: [main]", None),
        (
            "only: {changes: [a], kubernetes: active}",
            Some(
                "by its `only:changes`, which is unknown here and taken for true, and `only:kubernetes`",
            ),
        ),
        (
            "except: {changes: [a]}",
            Some("`except:changes`, which is unknown here and taken for false"),
        ),
        ("except: [main]", Some("its `except` keeps it out")),
    ] {
        let job = pushed(&format!("job: {{script: x, {policy}}}"));
        match told {
            None => assert_eq!(job.decision(), None, "{policy}"),
            Some(told) => assert!(
                job.decision().unwrap().contains(told),
                "{policy}: {:?}",
                job.decision()
            ),
        }
    }
    let job = with(MERGE_REQUEST, "job: {script: x}");
    let told = "GitLab would not run job job in this pipeline: without `rules` it is for branches and tags only";
    assert_eq!(job.decision().as_deref(), Some(told));
}
