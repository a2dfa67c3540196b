//! `extends`, `!reference`, `default`, `inherit` and `parallel`, with the results that GitLab's documentation gives
//! ("Optimize GitLab CI/CD configuration files", "CI/CD YAML syntax reference").

use super::{error, job, pipeline};

fn values(job: &super::JobDefinition) -> Vec<(&str, &str)> {
    let variables = job.variables.iter();
    variables
        .map(|variable| (variable.key.as_str(), variable.value.as_str()))
        .collect()
}

#[test]
fn extends_merges_maps_and_replaces_lists() {
    // Documentation, "Merge details": variables of both, and the job's own script alone.
    let job = job("
.only-important:
  variables: {URL: 'http://my-url.internal', IMPORTANT_VAR: the details}
  tags: [production]
  script: [echo 'Hello world!']
.in-docker:
  variables: {URL: 'http://docker-url.internal'}
  tags: [docker]
  image: alpine
job:
  variables: {GITLAB: is-awesome}
  extends: [.only-important, .in-docker]
");
    assert_eq!(
        values(&job),
        [
            ("URL", "http://docker-url.internal"),
            ("IMPORTANT_VAR", "the details"),
            ("GITLAB", "is-awesome"),
        ]
    );
    assert_eq!(job.image.map(|image| image.name).as_deref(), Some("alpine"));
    assert_eq!(job.script, ["echo 'Hello world!'"]);
}

#[test]
fn extends_goes_through_eleven_levels() {
    let chain = |levels: usize| {
        let mut text = ".a0: {script: x}\n".to_owned();
        for level in 1..levels {
            text.push_str(&format!(".a{level}: {{extends: .a{}}}\n", level - 1));
        }
        text + &format!("job: {{extends: .a{}}}\n", levels - 1)
    };
    assert_eq!(job(&chain(11)).script, ["x"]);
    let error = error(&chain(12), Some("job"));
    assert!(error.contains("nesting too deep in `extends`"), "{error}");
    // What another job has shown already counts, too.
    let pipeline = pipeline(&format!("{}first: {{extends: .a10}}\n", chain(12))).unwrap();
    let broken: Vec<_> = pipeline
        .jobs()
        .iter()
        .map(Result::as_ref)
        .filter_map(Result::err)
        .collect();
    assert_eq!(broken.len(), 1);
}

#[test]
fn extends_of_what_is_not_there_or_goes_round_is_gitlabs_error() {
    for (text, expected) in [
        (
            "job: {extends: [.a, .b], script: x}",
            "job: unknown keys in `extends` (.a, .b) (.gitlab-ci.yml:1)",
        ),
        (
            ".a: text\njob:\n  extends: .a\n  script: x",
            "job: invalid base hashes in `extends` (.a) (.gitlab-ci.yml:3)",
        ),
        (
            ".a: {extends: .b}\n.b: {extends: .a}\njob: {extends: .a, script: x}",
            ".a: circular dependency detected in `extends`",
        ),
        (
            "job: {extends: 1.5, script: x}",
            "unknown keys in `extends` (1.5)",
        ),
        (
            "job: {extends: [[.a]], script: x}",
            "`extends` should be an array of strings or a string",
        ),
        (
            "job: {extends: {a: b}, script: x}",
            "`extends` should be an array of strings or a string",
        ),
    ] {
        let error = error(text, Some("job"));
        assert!(error.contains(expected), "{text}: {error}");
    }
    // Another job's fault is no matter of this one.
    job("job: {script: x}\nother: {extends: .missing}");
}

#[test]
fn references_are_put_in_anywhere() {
    // Documentation, "!reference tags": scripts, a variable of another key's, and references within references.
    let job = job("
.setup: {script: [echo creating environment]}
.teardown: {after_script: [echo deleting environment]}
.vars: {variables: {URL: 'http://my-url.internal', IMPORTANT_VAR: details}}
.nested: {script: [!reference [.setup, script], echo nested]}
.extended: {extends: .vars}
job:
  variables:
    MY_VAR: !reference [.extended, variables, IMPORTANT_VAR]
  script:
    - !reference [.nested, script]
    - echo running my own command
  after_script: !reference [.teardown, after_script]
");
    assert_eq!(
        job.script,
        [
            "echo creating environment",
            "echo nested",
            "echo running my own command"
        ]
    );
    assert_eq!(job.after_script, ["echo deleting environment"]);
    assert_eq!(values(&job), [("MY_VAR", "details")]);
}

#[test]
fn a_reference_to_nothing_or_in_a_circle_is_gitlabs_error() {
    for (text, expected) in [
        (
            "job:\n  script:\n    - !reference [.setup, script]",
            "!reference [\".setup\", \"script\"] could not be found (.gitlab-ci.yml:3)",
        ),
        (
            ".a: {x: [!reference [.b, x]]}\n.b: {x: [!reference [.a, x]]}\njob: {script: !reference [.a, x]}",
            "!reference [\".a\", \"x\"] is part of a circular chain",
        ),
        (
            ".a: {key: false}\njob: {script: x, retry: !reference [.a, key]}",
            "could not be found",
        ),
        (
            ".a: {list: [x]}\njob: {script: !reference [.a, list, x]}",
            "could not be found",
        ),
    ] {
        let error = error(text, Some("job"));
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn lists_that_references_multiply_are_refused_in_time() {
    let mut text = ".a0: {script: [x, x, x, x, x, x, x, x, x]}\n".to_owned();
    for level in 1..7 {
        let reference = format!("!reference [.a{}, script], ", level - 1).repeat(9);
        let items = reference.trim_end_matches(", ");
        text.push_str(&format!(".a{level}: {{script: [{items}]}}\n"));
    }
    text.push_str("job: {script: !reference [.a6, script]}\n");
    let error = error(&text, Some("job"));
    assert!(error.contains("more than 100,000 items"), "{error}");
}

#[test]
fn inherit_lets_in_what_it_names() {
    let file = "
default: {image: a, before_script: [b], timeout: 10m}
variables: {A: 1, B: 2}
all: {script: x}
none: {script: x, inherit: {default: false, variables: false}}
some: {script: x, inherit: {default: [image], variables: [B]}}
";
    let defined = |name: &str| pipeline(file).unwrap().job(Some(name)).unwrap();
    let (all, none, some) = (defined("all"), defined("none"), defined("some"));
    assert_eq!((all.script.len(), values(&all).len()), (2, 2));
    assert_eq!(
        (none.script.len(), values(&none).len(), none.image),
        (1, 0, None)
    );
    assert_eq!((some.script.len(), values(&some)), (1, vec![("B", "2")]));
    assert!(some.image.is_some() && some.timeout.as_secs() == 3600);
}

/// `Entry::Unspecified`: no value is as no key, and an empty list is a value.
#[test]
fn a_job_without_a_value_takes_the_default() {
    let file = "default: {image: a, before_script: [b]}\n";
    let null = job(&format!(
        "{file}job: {{script: x, image: ~, before_script: }}"
    ));
    assert_eq!((null.image(), null.script.len()), (Some("a"), 2));
    let empty = job(&format!("{file}job: {{script: x, before_script: []}}"));
    assert_eq!(empty.script, ["x"]);
    // A base's value is another matter: there a null takes it away.
    let file = format!("{file}.base: {{image: c, variables: {{A: 1}}}}\n");
    let base = job(&format!(
        "{file}job: {{extends: .base, script: x, image: ~, variables: ~}}"
    ));
    assert_eq!((base.image(), values(&base).len()), (Some("a"), 0));
}

/// `Entry::Services` and `Entry::Stages` flatten lists, which references make.
#[test]
fn lists_within_lists_are_flat() {
    let job = job("
.common: {services: [redis, postgres]}
.stages: [one, two]
stages: [!reference [.stages], three]
job: {stage: two, script: x, services: [!reference [.common, services], ~, mysql]}
");
    let services: Vec<_> = job.services.iter().map(|service| &service.name).collect();
    assert_eq!(services, ["redis", "postgres", "mysql"]);
}

#[test]
fn parallel_makes_jobs_with_gitlabs_names() {
    // Documentation, "parallel:matrix": each combination of each entry.
    let pipeline = pipeline(
        "
numbered: {script: x, parallel: 2}
deploystacks:
  script: x
  parallel:
    matrix:
      - PROVIDER: aws
        STACK: [monitoring, app1]
      - PROVIDER: [gcp, vultr]
        STACK: data
",
    )
    .unwrap();
    let jobs: Vec<_> = pipeline
        .jobs()
        .iter()
        .map(Result::as_ref)
        .map(Result::unwrap)
        .collect();
    let names: Vec<_> = jobs.iter().map(|job| job.name()).collect();
    assert_eq!(
        names,
        [
            "numbered 1/2",
            "numbered 2/2",
            "deploystacks: [aws, monitoring]",
            "deploystacks: [aws, app1]",
            "deploystacks: [gcp, data]",
            "deploystacks: [vultr, data]",
        ]
    );
    let job = pipeline.job(Some("deploystacks: [aws, app1]")).unwrap();
    assert_eq!(values(&job), [("PROVIDER", "aws"), ("STACK", "app1")]);
    assert_eq!((job.group(), job.node), ("deploystacks", Some((2, 4))));
    let first = pipeline.job(Some("numbered")).unwrap();
    assert_eq!(first.name(), "numbered 1/2");
    assert!(first.warnings()[0].contains("is 2 jobs in GitLab"));
    assert!(pipeline.job(Some("numbered 3/2")).is_err());
}

#[test]
fn too_many_instances_are_refused_before_they_are_made() {
    let values = format!("[{}]", vec!["x"; 100].join(", "));
    let matrix = format!("{{A: {values}, B: {values}, C: {values}, D: {values}}}");
    for parallel in ["201", "0", "many", &format!("{{matrix: [{matrix}]}}")] {
        let text = format!("job: {{script: x, parallel: {parallel}}}");
        let error = error(&text, Some("job"));
        assert!(error.contains("jobs:job:parallel "), "{error}");
    }
}

#[test]
fn stages_are_checked_and_order_the_jobs() {
    let file = "
stages: [one, two]
last: {script: x, stage: .post}
b: {script: x, stage: two}
a: {script: x, stage: one}
first: {script: x, stage: .pre}
";
    let pipeline = pipeline(file).unwrap();
    let jobs = pipeline.jobs();
    let names: Vec<_> = jobs.iter().flatten().map(|job| job.name()).collect();
    assert_eq!(names, ["first", "a", "b", "last"]);
    let error = error("stages: [one]\njob: {script: x}", Some("job"));
    assert!(
        error.contains(
            "job job: chosen stage test does not exist; available stages are .pre, one, .post"
        ),
        "{error}"
    );
}

#[test]
fn artifacts_caches_and_needs_become_values() {
    let job = job("
compile: {script: x, parallel: {matrix: [{A: [b, c]}]}}
job:
  script: x
  artifacts: {paths: [out/], exclude: [out/*.o], when: always, reports: {dotenv: build.env, junit: r.xml}}
  cache:
    - {key: {files: [Gemfile.lock], prefix: rspec}, paths: [vendor/], policy: pull}
    - {paths: [a], fallback_keys: [b]}
  needs:
    - lint
    - {job: compile, artifacts: false, parallel: {matrix: [{A: b}]}}
    - {job: maybe, optional: true}
    - {project: acme/lib, job: build, ref: main, artifacts: true}
  dependencies: [lint]
");
    let artifacts = job.artifacts.unwrap();
    assert_eq!(
        (artifacts.paths, artifacts.exclude),
        (vec!["out/".to_owned()], vec!["out/*.o".to_owned()])
    );
    assert_eq!(
        (artifacts.dotenv, artifacts.other_reports),
        (vec!["build.env".to_owned()], vec!["junit".to_owned()])
    );
    assert_eq!(job.caches.len(), 2);
    assert_eq!(
        (
            job.caches[0].policy.as_str(),
            job.caches[1].fallback_keys.len()
        ),
        ("pull", 1)
    );
    let needs = job.needs.unwrap();
    let jobs: Vec<_> = needs
        .jobs
        .iter()
        .map(|need| (need.job.as_str(), need.artifacts, need.optional))
        .collect();
    assert_eq!(
        jobs,
        [
            ("lint", true, false),
            ("compile", false, false),
            ("maybe", true, true)
        ]
    );
    assert_eq!(needs.jobs[1].instances, ["compile: [b]"]);
    assert_eq!(job.dependencies, Some(vec!["lint".to_owned()]));
}

#[test]
fn a_matrix_without_jobs_or_with_a_wrong_name_is_refused() {
    for (matrix, fault) in [
        ("[{A: []}]", "matrix has A, which has no values"),
        ("[{A: [[]]}]", "matrix has A, which has no values"),
        ("[]", "matrix should be a list of hashes"),
        (
            "[{A: [x], b-c: [y]}]",
            "matrix is wrong: \"b-c\" is not a name for a variable",
        ),
    ] {
        let text = format!("job: {{script: x, parallel: {{matrix: {matrix}}}}}");
        let error = error(&text, Some("job"));
        assert!(
            error.contains(&format!("jobs:job:parallel {fault}")),
            "{matrix}: {error}"
        );
    }
}

#[test]
fn empty_stages_are_as_if_absent() {
    assert_eq!(
        job("stages:\njob: {script: x, stage: deploy}").stage,
        "deploy"
    );
}
