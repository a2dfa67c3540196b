//! Makes a pipeline of a file, as GitLab does after a push to the branch that is checked out.

use std::path::Path;

use crate::checkout::Checkout;
use crate::error::Error;
use crate::file::{Pipeline, PipelineFacts};
use crate::server::predefined::{pipeline_variables, source};
use crate::variables::Variable;

/// What a pipeline is made of.
#[derive(Debug, Clone, Copy)]
pub struct PipelineRequest<'a> {
    /// The `.gitlab-ci.yml`; its folder is the project.
    pub file: &'a Path,
    /// The folder that has included files of other projects, servers and of GitLab: `<project>/<file>`,
    /// `<host>/<path>`, `templates/<name>`, and a component's `<project>/templates/<name>.yml`.
    pub include_dir: Option<&'a Path>,
    /// Variables with their values, which win over the file's.
    pub variables: &'a [(String, String)],
}

impl Pipeline {
    /// Reads a file and all that it includes.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or what all jobs have in common is wrong; when a variable has no valid name.
    pub fn of(request: PipelineRequest<'_>) -> Result<Self, Error> {
        let folder = match request.file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = request.file.file_name().unwrap_or_default();
        let variables = request.variables.iter();
        let overrides: Result<Vec<_>, _> = variables
            .map(|(key, value)| Variable::named(key, value))
            .collect();
        let overrides = overrides?;
        let checkout = Checkout::read(folder);
        let facts = PipelineFacts {
            include_dir: request.include_dir.map(Path::to_owned),
            predefined: pipeline_variables(&checkout, &name.to_string_lossy(), source(&overrides)),
            overrides,
        };
        Ok(Self::read(request.file, facts)?)
    }
}
