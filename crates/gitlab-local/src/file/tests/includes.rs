//! `include`, with files in folders of the test's own.

use std::path::Path;

use super::outcomes::variables;
use super::{AbsentFile, Pipeline, PipelineFacts, Problem};
use crate::variables::Variable;

/// Writes files, by their paths, to a new folder.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &Path, include_dir: Option<&Path>) -> Result<Pipeline, String> {
    let facts = PipelineFacts {
        include_dir: include_dir.map(Path::to_owned),
        predefined: variables(&[("CI_PROJECT_NAME", "ci")]),
        overrides: vec![Variable::named("SET", "yes").unwrap()],
    };
    Pipeline::read(&folder.join(".gitlab-ci.yml"), facts).map_err(|error| error.to_string())
}

#[test]
fn local_files_are_merged_below_the_file_itself() {
    let project = folder(&[
        (
            ".gitlab-ci.yml",
            "include: [/ci/a.yml, {local: 'ci/more/**.yml'}, {local: $CI_PROJECT_NAME/b.yml}]\n\
             variables: {DIR: ci, FROM: file}\njob: {variables: {A: file}}",
        ),
        (
            "ci/a.yml",
            "include: [ci/nested.yml]\nvariables: {FROM: a}\njob: {variables: {A: a, B: a}, script: [a]}",
        ),
        (
            "ci/nested.yml",
            "nested: {script: [n]}\njob: {script: [nested]}",
        ),
        ("ci/more/deep/c.yml", "c: {script: [c]}"),
        ("ci/more/not.txt", "not: yaml: at: all"),
        ("ci/more/d.YML", "d: {script: [d]}"),
        ("ci/b.yml", "job: {script: [b]}"),
    ]);
    let pipeline = read(project.path(), None).unwrap();
    let job = pipeline.job(Some("job")).unwrap();
    assert_eq!(job.script, ["b"]);
    let variables: Vec<_> = job
        .variables
        .iter()
        .map(|v| format!("{}={}", v.key, v.value))
        .collect();
    assert_eq!(
        variables,
        ["FROM=file", "DIR=ci", "A=file", "B=a", "SET=yes"]
    );
    assert!(pipeline.job(Some("nested")).is_ok() && pipeline.job(Some("c")).is_ok());
}

/// Patterns skip the file that has them, take a leading slash, and are matched before variables are replaced
/// (`Mapper::LocationExpander`). Entries without a value are no entries (`Mapper`).
#[test]
fn patterns_are_matched_as_in_gitlab() {
    let project = folder(&[
        (
            ".gitlab-ci.yml",
            "include: [~, {local: '/ci/*.yml'}, {local: $CI_PROJECT_NAME/deep/*.yml}, '$CI_PROJECT_NAME/named/*.yml']",
        ),
        ("ci/a.yml", "include: 'ci/*.yml'\na: {script: x}"),
        ("ci/deep/b.yml", "b: {script: x}"),
        ("ci/named/c.yml", "c: {script: x}"),
    ]);
    let pipeline = read(project.path(), None).unwrap();
    let jobs = pipeline.jobs();
    let names: Vec<_> = jobs.iter().flatten().map(|job| job.name()).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn an_address_may_be_in_a_variable() {
    let project = folder(&[(".gitlab-ci.yml", "include: $ADDRESS\njob: {script: x}")]);
    let facts = PipelineFacts {
        predefined: variables(&[("ADDRESS", "https://example.com/ci/a.yml")]),
        ..PipelineFacts::default()
    };
    let pipeline = Pipeline::read(&project.path().join(".gitlab-ci.yml"), facts).unwrap();
    assert_eq!(
        AbsentFile::list(pipeline.absent()),
        "https://example.com/ci/a.yml"
    );
    let advice = AbsentFile::advice(pipeline.absent()).unwrap();
    assert!(advice.contains("as example.com/ci/a.yml,"), "{advice}");
}

#[test]
fn rules_decide_what_is_included() {
    let project = folder(&[
        (
            ".gitlab-ci.yml",
            "include:\n\
             - {local: a.yml, rules: [{if: $SET == 'yes'}]}\n\
             - {local: b.yml, rules: [{exists: [Dockerfile]}]}\n\
             - {local: c.yml, rules: [{exists: ['*.yml'], when: never}, {when: always}]}\n\
             - {local: d.yml, rules: [{exists: ['{x,d}.yml']}]}\n\
             - {local: e.yml, rules: [{if: $OWN}]}\n\
             variables: {OWN: 'yes'}",
        ),
        ("a.yml", "a: {script: x}"),
        ("b.yml", "b: {script: x}"),
        ("c.yml", "c: {script: x}"),
        ("d.yml", "d: {script: x}"),
        ("e.yml", "e: {script: x}"),
    ]);
    let pipeline = read(project.path(), None).unwrap();
    let jobs = pipeline.jobs();
    let names: Vec<_> = jobs.iter().flatten().map(|job| job.name()).collect();
    assert_eq!(names, ["a", "d"]);
}

#[test]
fn a_local_file_that_is_not_there_is_gitlabs_error() {
    for (include, expected) in [
        (
            "a.yml",
            "Local file `a.yml` does not exist! (.gitlab-ci.yml:1)",
        ),
        (
            "../secret.yml",
            "Local file `../secret.yml` does not exist!",
        ),
        (
            "{local: a.yml, remote: 'https://b'}",
            "Each include must use only one of",
        ),
        (
            "{file: a.yml}",
            "does not have a valid subkey for include. Valid subkeys are: `local`, `project`,",
        ),
        ("list.yml", "list.yml: Invalid configuration format"),
        ("a", "Included file `a` does not have YAML extension!"),
        (".yml", "Included file `.yml` does not have YAML extension!"),
        (
            "'*.txt'",
            "Included file `a.txt` does not have YAML extension!",
        ),
        ("empty.yml", "Included file `empty.yml` is empty!"),
        (
            "comment.yml",
            "Included file `comment.yml` does not have valid YAML syntax!",
        ),
        (
            "map.yml",
            "Included file `map.yml` does not have valid YAML syntax!",
        ),
        (
            "{project: acme/ci}",
            "must specify the file where to fetch the config from",
        ),
        (
            "{local: list.yml, rules: [{variables: {A: b}}]}",
            "include:rules rule 1 config contains unknown keys: variables",
        ),
        (
            "{local: list.yml, rules: [{when: manual}]}",
            "include:rules rule 1 when unknown value: manual",
        ),
    ] {
        let text = format!("include: [{include}]\njob: {{script: x}}");
        let project = folder(&[
            (".gitlab-ci.yml", &text),
            ("list.yml", "[a]"),
            ("a.txt", "a"),
            ("empty.yml", " \n"),
            ("comment.yml", "# nothing\n"),
            ("map.yml", "{}"),
        ]);
        let error = read(project.path(), None).unwrap_err();
        assert!(error.contains(expected), "{include}: {error}");
    }
}

#[test]
fn files_that_include_each_other_end_at_gitlabs_limit() {
    let project = folder(&[
        (".gitlab-ci.yml", "include: a.yml\njob: {script: x}"),
        ("a.yml", "include: [b.yml, b.yml]"),
        ("b.yml", "include: [a.yml, a.yml]"),
    ]);
    let error = read(project.path(), None).unwrap_err();
    assert!(
        error.contains("Maximum of 150 nested includes are allowed!"),
        "{error}"
    );
}

const ELSEWHERE: &str = "
include:
  - {project: acme/ci, ref: v1, file: [/a.yml, b.yml]}
  - https://example.com/ci/c.yml?x=1
  - {template: Jobs/Build.gitlab-ci.yml}
  - {component: $CI_SERVER_FQDN/acme/parts/lint@1.0}
own: {script: x}
with-base: {extends: .base, script: x}
";

#[test]
fn files_of_other_places_are_found_in_a_folder() {
    let project = folder(&[(".gitlab-ci.yml", ELSEWHERE)]);
    let others = folder(&[
        ("acme/ci/a.yml", ".base: {image: a}\ninclude: nested.yml"),
        ("acme/ci/nested.yml", "nested: {script: x}"),
        ("acme/ci/b.yml", "b: {script: x}"),
        ("example.com/ci/c.yml", "c: {script: x}"),
        ("templates/Jobs/Build.gitlab-ci.yml", "build: {script: x}"),
        (
            "acme/parts/templates/lint/template.yml",
            "lint: {script: x}",
        ),
    ]);
    let pipeline = read(project.path(), Some(others.path())).unwrap();
    let jobs = pipeline.jobs();
    let mut names: Vec<_> = jobs.iter().flatten().map(|job| job.name()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["b", "build", "c", "lint", "nested", "own", "with-base"]
    );
    assert_eq!(pipeline.absent(), []);
}

#[test]
fn what_is_not_here_is_named_and_stops_only_jobs_without_a_script() {
    let text = format!(
        "{ELSEWHERE}no-script: {{extends: .base}}\nreferring: {{script: !reference [.x, script]}}\n"
    );
    let project = folder(&[(".gitlab-ci.yml", &text)]);
    let pipeline = read(project.path(), None).unwrap();
    let absent = [
        "/a.yml of project acme/ci",
        "b.yml of project acme/ci",
        "https://example.com/ci/c.yml?x=1",
        "template Jobs/Build.gitlab-ci.yml",
        "component /acme/parts/lint@1.0",
    ];
    assert_eq!(AbsentFile::list(pipeline.absent()), absent.join(", "));
    let job = pipeline.job(Some("with-base")).unwrap();
    assert!(
        job.warnings()[0].contains(&absent.join(", ")),
        "{:?}",
        job.warnings()
    );
    assert!(
        job.warnings()[1].contains("job with-base extends .base"),
        "{:?}",
        job.warnings()
    );
    for (name, fault) in [
        (
            "no-script",
            "jobs:no-script:script is in a file that is not here",
        ),
        ("referring", "could not be found"),
    ] {
        let error = pipeline.job(Some(name)).unwrap_err();
        assert!(error.to_string().contains(fault), "{error}");
        let advice = error.advice().unwrap();
        assert!(
            advice.contains(&absent.join(", ")) && advice.contains("--include-dir"),
            "{advice}"
        );
    }
}

#[test]
fn a_file_that_only_includes_is_told_as_that() {
    let project = folder(&[(
        ".gitlab-ci.yml",
        "include: {template: A.yml}\nvariables: {A: b}",
    )]);
    let pipeline = read(project.path(), None).unwrap();
    let error = pipeline.job(None).unwrap_err();
    assert!(
        matches!(
            &error,
            super::FileError::Unusable {
                problem: Problem::OnlyIncludes { .. },
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_included_file_gets_its_inputs() {
    let with = |include: &str, included: &str| {
        let project = folder(&[
            (
                ".gitlab-ci.yml",
                &format!("include:\n  - local: a.yml\n{include}\n"),
            ),
            ("a.yml", included),
        ]);
        let pipeline = read(project.path(), None)?;
        let job = pipeline.job(None).map_err(|error| error.to_string())?;
        Ok::<_, String>((job.name, job.script))
    };
    let header = "spec:\n  inputs:\n    env: {options: [test, prod]}\n    steps: {type: array, default: [x]}\n---\n";
    let template =
        format!("{header}deploy $[[ inputs.env ]]:\n  script: [a, '$[[ inputs.steps ]]', b]\n");
    let (name, script) = with("    inputs: {env: prod, steps: [c, d]}", &template).unwrap();
    assert_eq!(
        (name.as_str(), script),
        (
            "deploy prod",
            ["a", "c", "d", "b"].map(str::to_owned).to_vec()
        )
    );
    let (name, script) = with("    inputs: {env: test}", &template).unwrap();
    assert_eq!((name.as_str(), script.len()), ("deploy test", 3));
    for (include, included, expected) in [
        (
            "",
            template.as_str(),
            "`env` input: required value has not been provided (a.yml:3)",
        ),
        (
            "    inputs: {env: dev}",
            &template,
            "`dev` cannot be used because it is not in the list of allowed options (.gitlab-ci.yml:3)",
        ),
        (
            "    inputs: {nev: test}",
            &template,
            "unknown input arguments: nev (.gitlab-ci.yml:3)",
        ),
        (
            "    inputs: {env: test}",
            "a: {script: x}",
            "Given inputs not defined in the `spec` section of the included configuration file (.gitlab-ci.yml:3)",
        ),
        ("", "a:\n  script: [x\n", "(a.yml:2, column 11)"),
    ] {
        let error = with(include, included).unwrap_err();
        assert!(error.contains(expected), "{include} {included}: {error}");
    }
}

/// The example of GitLab's documentation (`doc/ci/inputs`).
#[test]
fn rules_of_an_input_give_its_options_and_default() {
    let included = "spec:
  inputs:
    cloud: {options: [aws, gcp, azure], default: aws}
    env: {options: [dev, prod], default: dev}
    public: {type: boolean, default: false}
    size:
      rules:
        - {if: \"$[[ inputs.cloud ]] == 'aws' && $[[ inputs.env ]] == 'dev'\", options: [t3, t4], default: t3}
        - {if: \"$[[ inputs.cloud ]] == 'gcp' && $[[ inputs.public ]] == true\", default: }
        - {if: \"$[[ inputs.cloud ]] =~ /^g/\", options: [e2], default: e2}
        - {options: [small, large], default: small}
---
job: {script: '$[[ inputs.size ]]'}
";
    for (inputs, expected) in [
        ("{}", "t3"),
        ("{size: t4}", "t4"),
        (
            "{size: small}",
            "`small` cannot be used because it is not in the list of allowed options",
        ),
        ("{cloud: gcp}", "e2"),
        (
            "{cloud: gcp, public: true}",
            "`size` input: required value has not been provided",
        ),
        ("{cloud: gcp, public: true, size: any}", "any"),
        ("{cloud: azure}", "small"),
        ("{cloud: azure, size: large}", "large"),
        ("{env: prod}", "small"),
    ] {
        let include = format!("include: {{local: a.yml, inputs: {inputs}}}\n");
        let project = folder(&[(".gitlab-ci.yml", &include), ("a.yml", included)]);
        let script = read(project.path(), None).map(|pipeline| {
            let job = pipeline.job(Some("job")).unwrap();
            job.script.concat()
        });
        let outcome = script.unwrap_or_else(|error| error);
        assert!(outcome.contains(expected), "{inputs}: {outcome}");
    }
}
