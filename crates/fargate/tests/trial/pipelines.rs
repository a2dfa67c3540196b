//! Several jobs of one file: `--needs` and `--all`.

use testing::Project;

use crate::fargate;

const PIPELINE: &str = r#"
stages: [build, test, deploy]
deploy:
  stage: deploy
  script: ['cat out/app; echo "deploying $VERSION"']
unit:
  stage: test
  needs: [compile]
  script: ['cat out/app', 'echo I have $(ls), $(ls ~)']
docs: {stage: test, script: ['exit 3'], allow_failure: true}
compile:
  stage: build
  script: [mkdir out, 'touch ~/left', 'echo app-$CI_PIPELINE_ID > out/app', echo VERSION=7 > e]
  artifacts: {paths: [out/], reports: {dotenv: e}}
ask: {stage: deploy, script: [x], when: manual}
rescue: {stage: deploy, script: [x], when: on_failure}
"#;

#[test]
fn a_job_runs_after_what_it_needs_and_gets_its_artifacts() {
    let project = Project::new(fargate(), PIPELINE);
    let ended = project.run(&["unit", "--needs"]).exits(0).logs(&[
        "Running 2 jobs of .gitlab-ci.yml as GitLab Runner ",
        "Job 1 of 2: compile (stage build)\n",
        "out/: found 2 matching artifact files and directories\n",
        "Job succeeded\n",
        "Job 2 of 2: unit (stage test)\n",
        "Downloading artifacts for compile (",
        "$ cat out/app\napp-",
        // Each job has a fresh place.
        "\nI have out,\n",
        "The jobs of this trial\n",
        "  compile  succeeded in ",
        "  unit     succeeded in ",
    ]);
    assert!(!ended.out().contains("docs"), "{}", ended.out());
    // Alone it has no artifacts.
    project.run(&["unit"]).exits(1);
}

#[test]
fn a_pipeline_runs_in_the_order_of_its_stages() {
    let project = Project::new(fargate(), PIPELINE);
    let ended = project
        .run(&["--all", "--variable", "B=1"])
        .exits(0)
        .logs(&[
            "Running 6 jobs of .gitlab-ci.yml",
            "Job 1 of 6: compile (stage build)\n",
            "Job 2 of 6: unit (stage test)\n",
            "Job 3 of 6: docs (stage test)\n",
            "ERROR: Job failed: exit status 3\n",
            "Job 4 of 6: deploy (stage deploy)\n",
            "\ndeploying 7\n",
            "  compile  succeeded in ",
            "  unit     succeeded in ",
            "  docs     failed (allowed) after ",
            "  deploy   succeeded in ",
            "  ask      not run: it is manual\n",
            "  rescue   not run: no job before it failed\n",
        ]);
    assert_eq!(ended.err(), "");
    // What a person sets wins over a report.
    let ended = project
        .run(&["--all", "--variable", "VERSION=mine"])
        .exits(0);
    assert!(
        ended.out().contains("\ndeploying mine\n"),
        "{}",
        ended.out()
    );
}

#[test]
fn a_failure_stops_what_depends_on_it() {
    let project = Project::new(
        fargate(),
        "stages: [a, b, c]
first: {stage: a, script: [exit 4]}
second: {stage: b, script: [echo never]}
free: {stage: b, script: [echo free runs], needs: []}
third: {stage: c, script: [echo never], needs: [second]}
report: {stage: c, script: [echo reporting], when: always}
rescue: {stage: c, script: [echo rescuing], when: on_failure}
",
    );
    let ended = project.run(&["--all"]).exits(1).logs(&[
        "\nfree runs\n",
        "\nreporting\n",
        "\nrescuing\n",
        "  first   failed after ",
        ": exit status 4\n",
        "  second  not run: first failed\n",
        "  free    succeeded in ",
        "  third   not run: second did not run\n",
        "  report  succeeded in ",
        "  rescue  succeeded in ",
    ]);
    assert!(!ended.out().contains("\nnever\n"), "{}", ended.out());
}

#[test]
fn a_pipeline_goes_on_after_what_may_fail_and_after_a_trigger() {
    let project = Project::new(
        fargate(),
        "stages: [a, b]
flaky: {stage: a, script: [exit 3], allow_failure: {exit_codes: [3]}}
down: {stage: a, trigger: acme/other}
last: {stage: b, script: [echo the end], needs: [flaky, down]}
",
    );
    project.run(&["--all"]).exits(0).logs(&[
        "\nthe end\n",
        "  flaky  failed (allowed) after ",
        "  down   not run: it starts another pipeline\n",
        "  last   succeeded in ",
    ]);
    let other = Project::new(
        fargate(),
        "flaky: {script: [exit 4], allow_failure: {exit_codes: [3]}}",
    );
    other
        .run(&["--all"])
        .exits(1)
        .logs(&["  flaky  failed after "]);
}

#[test]
fn jobs_that_cannot_run_are_told_before_the_pipeline_runs() {
    let project = Project::new(
        fargate(),
        "include: {template: A.yml}\nlint: {extends: .lint}\nunit: {script: [echo ran]}\n",
    );
    project.run(&["--all"]).exits(0).logs(&[
        "Running 1 job of .gitlab-ci.yml",
        "WARNING: left out: jobs:lint:script is in a file that is not here (.gitlab-ci.yml:2)\n",
        "\nran\n",
    ]);
}

#[test]
fn ctrl_c_ends_the_job_and_all_after_it() {
    let project = Project::new(
        fargate(),
        "a: {stage: build, script: [echo started, sleep 1000]}\nb: {script: [echo never]}",
    );
    let mut running = project.start(&["--all"]);
    running.read_until("\nstarted\n");
    running.interrupt();
    running.finish().exits(130).logs(&[
        "ERROR: Job failed: canceled\n",
        "  a  failed after ",
        "  b  not run: the trial was canceled\n",
    ]);
    project.left_nothing();
}

#[test]
fn a_cache_is_kept_for_the_next_trial() {
    let project = Project::new(
        fargate(),
        "job: {cache: {key: k, paths: [kept/]}, script: ['cat kept/n || echo none', 'mkdir -p kept; echo x >> kept/n']}",
    );
    let elsewhere = project.path("elsewhere").display().to_string();
    for arguments in [&[][..], &["--cache-dir", elsewhere.as_str()]] {
        project
            .run(arguments)
            .exits(0)
            .logs(&["\nnone\n", "Created cache ("]);
        project.run(arguments).exits(0).logs(&[
            "Checking cache for k-non_protected...\n",
            "|| echo none\nx\n",
        ]);
    }
    for folder in ["caches/fargate/try-cache", "elsewhere"] {
        let files = project.path(folder).read_dir().unwrap();
        assert_eq!(files.count(), 1, "{folder}");
    }
}

#[test]
fn what_cannot_be_planned_is_a_wrong_usage() {
    for (pipeline, arguments, complaint) in [
        (
            "a: {script: x, needs: [b]}",
            &["--all"][..],
            "GitLab refuses this pipeline: a job: undefined need: b",
        ),
        (
            "a: {script: x, needs: [b]}",
            &["a", "--needs"],
            "'a' job needs 'b' job, but 'b' does not exist in the pipeline",
        ),
        ("a: {script: x}", &["b", "--needs"], "has no job b"),
        ("a: {script: x}", &["a", "--all"], "cannot be used with"),
        ("a: {script: x}", &["--needs"], "required"),
        (
            "a: {script: x}",
            &["--all", "--keep"],
            "cannot be used with",
        ),
    ] {
        let ended = Project::new(fargate(), pipeline).run(arguments).exits(2);
        assert!(
            ended.err().contains(complaint),
            "{arguments:?}: {}",
            ended.err()
        );
        assert_eq!(ended.out(), "");
    }
}
