//! From a job's keywords to its definition.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::file::artifacts::read_artifacts;
use crate::file::budget::Budget;
use crate::file::cache::read_caches;
use crate::file::definition::JobDefinition;
use crate::file::duration::duration;
use crate::file::environment::read_environment;
use crate::file::image::{ImageEntry, read_image, read_variables};
use crate::file::include_entry::AbsentFile;
use crate::file::inherit::{JobNode, Shared};
use crate::file::kind::{check_kind, check_together};
use crate::file::lint::Lint;
use crate::file::needs::{read_dependencies, read_needs};
use crate::file::outcome::{AllowFailure, Outcome, outcome};
use crate::file::pages::with_published_folder;
use crate::file::parallel::{Combination, Instance, instances};
use crate::file::project_files::ProjectFiles;
use crate::file::rules::{Facts, When};
use crate::file::shape::{JOB, Subject, check};
use crate::file::stages::Stages;
use crate::file::unfollowed::unfollowed;
use crate::file::values::flattened;
use crate::file::workflow::Workflow;
use crate::variables::{Variable, Variables};
use crate::yaml::{Node, Value};

/// GitLab's default timeout of a project's jobs.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The stage of a job that names none.
const DEFAULT_STAGE: &str = "test";

/// Keywords that decide by variables whether a job runs.
const CONDITIONS: &[&str] = &["rules", "only", "except"];

/// What the jobs of a pipeline have around them.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) shared: &'a Shared,
    pub(super) stages: &'a Stages,
    /// The predefined variables.
    pub(super) predefined: &'a Variables,
    pub(super) workflow: &'a Workflow,
    /// Variables that were set from outside.
    pub(super) overrides: &'a [Variable],
    pub(super) files: &'a ProjectFiles,
    /// Included files that are not here.
    pub(super) absent: &'a [AbsentFile],
    pub(super) budget: &'a Budget,
}

/// The definitions of a job: one, or one for each instance of `parallel`.
///
/// `missing` are names in `extends` that are in no file of this machine.
///
/// # Errors
///
/// GitLab's, or that the job runs nothing here.
pub(super) fn definitions(
    job: &JobNode<'_>,
    missing: &BTreeSet<String>,
    around: &Surroundings<'_>,
) -> Result<Vec<JobDefinition>, Lint> {
    let bytes = job.bytes();
    around.budget.take(bytes)?;
    check_kind(job, !around.absent.is_empty())?;
    check_together(job)?;
    check(&JOB, job.own, &Subject::new(format!("jobs:{}", job.name)))?;
    let stage = stage(job, around)?;
    let variables = variables(job, around)?;
    let instances = instances(job.name, job.own.get("parallel"));
    let instances = instances.map_err(|fault| job.wrong("parallel", fault))?;
    let others = instances.len().saturating_sub(1);
    around.budget.take(bytes.saturating_mul(others))?;
    let warnings = unfollowed(job, missing, around.absent);
    // Conditions see the variables of a matrix. Without any, all instances have one outcome, at the cost of one.
    let common = match CONDITIONS.iter().any(|key| job.own.get(key).is_some()) {
        true => None,
        false => Some(outcome_with(job, None, &stage, &variables, around)?),
    };
    let template = template(job, stage)?;
    let definition = |instance: Instance| {
        let mut variables = variables.clone();
        let matrix = instance.variables.iter();
        variables.extend(matrix.map(|(key, value)| Variable::new(key, value)));
        let outcome = match &common {
            Some(outcome) => outcome.clone(),
            None => outcome_with(job, Some(&instance), &template.stage, &variables, around)?,
        };
        variables.extend(outcome.variables);
        variables.extend(around.overrides.iter().cloned());
        let template = template.clone();
        let needs = outcome.needs.or(template.needs);
        let needs = needs.map(|needs| needs.of_instance(&instance.variables));
        Ok(JobDefinition {
            name: instance.name,
            node: instance.node,
            matrix: instance.variables,
            variables,
            when: outcome.when,
            allow_failure: outcome.allow_failure,
            needs: needs
                .transpose()
                .map_err(|fault| job.wrong("needs", fault))?,
            decision: outcome.decision,
            warnings: warnings.clone(),
            ..template
        })
    };
    instances.into_iter().map(definition).collect()
}

/// The part that all instances of a job share, without the decisions of rules.
fn template(job: &JobNode<'_>, stage: String) -> Result<JobDefinition, Lint> {
    Ok(JobDefinition {
        name: job.name.to_owned(),
        group: job.name.to_owned(),
        node: None,
        matrix: Combination::new(),
        stage,
        is_trigger: is_trigger(job),
        image: read(job, "image", read_image)?,
        services: read(job, "services", read_services)?.unwrap_or_default(),
        variables: Vec::new(),
        script: script(job)?,
        after_script: read(job, "after_script", commands)?.unwrap_or_default(),
        pre_get_sources_script: read(job, "hooks", read_hook)?.unwrap_or_default(),
        timeout: read(job, "timeout", read_timeout)?.unwrap_or(DEFAULT_TIMEOUT),
        when: When::default(),
        allow_failure: AllowFailure::default(),
        needs: read(job, "needs", read_needs)?,
        dependencies: read(job, "dependencies", read_dependencies)?,
        artifacts: with_published_folder(job, read(job, "artifacts", read_artifacts)?),
        caches: read(job, "cache", read_caches)?.unwrap_or_default(),
        environment: read(job, "environment", read_environment)?,
        decision: None,
        warnings: Vec::new(),
    })
}

/// Reads the value of `keyword`, the job's own or an inherited one.
fn read<T>(
    job: &JobNode<'_>,
    keyword: &str,
    read: impl FnOnce(&Node) -> Result<T, String>,
) -> Result<Option<T>, Lint> {
    let value = job.get(keyword).map(read).transpose();
    value.map_err(|fault| job.wrong(keyword, fault))
}

/// Whether the job starts another pipeline (`Entry::Bridge`).
fn is_trigger(job: &JobNode<'_>) -> bool {
    job.own.get("trigger").is_some() && job.own.get("script").is_none()
}

fn stage(job: &JobNode<'_>, around: &Surroundings<'_>) -> Result<String, Lint> {
    let node = job.own.get("stage");
    let stage = node.and_then(Node::scalar);
    let stage = stage.unwrap_or_else(|| DEFAULT_STAGE.to_owned());
    let at = node.map_or(&job.own.at, |node| &node.at);
    // `stages:` may be in a file that is not here.
    match around.stages.check(job.name, &stage, at) {
        Err(fault) if around.absent.is_empty() => Err(fault),
        _ => Ok(stage),
    }
}

/// The outcome of an instance of the job, or of all.
fn outcome_with(
    job: &JobNode<'_>,
    instance: Option<&Instance>,
    stage: &str,
    variables: &[Variable],
    around: &Surroundings<'_>,
) -> Result<Outcome, Lint> {
    let mut known = around.predefined.clone();
    let name = instance.map_or(job.name, |instance| &instance.name);
    known.put("CI_JOB_NAME", name);
    known.put("CI_JOB_STAGE", stage);
    let (index, total) = instance.and_then(|instance| instance.node).unzip();
    if let Some(index) = index {
        known.put("CI_NODE_INDEX", index.to_string());
    }
    known.put("CI_NODE_TOTAL", total.unwrap_or(1).to_string());
    known.extend(variables.iter().cloned());
    known.extend(around.overrides.iter().cloned());
    let facts = Facts {
        variables: &known,
        files: around.files,
    };
    outcome(job, facts, around.workflow.has_rules)
}

/// The file's variables, the workflow's and the job's own.
fn variables(job: &JobNode<'_>, around: &Surroundings<'_>) -> Result<Vec<Variable>, Lint> {
    let mut variables = around.shared.variables()?;
    variables.extend(around.workflow.variables.iter().cloned());
    variables.retain(|variable| job.inherits("variables", &variable.key));
    variables.extend(read(job, "variables", read_variables)?.unwrap_or_default());
    Ok(variables)
}

fn script(job: &JobNode<'_>) -> Result<Vec<String>, Lint> {
    if is_trigger(job) {
        return Ok(Vec::new());
    }
    let mut script = read(job, "before_script", commands)?.unwrap_or_default();
    script.extend(read(job, "script", commands)?.unwrap_or_default());
    Ok(script)
}

fn read_services(node: &Node) -> Result<Vec<ImageEntry>, String> {
    let items = flattened(node)?;
    let items = items.into_iter().filter(|item| item.value != Value::Null);
    items.map(read_image).collect()
}

fn read_hook(node: &Node) -> Result<Vec<String>, String> {
    match node.get("pre_get_sources_script") {
        Some(script) => commands(script).map_err(|fault| format!("pre_get_sources_script {fault}")),
        None => Ok(Vec::new()),
    }
}

fn read_timeout(node: &Node) -> Result<Duration, String> {
    let timeout = node.scalar().and_then(|text| duration(&text));
    timeout.ok_or_else(|| "should be a duration such as `1h 30m`".to_owned())
}

/// Flattens a script as GitLab does: a text, or lists of texts within lists.
fn commands(node: &Node) -> Result<Vec<String>, String> {
    let command = |node: &&Node| match &node.value {
        Value::Text(command) => Some(command.to_string()),
        _ => None,
    };
    let items = flattened(node)?;
    let commands: Option<_> = items.iter().map(command).collect();
    commands.ok_or_else(|| {
        "should be a string or a nested array of strings up to 10 levels deep (a command with `: ` in it needs quotes)"
            .to_owned()
    })
}
