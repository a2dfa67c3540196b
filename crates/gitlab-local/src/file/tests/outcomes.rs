//! Whether GitLab would run a job: `rules` and `workflow`, with the results that GitLab's
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
pub(super) fn pushed(text: &str) -> super::JobDefinition {
    with(
        &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")],
        text,
    )
}

/// The job `job` in a pipeline with these variables.
pub(super) fn with(predefined: &[(&str, &str)], text: &str) -> super::JobDefinition {
    let facts = PipelineFacts {
        predefined: variables(predefined),
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

/// Documentation, "`rules:changes`" and "`rules:changes:compare_to`"; `Rules::Rule::Clause::Changes`.
#[test]
fn changes_are_what_git_knows() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(folder.path());
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        assert!(
            git.args(arguments).status().unwrap().success(),
            "{arguments:?}"
        );
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
    git(&["checkout", "--quiet", "-b", "topic", "--track", "main"]);
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/a.rs"), "").unwrap();
    let decided = |source: &str, condition: &str| {
        let facts = PipelineFacts {
            predefined: variables(&[
                ("CI_PIPELINE_SOURCE", source),
                ("CI_DEFAULT_BRANCH", "main"),
            ]),
            ..PipelineFacts::default()
        };
        let text = format!("job: {{script: x, {condition}}}");
        let pipeline = Pipeline::parse(&folder.path().join("f"), &text, facts).unwrap();
        let job = pipeline.job(Some("job")).unwrap();
        (job.left_out().is_none(), job.is_guess())
    };
    for (source, condition, expected) in [
        ("push", "rules: [{changes: ['src/**/*']}]", (true, false)),
        ("push", "rules: [{changes: [docs/*]}]", (false, false)),
        (
            "push",
            "rules: [{changes: {paths: [src/*], compare_to: main}}]",
            (true, false),
        ),
        (
            "push",
            "rules: [{changes: {paths: [src/*], compare_to: topic}}]",
            (true, false),
        ),
        (
            "push",
            "rules: [{changes: {paths: [docs/*], compare_to: none}}]",
            (true, true),
        ),
        ("push", "rules: [{changes: {regexp: docs}}]", (true, true)),
        (
            "merge_request_event",
            "rules: [{changes: [docs/*]}]",
            (false, false),
        ),
        (
            "merge_request_event",
            "rules: [{changes: [src/*]}]",
            (true, false),
        ),
        ("schedule", "rules: [{changes: [docs/*]}]", (true, false)),
        ("push", "only: {changes: [docs/*]}", (false, false)),
        ("push", "except: {changes: [src/*]}", (false, false)),
        ("push", "except: {changes: [docs/*]}", (true, false)),
    ] {
        assert_eq!(
            decided(source, condition),
            expected,
            "{source}: {condition}"
        );
    }
    // Nothing would be pushed.
    std::fs::remove_file(folder.path().join("src/a.rs")).unwrap();
    assert_eq!(
        decided("push", "rules: [{changes: [docs/*]}]"),
        (true, true)
    );
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

/// `Entry::Job#ignored?` and `Seed::Build#rules_attributes`: a rule that says nothing leaves the job's own value.
#[test]
fn a_job_may_fail_as_it_or_its_rule_says() {
    for (keywords, allowed, codes) in [
        ("", false, &[][..]),
        ("when: manual", true, &[]),
        ("when: manual, allow_failure: false", false, &[]),
        ("when: manual, rules: [{when: on_success}]", true, &[]),
        ("rules: [{when: manual}]", false, &[]),
        ("rules: [{when: manual, allow_failure: true}]", true, &[]),
        ("allow_failure: true, rules: [{when: manual}]", true, &[]),
        (
            "allow_failure: true, rules: [{when: manual, allow_failure: false}]",
            false,
            &[],
        ),
        ("allow_failure: {exit_codes: 137}", false, &[137]),
        (
            "allow_failure: {exit_codes: [137, 255]}, when: manual",
            false,
            &[137, 255],
        ),
        (
            "allow_failure: {exit_codes: 137}, rules: [{when: always}]",
            false,
            &[137],
        ),
        (
            "allow_failure: {exit_codes: 137}, rules: [{allow_failure: true}]",
            true,
            &[],
        ),
    ] {
        let job = pushed(&format!("job: {{script: x, {keywords}}}"));
        assert_eq!(
            (job.allows_failure(), job.allowed_exit_codes()),
            (allowed, codes),
            "{keywords}"
        );
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
    - {if: \"$CI_JOB_NAME == 'job: [gcp]' && $CI_NODE_INDEX == '2'\", allow_failure: true}
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
    assert_eq!(azure.decision().as_deref(), Some(told));
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
            "jobs:job:rules rule 1 when unknown value: sometimes",
        ),
        ("[]", "jobs:job:rules can't be blank"),
        (
            "[{if: $A, only: [main]}]",
            "jobs:job:rules:rule config contains unknown keys: only",
        ),
        (
            "[{when: delayed}]",
            "jobs:job:rules rule 1 start_in can't be blank",
        ),
        (
            "[{when: always, start_in: 1 day}]",
            "jobs:job:rules rule 1 config contains disallowed keys: start_in",
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
    // The lint's own table has the other values of a wrong form.
    for (keywords, expected) in [
        (
            "when: never",
            "when should be one of: on_success, on_failure, always, manual, delayed",
        ),
        ("when: delayed", "start_in should be a duration"),
        ("start_in: 1 day", "start_in must be blank"),
        ("only: main", "only"),
        ("only: {}", "only"),
        ("allow_failure: sometimes", "allow_failure config should be"),
        ("parallel: '3'", "parallel"),
        ("parallel: {matrix: {A: [b]}}", "matrix"),
    ] {
        let error = error(&format!("job: {{script: x, {keywords}}}"), Some("job"));
        assert!(error.contains(expected), "{keywords}: {error}");
    }
    let workflow = super::pipeline("workflow: {rules: [{when: manual}]}\njob: {script: x}");
    let workflow = workflow.unwrap_err().to_string();
    assert!(
        workflow.contains("workflow:rules rule 1 when unknown value: manual"),
        "{workflow}"
    );
    // `when` of a job without rules.
    assert_eq!(
        job("job: {script: x, when: delayed, start_in: 1 day}").when(),
        "delayed"
    );
}
