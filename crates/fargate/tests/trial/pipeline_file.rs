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
            ".gitlab-ci.yml: has several jobs: compile, unit\n  Name the one to run. \
             --list shows them all, and --all runs the pipeline.\n",
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
            "unit: unknown keys in `extends` (.base) (.gitlab-ci.yml:1)",
        ),
        (
            "unit: {script: [!reference [.base, script]]}",
            &[],
            "!reference [\".base\", \"script\"] could not be found (.gitlab-ci.yml:1)",
        ),
        (
            "include: {template: A.yml}",
            &[],
            "has only `include:`, of files that are not here: template A.yml\n  Put them into a folder as templates/A.yml",
        ),
        (
            "unit: {script: [{a: b}]}",
            &[],
            "jobs:unit:script config should be a string or a nested array of strings",
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
        "unit:\n  image: ruby:3.3\n  services: [redis]\n  rules: [{if: $A}]\n  retry: 2\n  variables: {GIT_DEPTH: 5}\n  script: [echo ran]\n",
    );
    project.run(&[]).exits(0).logs(&[
        "WARNING: `image` and `services` are not followed: the job uses the programs of this machine; --containers follows them\n",
        "WARNING: GitLab would not run job unit in this pipeline: none of its rules matches. It runs here because you named it.\n",
        "WARNING: `GIT_DEPTH` is not followed: the job gets files without history; --git brings a clone\n\
         WARNING: job unit: not followed: `retry` (the job runs once)\n",
        "\nran\n",
    ]);
}

/// Writes a file of the project.
fn write(project: &Project, name: &str, text: &str) {
    let path = project.path("project").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A file with a bit of everything that is put together.
const COMPOSED: &str = "
include: {local: ci.yml}
stages: [build, test]
.base:
  before_script: [echo base]
  variables: {WHO: template, FROM: template}
compile: {stage: build, script: [echo compiled], image: 'gcc:14'}
unit:
  extends: .base
  stage: test
  needs: [compile]
  variables: {WHO: job}
  parallel: {matrix: [{KIND: [fast, slow]}]}
  rules: [{if: $WHO == 'job', when: manual, variables: {RULE: set}}]
  script:
    - !reference [.shared, script]
    - 'echo \"$WHO of $FROM, $KIND, $RULE, $CI_NODE_INDEX/$CI_NODE_TOTAL\"'
";

#[test]
fn a_job_is_put_together_as_gitlab_does() {
    let project = Project::new(fargate(), COMPOSED);
    write(&project, "ci.yml", ".shared: {script: [echo shared]}\n");
    project.run(&["unit: [slow]"]).exits(0).logs(&[
        "GitLab would run job unit: [slow] in this pipeline by its rule 1 (if: $WHO == 'job'): when: manual\n",
        "\nbase\n",
        "\nshared\n",
        "\njob of template, slow, set, 2/2\n",
    ]);
}

#[test]
fn jobs_are_listed_as_gitlab_would_have_them() {
    let project = Project::new(fargate(), COMPOSED);
    write(&project, "ci.yml", ".shared: {script: [echo shared]}\n");
    let listed = project.run(&["--list"]).exits(0);
    assert_eq!(
        listed.out(),
        "STAGE  JOB           WHEN        IMAGE   NEEDS\n\
         build  compile       on_success  gcc:14  (stages before)\n\
         test   unit: [fast]  manual      -       compile\n\
         test   unit: [slow]  manual      -       compile\n"
    );
}

#[test]
fn a_list_says_what_is_left_out_and_what_gitlab_refuses() {
    let project = Project::new(
        fargate(),
        "
stages: [build, test]
compile: {stage: build, script: x, rules: [{changes: [src/**]}]}
flaky: {stage: test, script: x, allow_failure: {exit_codes: [3, 4]}}
down: {stage: test, trigger: acme/other}
one: {stage: test, script: x, rules: [{if: $NONE}]}
two: {stage: test, script: x, rules: [{if: $NONE}]}
old: {stage: test, script: x, only: [tags], needs: [later]}
",
    );
    let listed = project.run(&["--list"]).exits(0);
    assert_eq!(
        listed.out(),
        "STAGE  JOB      WHEN                            IMAGE                NEEDS\n\
         build  compile  on_success                      -                    (stages before)\n\
         test   flaky    on_success, may fail with 3, 4  -                    (stages before)\n\
         test   down     on_success                      (starts a pipeline)  (stages before)\n\
         test   one      never                           -                    (stages before)\n\
         test   two      never                           -                    (stages before)\n\
         test   old      never                           -                    later\n\
         not in this pipeline, none of its rules matches: one, two\n\
         not in this pipeline, its `only` keeps it out: old\n\
         depends on what is unknown here, such as `changes`: compile\n\
         GitLab refuses this pipeline: old job: undefined need: later\n"
    );
    // A job that is named runs all the same, and the whole pipeline does not.
    let complaint = "GitLab refuses this pipeline: old job: undefined need: later";
    let refused = project.run(&["--all"]).exits(2);
    assert!(refused.err().contains(complaint), "{}", refused.err());
    let alone = project.run(&["flaky"]).exits(1);
    assert!(
        alone.out().contains(&format!("WARNING: {complaint}\n")),
        "{}",
        alone.out()
    );
}

#[test]
fn a_list_shows_images_as_jobs_get_them() {
    let project = Project::new(
        fargate(),
        "go: {image: 'golang:$V', parallel: {matrix: [{V: [1.21, 1.22]}]}, script: x}\n\
         own: {image: $CI_REGISTRY_IMAGE/tools, script: x}\n",
    );
    let listed = project.run(&["--list"]).exits(0);
    for image in [
        " golang:1.21 ",
        " golang:1.22 ",
        ".invalid/local/project/tools ",
    ] {
        assert!(
            listed.out().contains(image),
            "no {image:?} in:\n{}",
            listed.out()
        );
    }
}

#[test]
fn files_of_other_places_come_from_a_folder() {
    let project = Project::new(
        fargate(),
        "include: [{project: acme/ci, file: a.yml}]\nunit: {extends: .base}\n",
    );
    let refused = project.run(&["unit"]).exits(2);
    let complaint = "jobs:unit:script is in a file that is not here (.gitlab-ci.yml:2)\n  \
                     These included files are not here: a.yml of project acme/ci.";
    assert!(refused.err().contains(complaint), "{}", refused.err());
    let listed = project.run(&["--list"]).exits(0);
    assert_eq!(
        listed.out(),
        "no jobs that can run\n\
         not usable: jobs:unit:script is in a file that is not here (.gitlab-ci.yml:2)\n\
         included files that are not here: a.yml of project acme/ci. \
         Put them into a folder as acme/ci/a.yml, and name the folder with --include-dir.\n"
    );
    write(
        &project,
        "others/acme/ci/a.yml",
        ".base: {script: [echo from elsewhere]}\n",
    );
    project
        .run(&["unit", "--include-dir", "others"])
        .exits(0)
        .logs(&["\nfrom elsewhere\n"]);
}

#[test]
fn a_hook_runs_before_the_files_come() {
    let project = Project::new(
        fargate(),
        "unit:\n  hooks: {pre_get_sources_script: [echo hooked]}\n  script: [echo ran]\n",
    );
    let ended = project.run(&[]).exits(0);
    let places = ["\nhooked\n", "Taking the files of the folder", "\nran\n"];
    let places = places.map(|text| {
        ended
            .out()
            .find(text)
            .unwrap_or_else(|| panic!("no {text:?}"))
    });
    assert!(places.is_sorted(), "{}", ended.out());
}
