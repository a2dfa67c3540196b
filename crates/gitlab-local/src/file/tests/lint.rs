//! What GitLab's lint says of faults that people make: the table `tests/lint.toml`.

use super::{error, job, pipeline};

/// Pairs of a text and a part of what is said of it.
#[derive(serde::Deserialize)]
struct Table {
    keywords: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

#[test]
fn faults_are_told_as_by_gitlabs_lint() {
    let table: Table = toml::from_str(include_str!("../../../tests/lint.toml")).unwrap();
    assert!(table.keywords.len() > 70 && table.files.len() > 30);
    let of_a_job = table.keywords.into_iter();
    let of_a_job = of_a_job
        .map(|(keywords, expected)| (format!("job:\n  {{script: x,\n  {keywords}}}"), expected));
    for (text, expected) in of_a_job.chain(table.files) {
        let error = error(&text, Some("job"));
        assert!(error.contains(&expected), "{text}: {error}");
    }
}

#[test]
fn a_key_that_is_no_job_is_broken_and_keeps_no_job_from_running() {
    let pipeline = pipeline(
        "types: [a]\nspec: {inputs: {}}\nnote: text\n1: {script: x}\nempty:\njob: {script: x}\n",
    )
    .unwrap();
    let broken = pipeline
        .jobs()
        .iter()
        .map(Result::as_ref)
        .filter_map(Result::err);
    let broken: Vec<_> = broken
        .map(|job| format!("{}: {}", job.name, pipeline.told(job)))
        .collect();
    let implement =
        "config should implement the script:, run:, or trigger: keyword (.gitlab-ci.yml:";
    assert_eq!(
        broken,
        [
            format!(
                "types: jobs types {implement}1). GitLab has no `types:` any more. Use `stages:`."
            ),
            format!("spec: jobs spec {implement}2). A line `---` ends the header with `spec:`."),
            format!("note: jobs note {implement}3)"),
            "1: jobs:1 name should be a symbol (.gitlab-ci.yml:4). Put the name in quotes."
                .to_owned(),
            format!("empty: jobs empty {implement}5)"),
        ]
    );
    assert!(pipeline.job(Some("job")).is_ok() && pipeline.job(Some("1")).is_err());
}

#[test]
fn a_name_has_255_characters_at_most() {
    let of = |length: usize| format!("{}: {{script: x}}", "ü".repeat(length));
    assert!(super::JobDefinition::parse(&of(255), None).is_ok());
    assert!(error(&of(256), None).contains("name is too long (maximum is 255 characters)"));
}

/// Forms that GitLab takes, however odd.
#[test]
fn odd_forms_are_taken_as_in_gitlab() {
    for keywords in [
        "image: {name: a, kubernetes: {user: 1001}}",
        "variables: {A: 1, B: true, C: 1.5, D: ~, E: {}, F: {value: ~, expand: false}}",
        "cache: {}",
        "cache: []",
        "cache: {key: $A, policy: $B}",
        "artifacts: {expire_in: never, reports: {junit: [a, b]}}",
        "artifacts: {expire_in: Never, reports: {scip: a}}",
        "environment: {name: a, auto_stop_in: never}",
        "environment: {name: a, auto_stop_in: one week}",
        "timeout: one hour",
        "coverage: /Total (\\d+)%/i",
        "retry: 0",
        "retry: {when: [script_failure], exit_codes: [1, 2]}",
        "inherit: {default: [], variables: true}",
        "pages: false",
        "pages: ~",
        "environment: review/$CI_COMMIT_REF_SLUG",
        "environment: {name: a, auto_stop_in: $A}",
        "tags: []",
        "extends: []",
        "after_script: ''",
        "when: delayed, start_in: 30 minutes",
        "timeout: 3 hours 30 minutes",
        "script: [[[[[[[[[x]]]]]]]]]",
        "services: [{name: a, command: run}]",
    ] {
        job(&format!("job: {{script: x, {keywords}}}"));
    }
}
