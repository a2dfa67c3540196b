//! Pipelines as people have them.

use std::path::Path;

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
    pipeline.jobs().into_iter().map(Result::unwrap).collect()
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
fn what_ran_before_decides_whether_a_job_runs() {
    use Standing::{Failed, NotStarted, Skipped, Succeeded};
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
        ("always", failed, true, true),
        ("always", Succeeded, true, true),
        ("manual", Succeeded, false, false),
        ("delayed", Succeeded, true, true),
    ] {
        for (needs, runs) in [("", by_stage), (", needs: [first]", by_needs)] {
            let file = format!(
                "first: {{stage: build, script: [a]}}\nlast: {{stage: test, script: [a], when: {when}{needs}}}"
            );
            let plan = Plan::all(jobs(&file)).unwrap();
            let skipped = plan.jobs[1].skipped(|_| Some(("first", before)));
            assert_eq!(
                skipped.is_none(),
                runs,
                "{when}{needs} after {before:?}: {skipped:?}"
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
        assert_eq!(job.skipped(|_| Some(("first", Standing::Succeeded))), None);
    }
    let all = Plan::all(jobs(file)).unwrap();
    assert!(all.jobs.iter().all(|job| job.skipped(|_| None).is_some()));
}
