//! `needs:` and `dependencies:`: the jobs that a job waits for, and whose artifacts it gets.

use regex::{Captures, Regex};

use crate::file::parallel::{Combination, combinations, matrix_name};
use crate::file::values::{text, text_list};
use crate::yaml::{Node, Value};

/// What `needs:` names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Jobs of the same pipeline.
    pub(crate) jobs: Vec<Need>,
}

/// A job of the same pipeline that must end first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// The job's name. The name of a job with `parallel` stands for all of its instances.
    pub(crate) job: String,
    /// Whether the job gets its artifacts.
    pub(crate) artifacts: bool,
    /// Whether the pipeline may lack the job.
    pub(crate) optional: bool,
    /// `parallel:matrix`: names of the instances that are needed; all when empty.
    pub(crate) instances: Vec<String>,
}

/// A variable of the needing job's own matrix (`Interpolation::MatrixInterpolator`).
const MATRIX_EXPRESSION: &str = r"\$\[\[[\t\n\f\r ]*matrix\.([a-zA-Z0-9_-]+)[\t\n\f\r ]*\]\]";

impl Needs {
    /// These needs of the instance with the variables of `matrix`, for which `$[[ matrix.NAME ]]` stands. A job without
    /// a matrix has no such expressions.
    ///
    /// # Errors
    ///
    /// GitLab's, when a variable is not in the matrix.
    pub(super) fn of_instance(mut self, matrix: &Combination) -> Result<Self, String> {
        let has_expression = |need: &Need| {
            let mut texts = need.instances.iter().chain([&need.job]);
            texts.any(|text| text.contains("$[["))
        };
        if matrix.is_empty() || !self.jobs.iter().any(has_expression) {
            return Ok(self);
        }
        let expression = Regex::new(MATRIX_EXPRESSION).map_err(|error| error.to_string())?;
        let mut missing = None;
        let mut replace = |text: &mut String| {
            let value = |captures: &Captures<'_>| {
                let name = captures.get(1).map_or("", |name| name.as_str());
                let known = matrix.iter().find(|(key, _)| key == name);
                if known.is_none() {
                    missing = Some(format!("'{name}' does not exist in matrix configuration"));
                }
                known.map(|(_, value)| value.clone()).unwrap_or_default()
            };
            *text = expression.replace_all(text, value).into_owned();
        };
        for need in &mut self.jobs {
            replace(&mut need.job);
            need.instances.iter_mut().for_each(&mut replace);
        }
        match missing {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }
}

/// Reads `needs:`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_needs(node: &Node) -> Result<Needs, String> {
    if node.scalar().is_some() {
        return Err("config can only be a Hash or an Array".to_owned());
    }
    let mut needs = Needs::default();
    match node.as_list() {
        Some(items) => items
            .iter()
            .try_for_each(|item| read_need(item, &mut needs))?,
        // A job with `trigger:` may need one pipeline.
        None => read_need(node, &mut needs)?,
    }
    Ok(needs)
}

fn read_need(node: &Node, needs: &mut Needs) -> Result<(), String> {
    if let Some(items) = node.as_list() {
        return items.iter().try_for_each(|item| read_need(item, needs));
    }
    if let Some(job) = node.scalar() {
        needs.jobs.push(Need {
            job,
            artifacts: true,
            optional: false,
            instances: Vec::new(),
        });
        return Ok(());
    }
    let job = text(node, "job")?;
    // Artifacts of other pipelines are missing here.
    if text(node, "project")?.or(text(node, "pipeline")?).is_some() {
        return Ok(());
    }
    let job = job.ok_or("has an entry without `job`")?;
    let matrix = node
        .get("parallel")
        .and_then(|parallel| parallel.get("matrix"));
    let instances = matrix.map(combinations).transpose()?.unwrap_or_default();
    needs.jobs.push(Need {
        artifacts: node.get("artifacts").map(|node| &node.value) != Some(&Value::Bool(false)),
        optional: node.get("optional").map(|node| &node.value) == Some(&Value::Bool(true)),
        instances: instances
            .iter()
            .map(|matrix| matrix_name(&job, matrix))
            .collect(),
        job,
    });
    Ok(())
}

/// Reads `dependencies:`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_dependencies(node: &Node) -> Result<Vec<String>, String> {
    text_list(node).map_err(|_| "should be an array of strings".to_owned())
}
