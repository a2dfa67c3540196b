//! Whether GitLab would run a job: `rules`, `only`, `except` and `workflow`, with the results that GitLab's
//! documentation gives ("CI/CD YAML syntax reference").

use std::path::Path;

use super::{Pipeline, PipelineFacts, error, job};
use crate::variables::{Variable, Variables};

pub(super) fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::default();
    for (key, value) in pairs {
        variables.put(key, *value);
    }
    variables
}

/// The job `job` in a pipeline of a push to `main`.
fn pushed(text: &str) -> super::JobDefinition {
    let facts = PipelineFacts {
        predefined: variables(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")]),
        ..PipelineFacts::default()
    };
    let pipeline = Pipeline::parse(Path::new("/nowhere/.gitlab-ci.yml"), text, facts).unwrap();
    pipeline.job(Some("job")).unwrap()
}

#[test]
fn the_first_rule_that_matches_decides() {
    for (rules, when, told) in [
        (
            "[{if: $CI_COMMIT_BRANCH == 'main', when: manual}]",
            "manual",
            "by its rule 1 (if: $CI_COMMIT_BRANCH == 'main')",
        ),
        (
            "[{if: $NO}, {when: never}, {when: always}]",
            "never",
            "rule 2 says never",
        ),
        ("[{if: $NO}]", "never", "none of its rules matches"),
        ("[]", "never", "none of its rules matches"),
        (
            "[[{if: $NO}], [[{when: always}]]]",
            "always",
            "by its rule 2",
        ),
        ("[{exists: [Dockerfile]}]", "never", "none of its rules"),
        (
            "[{changes: [src/**]}]",
            "on_success",
            "changes, which is unknown here and taken for true",
        ),
        ("[{if: $FILE == 'job'}]", "on_success", "rule 1"),
    ] {
        let job = pushed(&format!(
            "variables: {{FILE: file}}\njob: {{script: x, variables: {{FILE: job}}, rules: {rules}}}"
        ));
        assert_eq!(job.when(), when, "{rules}");
        let decision = job.decision().unwrap();
        assert!(decision.contains(told), "{rules}: {decision}");
    }
}

#[test]
fn a_rule_sets_variables_needs_and_what_may_fail() {
    let job = pushed(
        "
first: {script: x}
job:
  script: x
  when: manual
  variables: {DEPLOY: job, KEPT: yes}
  needs: [other]
  rules:
    - if: $CI_COMMIT_BRANCH == 'main'
      variables: {DEPLOY: rule}
      needs: [first]
      allow_failure: true
",
    );
    let last = job
        .variables
        .iter()
        .rfind(|variable| variable.key == "DEPLOY");
    assert_eq!(last.unwrap().value, "rule");
    assert_eq!(
        (job.when(), job.allows_failure(), job.needs()),
        ("manual", true, Some(vec!["first"]))
    );
}

#[test]
fn only_and_except_decide_as_documented() {
    for (policy, runs) in [
        ("only: [main]", true),
        ("only: [tags]", false),
        ("only: [branches]", true),
        ("only: [/^ma/]", true),
        ("only: [/^MA/i, merge_requests]", true),
        ("only: [merge_requests]", false),
        ("only: [main@gitlab-org/gitlab]", true),
        ("only: {refs: [main], variables: [$UNDEFINED]}", false),
        ("only: {variables: [$UNDEFINED, $CI_COMMIT_BRANCH]}", true),
        ("only: {changes: [a]}", true),
        ("except: [main]", false),
        ("except: [pushes]", false),
        ("except: [schedules]", true),
        ("except: {changes: [a]}", true),
        (
            "except: {refs: [tags], variables: [$CI_COMMIT_BRANCH]}",
            false,
        ),
    ] {
        let job = pushed(&format!("job: {{script: x, {policy}}}"));
        assert_eq!(job.when() != "never", runs, "{policy}");
        assert_eq!(job.decision().is_none(), runs, "{policy}");
    }
}

#[test]
fn the_workflow_sets_variables_and_may_forbid_the_pipeline() {
    let text = "
workflow:
  rules:
    - {if: $CI_COMMIT_BRANCH == 'other', when: never}
    - {if: $CI_COMMIT_BRANCH, variables: {SET: here}}
job: {script: x}
";
    let job = pushed(text);
    assert_eq!(
        (
            job.variables[0].key.as_str(),
            job.variables[0].value.as_str()
        ),
        ("SET", "here")
    );
    let outside_git = super::pipeline(text).unwrap();
    assert!(
        outside_git
            .decision()
            .unwrap()
            .contains("none of the workflow's rules matches")
    );
}

/// Documentation, "`workflow:rules`": they see the variables of the merged configuration, and these take references.
#[test]
fn the_workflow_sees_the_variables_of_included_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("more.yml"), "variables: {MORE: 'yes'}").unwrap();
    let text = "
include: more.yml
variables: {OWN: 'on', NOTHING: }
workflow: {rules: [{if: $MORE == 'yes' && $OWN == 'set' && $NOTHING == ''}]}
job: {script: x}
";
    let facts = PipelineFacts {
        overrides: vec![Variable::new("OWN", "set")],
        ..PipelineFacts::default()
    };
    let file = folder.path().join(".gitlab-ci.yml");
    let pipeline = Pipeline::parse(&file, text, facts).unwrap();
    assert_eq!(pipeline.decision(), None);
}

/// Documentation, "`parallel:matrix`": "Use `parallel:matrix` variables in `rules:if`".
#[test]
fn rules_see_the_variables_of_each_instance() {
    let text = "
first: {script: x}
job:
  script: x
  variables: {PROVIDER: none}
  parallel: {matrix: [{PROVIDER: [aws, gcp, azure]}]}
  rules:
    - {if: $PROVIDER == 'aws', when: manual, needs: [first], variables: {SET: by-rule}}
    - {if: \"$CI_JOB_NAME == 'job: [gcp]'\", allow_failure: true}
";
    let facts = PipelineFacts {
        overrides: vec![Variable::new("OTHER", "x")],
        ..PipelineFacts::default()
    };
    let file = Path::new("/nowhere/.gitlab-ci.yml");
    let pipeline = Pipeline::parse(file, text, facts).unwrap();
    let job = |name: &str| pipeline.job(Some(name)).unwrap();
    let (aws, gcp, azure) = (job("job: [aws]"), job("job: [gcp]"), job("job: [azure]"));
    assert_eq!(
        [aws.when(), gcp.when(), azure.when()],
        ["manual", "on_success", "never"]
    );
    assert_eq!((aws.needs(), gcp.needs()), (Some(vec!["first"]), None));
    assert!(gcp.allows_failure() && !azure.allows_failure());
    let set = |job: &super::JobDefinition| job.variables.iter().any(|known| known.key == "SET");
    assert!(set(&aws) && !set(&gcp));
    let told = "GitLab would not run job job: [azure] in this pipeline: none of its rules matches";
    assert_eq!(azure.decision(), Some(told));
}

#[test]
fn wrong_rules_are_gitlabs_errors() {
    for (rules, expected) in [
        ("text", "jobs:job:rules should be an array of hashes"),
        (
            "[{if: $A ==}]",
            "jobs:job:rules rule 1 if invalid expression syntax: `$A ==`",
        ),
        (
            "[{when: sometimes}]",
            "jobs:job:rules rule 1 when should be one of: on_success",
        ),
        (
            "[{when: always}, {if: (}]",
            "jobs:job:rules rule 2 if invalid expression syntax",
        ),
    ] {
        let error = error(&format!("job: {{script: x, rules: {rules}}}"), Some("job"));
        assert!(error.contains(expected), "{rules}: {error}");
    }
    let both = error(
        "job: {script: x, rules: [{when: always}], only: [main]}",
        Some("job"),
    );
    assert!(
        both.contains("config key may not be used with `rules`: only"),
        "{both}"
    );
    // `when` of a job without rules.
    assert_eq!(
        job("job: {script: x, when: delayed, start_in: 1 day}").when(),
        "delayed"
    );
}
