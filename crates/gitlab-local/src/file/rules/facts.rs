//! What rules are evaluated with.

use crate::file::project_files::ProjectFiles;
use crate::variables::Variables;

/// What a trial knows that rules ask for.
#[derive(Debug, Clone, Copy)]
pub(in crate::file) struct Facts<'a> {
    pub(in crate::file) variables: &'a Variables,
    pub(in crate::file) files: &'a ProjectFiles,
}
