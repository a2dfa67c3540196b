//! Pipelines as people have them.

use std::path::Path;

use super::refusal::Refusals;
use super::*;
use crate::file::{Pipeline, PipelineFacts};
use crate::variables::Variables;

/// The jobs of a file, in the order of their stages.
fn jobs(text: &str) -> Vec<JobDefinition> {
    let facts = PipelineFacts {
        include_dir: None,
        predefined: Variables::default(),
        overrides: Vec::new(),
    };
    let pipeline = Pipeline::parse(Path::new("f"), text, facts).unwrap();
    let jobs = pipeline.jobs().iter();
    jobs.map(|job| job.as_ref().unwrap().clone()).collect()
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.definitions().map(JobDefinition::name).collect()
}

/// The jobs whose artifacts job `name` gets.
fn given<'a>(plan: &'a Plan, name: &str) -> Vec<&'a str> {
    let job = plan
        .jobs
        .iter()
        .find(|job| job.definition.name == name)
        .unwrap();
    let places = job.artifacts_from.iter();
    places
        .map(|place| plan.jobs[*place].definition.name.as_str())
        .collect()
}

const FILE: &str = "
stages: [build, test, deploy]
deploy: {stage: deploy, script: [a], dependencies: [compile]}
unit: {stage: test, script: [a], needs: [compile]}
lint: {stage: test, script: [a], needs: []}
e2e: {stage: test, script: [a]}
compile: {stage: build, script: [a]}
docs: {stage: build, script: [a]}
notify: {stage: deploy, script: [a], needs: [{job: unit, artifacts: false}, {job: none, optional: true}, docs]}
";

#[test]
fn a_plan_has_the_jobs_in_an_order_that_they_can_run_in() {
    let all = Plan::all(jobs(FILE)).unwrap();
    assert_eq!(
        names(&all),
        ["compile", "docs", "unit", "lint", "e2e", "deploy", "notify"]
    );
    for (job, from) in [
        ("compile", &[][..]),
        ("unit", &["compile"]),
        ("lint", &[]),
        ("e2e", &["compile", "docs"]),
        ("deploy", &["compile"]),
        ("notify", &["docs"]),
    ] {
        assert_eq!(given(&all, job), from, "{job}");
    }
    for (job, expected) in [
        ("lint", &["lint"][..]),
        ("unit", &["compile", "unit"]),
        ("e2e", &["compile", "docs", "e2e"]),
        ("notify", &["compile", "docs", "unit", "notify"]),
    ] {
        assert_eq!(
            names(&Plan::with_needs(jobs(FILE), job).unwrap()),
            expected,
            "{job}"
        );
    }
}

#[test]
fn needs_within_a_stage_change_the_order() {
    let plan = Plan::all(jobs("b: {script: [a], needs: [c]}\nc: {script: [a]}")).unwrap();
    assert_eq!(names(&plan), ["c", "b"]);
}

#[test]
fn what_cannot_be_planned_is_said_in_gitlabs_words() {
    let error = Plan::all(jobs("a: {script: [a], needs: [b]}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'a' job needs 'b' job, but 'b' does not exist in the pipeline"
    );
    // A fault of a job that is not wanted is no matter.
    let plan =
        Plan::with_needs(jobs("a: {script: [a], needs: [b]}\nc: {script: [a]}"), "c").unwrap();
    assert_eq!(names(&plan), ["c"]);
    let circle = "a: {script: [a], needs: [b]}\nb: {script: [a], needs: [a]}";
    assert_eq!(
        Plan::all(jobs(circle)).unwrap_err(),
        PlanError::Circle(vec!["a".into(), "b".into()])
    );
}

#[test]
fn a_pipeline_needs_a_job_between_the_first_and_the_last_stage() {
    let file = "a: {script: x, stage: .pre}\nb: {script: x, stage: .post}";
    assert_eq!(Plan::all(jobs(file)).unwrap_err(), PlanError::Nothing);
}

/// The names that a job needs, all of them instances of a matrix.
fn needed(text: &str, job: &str) -> Vec<String> {
    let jobs = jobs(text);
    let job = jobs.iter().find(|known| known.name == job).unwrap();
    let needs = job.needs().unwrap();
    needs.into_iter().map(str::to_owned).collect()
}

/// Documentation, "`needs:parallel:matrix`" and "Matrix expressions"; `Normalizer` and `MatrixInterpolator`.
#[test]
fn needs_name_instances_of_a_matrix() {
    let file = |needs: &str| {
        format!(
            "build: {{script: [a], stage: build, parallel: {{matrix: [{{OS: [linux, mac], ARCH: [arm, x86]}}]}}}}\n\
             one: {{script: [a], stage: build, parallel: 2}}\n\
             test: {{script: [a], parallel: {{matrix: [{{OS: [linux, mac], V: [1.10, 2]}}]}}, needs: {needs}}}"
        )
    };
    let matrix = "[{job: build, parallel: {matrix: [{OS: '$[[ matrix.OS ]]', ARCH: [x86, arm]}]}}]";
    assert_eq!(
        needed(&file(matrix), "test: [mac, 1.1]"),
        ["build: [mac, x86]", "build: [mac, arm]"]
    );
    let plan = Plan::with_needs(jobs(&file(matrix)), "test: [mac, 1.1]").unwrap();
    assert_eq!(
        names(&plan),
        ["build: [mac, arm]", "build: [mac, x86]", "test: [mac, 1.1]"]
    );
    let named = file("['build: [$[[matrix.OS]], arm]', 'one 2/2']");
    assert_eq!(
        needed(&named, "test: [linux, 2]"),
        ["build: [linux, arm]", "one 2/2"]
    );
    assert_eq!(
        names(&Plan::with_needs(jobs(&file("[one]")), "test: [mac, 2]").unwrap()).len(),
        3
    );
    let facts = PipelineFacts::default();
    let pipeline = Pipeline::parse(Path::new("f"), &file("['$[[ matrix.NO ]]']"), facts).unwrap();
    let error = pipeline
        .job(Some("test: [mac, 2]"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("jobs:test:needs 'NO' does not exist in matrix configuration"),
        "{error}"
    );
}

fn refusals(jobs: &[JobDefinition], broken: &[&str], is_partial: bool) -> Vec<String> {
    Refusals::new(jobs.iter().collect(), broken.iter().copied(), is_partial).reasons()
}

/// `Gitlab::Ci::YamlProcessor` and its tests ("needs", "dependencies", "on_stop"), and `Seed::Build#needs_errors`.
#[test]
fn what_gitlab_refuses_of_the_jobs_together_is_told() {
    let many: String = (0..51)
        .map(|n| format!("a{n}: {{script: x, stage: build}}\n"))
        .collect();
    let all: Vec<_> = (0..51).map(|n| format!("a{n}")).collect();
    let many = format!("{many}b: {{script: x, needs: [{}]}}", all.join(", "));
    for (file, expected) in [
        (
            "a: {script: x, needs: [b]}\nb: {script: x, stage: build}",
            None,
        ),
        ("a: {script: x, needs: [b]}\nb: {script: x}", None),
        ("a: {script: x, needs: [{job: b, optional: true}]}", None),
        ("a: {script: x, needs: [b]}\nb: {trigger: x/y}", None),
        ("a: {script: x, needs: []}", None),
        (
            "a: {script: x, needs: [none]}",
            Some("a job: undefined need: none"),
        ),
        (
            "a: {script: x, stage: build, needs: [b]}\nb: {script: x}",
            Some("a job: need b is not defined in current or prior stages"),
        ),
        (
            "a: {script: x, needs: [b, {job: b, artifacts: false}]}\nb: {script: x}",
            Some("a has the following needs duplicated: b."),
        ),
        (
            "a: {script: x, needs: [a]}",
            Some("The pipeline has circular dependencies: a"),
        ),
        (
            "a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}",
            Some("The pipeline has circular dependencies: a, b"),
        ),
        (
            "a: {script: x, needs: [b]}\nb: {script: x, rules: [{if: $NO}]}",
            Some("'a' job needs 'b' job, but 'b' does not exist in the pipeline"),
        ),
        (
            "a: {script: x, needs: [{job: b, optional: true}]}\nb: {script: x, rules: [{if: $NO}]}",
            None,
        ),
        (
            "a: {script: x, needs: [b], rules: [{if: $NO}]}\nb: {script: x, rules: [{if: $NO}]}",
            None,
        ),
        (
            "a: {script: x, needs: [{job: b, parallel: {matrix: [{V: 3}]}}]}\n\
             b: {script: x, parallel: {matrix: [{V: [1, 2]}]}}",
            Some("a job: undefined need: b: [3]"),
        ),
        (
            "a: {script: x, needs: [{job: b, parallel: {matrix: [{W: 2}]}}]}\n\
             b: {script: x, parallel: {matrix: [{V: [1, 2]}]}}",
            None,
        ),
        (
            &many,
            Some("b: one job can only need 50 others, but you have listed 51"),
        ),
        (
            "a: {script: x, dependencies: [none]}",
            Some("a job: undefined dependency: none"),
        ),
        (
            "a: {script: x, dependencies: [b]}\nb: {script: x, stage: deploy}",
            Some("a job: dependency b is not defined in current or prior stages"),
        ),
        (
            "a: {script: x, needs: [b], dependencies: [c]}\nb: {script: x}\nc: {script: x}",
            Some("jobs:a dependencies the c should be part of needs"),
        ),
        (
            "a: {script: x, environment: {name: e, on_stop: none}}",
            Some("a job: on_stop job none is not defined"),
        ),
        (
            "a: {script: x, environment: {name: e, on_stop: b}}\nb: {script: x}",
            Some("a job: on_stop job b does not have environment defined"),
        ),
        (
            "a: {script: x, environment: {name: e, on_stop: b}}\nb: {script: x, environment: f}",
            Some("a job: on_stop job b have different environment name"),
        ),
        (
            "a: {script: x, environment: {name: e, on_stop: b}}\nb: {script: x, environment: e}",
            Some("a job: on_stop job b needs to have action stop defined"),
        ),
        (
            "a: {script: x, environment: {name: e, on_stop: b}}\n\
             b: {script: x, environment: {name: e, action: stop}}",
            None,
        ),
    ] {
        let jobs = jobs(file);
        let reasons = refusals(&jobs, &[], false);
        assert_eq!(
            reasons.first().map(|reason| reason.trim_end_matches('.')),
            expected.map(|text| text.trim_end_matches('.')),
            "{file}"
        );
        assert!(reasons.len() <= 1, "{file}: {reasons:?}");
    }
    // A file that is not here may have the job, and a broken job is there.
    let jobs = jobs("a: {script: x, needs: [none]}");
    assert!(refusals(&jobs, &[], true).is_empty());
    assert!(refusals(&jobs, &["none"], false).is_empty());
}

#[test]
fn a_job_that_starts_another_pipeline_stops_nothing() {
    let plan = Plan::all(jobs(
        "first: {stage: build, trigger: other/project}\nlast: {script: [a], needs: [first]}",
    ));
    let plan = plan.unwrap();
    let not_run = plan.jobs[0].not_run(|_| None);
    assert_eq!(
        not_run,
        Some(("it starts another pipeline".to_owned(), Standing::Succeeded))
    );
    assert_eq!(
        plan.jobs[1].not_run(|_| Some(("first", Standing::Succeeded))),
        None
    );
}

#[test]
fn what_ran_before_decides_whether_a_job_runs() {
    use Standing::{Blocked, Failed, NotStarted, Skipped, Succeeded};
    let failed = Failed { is_allowed: false };
    let allowed = Failed { is_allowed: true };
    let waiting = NotStarted { is_allowed: false };
    let optional = NotStarted { is_allowed: true };
    for (when, before, by_stage, by_needs) in [
        ("on_success", Succeeded, true, true),
        ("on_success", failed, false, false),
        ("on_success", allowed, true, true),
        ("on_success", Skipped, true, false),
        ("on_success", waiting, false, false),
        ("on_success", optional, true, false),
        ("on_failure", Succeeded, false, false),
        ("on_failure", failed, true, true),
        ("on_failure", allowed, false, false),
        ("on_failure", Skipped, false, false),
        ("on_failure", waiting, false, false),
        ("always", failed, true, true),
        ("always", Succeeded, true, true),
        ("always", Skipped, true, true),
        ("always", optional, true, true),
        ("always", waiting, false, false),
        ("always", Blocked, false, false),
        ("on_success", Blocked, false, false),
        ("manual", Succeeded, false, false),
        ("delayed, start_in: 1 day", Succeeded, true, true),
    ] {
        for (needs, runs) in [("", by_stage), (", needs: [first]", by_needs)] {
            let file = format!(
                "first: {{stage: build, script: [a]}}\nlast: {{stage: test, script: [a], when: {when}{needs}}}"
            );
            let plan = Plan::all(jobs(&file)).unwrap();
            let not_run = plan.jobs[1].not_run(|_| Some(("first", before)));
            assert_eq!(
                not_run.is_none(),
                runs,
                "{when}{needs} after {before:?}: {not_run:?}"
            );
        }
    }
}

#[test]
fn a_manual_job_runs_when_it_is_asked_for() {
    let file = "first: {stage: build, script: [a], when: manual}\n\
                last: {stage: test, script: [a], when: manual, needs: [first]}";
    let plan = Plan::with_needs(jobs(file), "last").unwrap();
    for job in &plan.jobs {
        assert_eq!(job.not_run(|_| Some(("first", Standing::Succeeded))), None);
    }
    let all = Plan::all(jobs(file)).unwrap();
    assert!(all.jobs.iter().all(|job| job.not_run(|_| None).is_some()));
    // Of the stages before, those that the job waits for.
    let file = "gate: {stage: build, script: [a], rules: [{when: manual}]}\n\
                extra: {stage: build, script: [a], when: manual}\n\
                last: {script: [a]}";
    let plan = Plan::with_needs(jobs(file), "last").unwrap();
    let runs: Vec<_> = plan
        .jobs
        .iter()
        .map(|job| job.not_run(|_| None).is_none())
        .collect();
    assert_eq!(
        (names(&plan), runs),
        (vec!["gate", "extra", "last"], vec![true, false, true])
    );
}

/// A thousand jobs in three stages wait for each other half a million times.
#[test]
fn a_large_pipeline_is_planned_at_once() {
    let job = |n: usize| {
        let stage = ["build", "test", "deploy"][n % 3];
        let needs = if n % 7 == 3 {
            format!(", needs: [j{}]", n - 3)
        } else {
            String::new()
        };
        format!("j{n}: {{stage: {stage}, script: [a]{needs}}}\n")
    };
    let jobs = jobs(&(0..1000).map(job).collect::<String>());
    let start = std::time::Instant::now();
    assert_eq!(refusals(&jobs, &[], false), Vec::<String>::new());
    assert_eq!(Plan::all(jobs).unwrap().jobs.len(), 1000);
    assert!(
        start.elapsed() < std::time::Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn thousands_of_jobs_that_need_later_ones_are_planned_in_time() {
    const JOBS: usize = 3500;
    let job = |n: usize| match n + 1 {
        JOBS => format!("j{n}: {{script: [a]}}\n"),
        next => format!("j{n}: {{script: [a], needs: [j{next}]}}\n"),
    };
    let chain = jobs(&(0..JOBS).map(job).collect::<String>());
    let start = std::time::Instant::now();
    assert_eq!(refusals(&chain, &[], false), Vec::<String>::new());
    let plan = Plan::with_needs(chain, "j0").unwrap();
    assert!(names(&plan).starts_with(&["j3499", "j3498"]));
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}
