//! Files as people write them, and as they get them wrong.

mod composition;
mod expressions;
mod hostile;
mod includes;
mod keywords;
mod lint;
mod outcomes;
mod policies;
mod probes;

use std::path::Path;
use std::time::Duration;

use super::*;

impl JobDefinition {
    /// Job `name` of a file with this text, in an empty folder.
    pub(crate) fn parse(text: &str, name: Option<&str>) -> Result<Self, FileError> {
        pipeline(text)?.job(name)
    }
}

/// A file in a folder that is empty.
fn pipeline(text: &str) -> Result<Pipeline, FileError> {
    let file = Path::new("/nowhere/.gitlab-ci.yml");
    let parsed = Pipeline::parse(file, text, PipelineFacts::default());
    parsed.map_err(|problem| FileError::Unusable {
        file: file.to_owned(),
        problem,
    })
}

fn job(text: &str) -> JobDefinition {
    JobDefinition::parse(text, Some("job")).unwrap()
}

fn error(text: &str, name: Option<&str>) -> String {
    let error = JobDefinition::parse(text, name).unwrap_err();
    format!("{error}. {}", error.advice().unwrap_or_default())
}

#[test]
fn defaults_and_lists_become_one_script() {
    let job = job("
default:
  image: {name: 'ruby:$V', entrypoint: ['']}
  before_script: [a, [b, [c]]]
  services: [postgres:16]
variables:
  V: 3.3
  W: {value: w, description: text, expand: false}
after_script: z
job:
  stage: build
  timeout: 1h 30m
  variables: {V: 3.4}
  services:
    - redis
    - {name: mysql, alias: 'db,my', command: [mysqld], variables: {A: 1}, pull_policy: always}
  script: |
    d
    e
");
    assert_eq!(job.script, ["a", "b", "c", "d\ne\n"]);
    assert_eq!(job.after_script, ["z"]);
    assert_eq!(job.stage, "build");
    assert_eq!(job.timeout, Duration::from_secs(5400));
    let image = job.image.unwrap();
    assert_eq!(
        (image.name.as_str(), image.entrypoint),
        ("ruby:$V", Some(vec![String::new()]))
    );
    assert_eq!(
        job.services
            .iter()
            .map(|service| service.name.as_str())
            .collect::<Vec<_>>(),
        ["redis", "mysql"]
    );
    assert_eq!(
        (
            job.services[1].alias.as_str(),
            job.services[1].pull_policy.len()
        ),
        ("db,my", 1)
    );
    assert_eq!(job.services[1].variables[0].value, "1");
    let variables: Vec<_> = job
        .variables
        .iter()
        .map(|v| (v.key.as_str(), v.value.as_str(), v.raw))
        .collect();
    assert_eq!(
        variables,
        [("V", "3.3", false), ("W", "w", true), ("V", "3.4", false)]
    );
    assert_eq!(job.warnings, Vec::<String>::new());
}

#[test]
fn an_empty_list_of_the_job_overrides_the_default() {
    let job = job(
        "default: {before_script: [a], services: [b]}\njob: {before_script: [], services: [], script: c}",
    );
    assert_eq!((job.script.len(), job.services.len()), (1, 0));
}

#[test]
fn the_only_job_needs_no_name() {
    let text = ".hidden: {script: x}\nstages: [test]\nonly_one: {script: z}\n";
    assert_eq!(JobDefinition::parse(text, None).unwrap().name, "only_one");
    let several = error("a: {script: x}\nb: {script: x}\n", None);
    assert!(several.contains("a, b"), "{several}");
    assert!(error("stages: [test]", None).contains("no job"));
}

#[test]
fn a_job_that_is_not_there_is_answered_with_what_is() {
    let text = ".base: {script: x}\ncompile: {script: x}\nunit: {script: x}\n";
    assert!(error(text, Some("unti")).contains("Did you mean unit?"));
    assert!(error(text, Some("deploy")).contains("compile, unit"));
    assert!(error(text, Some(".base")).contains("template"));
    assert!(error(text, Some("stages")).contains("no job stages"));
    let absent = error("include: {template: T.yml}\na: {script: x}", Some("b"));
    assert!(absent.contains("template T.yml"), "{absent}");
}

#[test]
fn a_job_that_runs_nothing_here_is_refused() {
    for (text, expected) in [
        (
            "job: {trigger: other/project}",
            "jobs:job:trigger starts another pipeline",
        ),
        (
            "job: {run: [{name: a, script: b}]}",
            "jobs:job:run is not followed",
        ),
        ("job: {stage: test}", "should implement the script:"),
        ("job: {script: []}", "jobs:job script can't be blank"),
    ] {
        let error = error(text, Some("job"));
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_is_not_followed_is_one_line() {
    let job = job("
workflow: {rules: [{when: always}]}
default: {tags: [x], retry: 2}
job:
  script: x
  coverage: /a/
  secrets: {A: {}}
  environment: {name: prod, kubernetes: {agent: 'a:b'}}
  needs: [{project: acme/a, job: b, ref: main}]
");
    assert_eq!(
        job.warnings,
        [
            "job job: not followed: `environment:kubernetes` (no agent gives access to a cluster), \
             `needs:project` (another project's artifacts are missing), `retry` (the job runs once), \
             `secrets` (its variables are missing)"
        ]
    );
}

#[test]
fn a_job_that_publishes_has_the_folder_among_its_artifacts() {
    for (name, keywords, paths) in [
        ("job", "pages: true", &["public"] as &[_]),
        ("job", "pages: {publish: dist}", &["dist"]),
        (
            "job",
            "pages: {path_prefix: a}, artifacts: {paths: [a]}",
            &["a", "public"],
        ),
        ("pages", "artifacts: {paths: [public]}", &["public"]),
        ("pages", "publish: dist", &["dist"]),
        ("pages", "pages: false", &[]),
        ("job", "publish: dist", &[]),
    ] {
        let text = format!("{name}: {{script: x, {keywords}}}");
        let job = JobDefinition::parse(&text, Some(name)).unwrap();
        let artifacts = job.artifacts.unwrap_or_default();
        assert_eq!(artifacts.paths, paths, "{text}");
    }
}

/// A file with most of what is followed, and much that is not.
const SAMPLE: &str = "
default: &defaults
  image: {name: 'ruby:$V', entrypoint: [''], docker: {platform: linux/amd64, user: root}}
  before_script: [a, [b, [c]]]
  services: [postgres:16, {name: mysql, alias: 'db,my', command: [mysqld], variables: {A: 1}}]
variables:
  V: 3.3
  W: {value: w, description: text, expand: false}
.hidden: {script: x}
job:
  stage: build
  timeout: 1h 30m
  variables: {V: 3.4, N: ~}
  script: |
    d
    e
  after_script: &after
    - echo \"over: $V\"
  rules: [{if: $CI, when: never}]
  artifacts: {paths: [out]}
other:
  <<: *defaults
  script: *after
";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1024))]

    #[test]
    fn no_file_is_too_odd(bytes in testing::mutation::bytes(SAMPLE), name in proptest::sample::select(vec![Some("job"), Some("other"), None])) {
        let text = String::from_utf8_lossy(&bytes);
        match JobDefinition::parse(&text, name) {
            Ok(job) => {
                proptest::prop_assert!(name.is_none_or(|name| name == job.name) && !job.name.starts_with('.'));
                proptest::prop_assert!(!job.timeout.is_zero());
                // The same file says the same.
                proptest::prop_assert_eq!(JobDefinition::parse(&text, Some(&job.name)).unwrap(), job);
            }
            Err(error) => {
                proptest::prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn anchors_that_multiply_are_refused_in_time() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = level - 1;
        let many = format!("*a{before}, ").repeat(9);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            many.trim_end_matches(", ")
        ));
    }
    text.push_str("job: {script: *a11}\n");
    assert!(error(&text, Some("job")).contains("not valid YAML"));
    let deep = format!("job: {{script: {}}}", "[".repeat(100_000));
    assert!(error(&deep, Some("job")).contains("not valid YAML"));
}
