//! What the command says of a `.gitlab-ci.yml` that it cannot follow, or not wholly.

use testing::Project;

use crate::fargate;

#[test]
fn a_job_that_cannot_be_read_is_a_wrong_usage() {
    let two = "compile: {script: x}\nunit: {script: x}\n.base: {script: x}\n";
    for (pipeline, arguments, complaint) in [
        (
            two,
            &[] as &[&str],
            ".gitlab-ci.yml: has several jobs: compile, unit",
        ),
        (two, &["unti"], "has no job unti\n  Did you mean unit?"),
        (
            two,
            &["deploy"],
            "has no job deploy\n  It has: compile, unit",
        ),
        (two, &[".base"], "has .base only as a template"),
        (
            two,
            &["unit", "--file", "other.yml"],
            "could not read other.yml: ",
        ),
        (two, &["unit", "--variable", "A"], "it has no `=`"),
        (
            two,
            &["unit", "--builds-dir", "here"],
            "it does not start with `/`",
        ),
        (
            two,
            &["unit", "--variable", "a-b=c"],
            "\"a-b\" is not a name for a variable",
        ),
        ("unit: [", &[], "is not valid YAML: "),
        ("stages: [test]", &[], "has no job that can be run"),
        (
            "unit: {extends: .base, script: x}",
            &[],
            "job unit: `extends` is not followed, and the job would run something else",
        ),
        (
            "unit: {script: [!reference [.base, script]]}",
            &[],
            "job unit: the tag !reference is not followed",
        ),
        (
            "unit: {script: [{a: b}]}",
            &[],
            "job unit: `script` must be a text or a list of texts",
        ),
    ] {
        let ended = Project::new(fargate(), pipeline).run(arguments).exits(2);
        assert!(
            ended.err().contains(complaint),
            "no {complaint:?} in:\n{}",
            ended.err()
        );
        assert_eq!(ended.out(), "", "nothing has run");
    }
}

#[test]
fn keys_that_are_not_followed_are_named_and_the_job_runs() {
    let project = Project::new(
        fargate(),
        "unit:\n  image: ruby:3.3\n  services: [redis]\n  rules: [{if: $A}]\n  artifacts: {paths: [a]}\n  script: [echo ran]\n",
    );
    project.run(&[]).exits(0).logs(&[
        "WARNING: `image` and `services` are not followed: the task definition decides what runs; --containers follows them\n",
        "WARNING: job unit: `rules` is not evaluated: the job runs\n",
        "WARNING: job unit: `artifacts` is not followed: nothing is uploaded\n",
        "\nran\n",
    ]);
}
