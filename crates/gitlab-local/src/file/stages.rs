//! `stages:`: their order, and whether a job's stage is among them.

use indexmap::IndexSet;

use crate::file::lint::Lint;
use crate::file::values::text_list;
use crate::yaml::{Node, Position, Value};

/// GitLab's stages of a file without `stages:`.
const DEFAULT_STAGES: &[&str] = &["build", "test", "deploy"];

/// The first and the last stage of every pipeline.
const EDGES: (&str, &str) = (".pre", ".post");

/// A pipeline's stages in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stages(IndexSet<String>);

impl Stages {
    /// Reads `stages:` of the top level. Without a value it is as if absent.
    ///
    /// # Errors
    ///
    /// When it is no list of texts.
    pub(super) fn read(node: Option<&Node>) -> Result<Self, Lint> {
        let names = match node.filter(|node| node.value != Value::Null) {
            None => DEFAULT_STAGES.iter().map(|&name| name.to_owned()).collect(),
            Some(node) => text_list(node).map_err(|_| {
                Lint::new("stages config should be an array of strings").at(&node.at)
            })?,
        };
        let (first, last) = EDGES;
        let names = names.into_iter().filter(|name| name != last);
        let all = [first.to_owned()].into_iter().chain(names);
        Ok(Self(all.chain([last.to_owned()]).collect()))
    }

    /// The place of a stage in the order.
    pub(super) fn position(&self, stage: &str) -> Option<usize> {
        self.0.get_index_of(stage)
    }

    /// Checks the stage of a job.
    ///
    /// # Errors
    ///
    /// GitLab's, which lists the stages.
    pub(super) fn check(&self, job: &str, stage: &str, at: &Position) -> Result<(), Lint> {
        match self.position(stage) {
            Some(_) => Ok(()),
            None => {
                let known: Vec<_> = self.0.iter().map(String::as_str).collect();
                let known = known.join(", ");
                let fault = format!(
                    "{job} job: chosen stage {stage} does not exist; available stages are {known}"
                );
                Err(Lint::new(fault).at(at))
            }
        }
    }
}
