//! `needs:` and `dependencies:`: the jobs that a job waits for, and whose artifacts it gets.

use crate::file::parallel::{Combination, combinations};
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
    /// `parallel:matrix`: the instances that are needed; all when empty.
    pub(crate) instances: Vec<Combination>,
}

/// Reads `needs:`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_needs(node: &Node) -> Result<Needs, String> {
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
    let matrix = node
        .get("parallel")
        .and_then(|parallel| parallel.get("matrix"));
    needs.jobs.push(Need {
        job: job.ok_or("has an entry without `job`")?,
        artifacts: node.get("artifacts").map(|node| &node.value) != Some(&Value::Bool(false)),
        optional: node.get("optional").map(|node| &node.value) == Some(&Value::Bool(true)),
        instances: matrix.map(combinations).transpose()?.unwrap_or_default(),
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
