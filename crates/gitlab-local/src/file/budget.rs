//! How large all jobs of a file may be together.

use std::cell::Cell;

use crate::file::lint::Lint;

/// Ruby's memory of all jobs, with all that they extend, refer to and inherit: GitLab's default of the setting
/// `ci_max_total_yaml_size_bytes`, which it has for a file with all that it includes. GitLab does not measure the jobs
/// themselves; it writes each of them to its database.
const MAX_BYTES: usize = 314_572_800;

/// The memory that the jobs of a file may still take.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(MAX_BYTES))
    }

    /// Takes `bytes` for a job.
    ///
    /// # Errors
    ///
    /// When there is not so much left. Nothing is left then.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Lint> {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(()),
            None => Err(Lint::new(
                "the jobs of this file are too large together (300 MB, where each job counts with all that it extends, \
                 refers to and inherits)",
            )),
        }
    }
}
