//! The text of the configuration file.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The configuration file unless the command line names one, as in GitLab's driver.
pub(crate) const DEFAULT_FILE: &str = "config.toml";

/// The file's text and folder. Relative paths in the file start at the folder.
///
/// # Errors
///
/// When it cannot be read.
pub(super) fn read(path: &Path) -> Result<(String, PathBuf)> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::system(format!("could not read the configuration {}: {error}", path.display())).advise(format!(
            "Name the file with --config, as an absolute path; without it, {DEFAULT_FILE} in the working directory is read."
        ))
    })?;
    let directory = std::path::absolute(path)
        .ok()
        .and_then(|path| path.parent().map(Path::to_owned))
        .unwrap_or_default();
    Ok((text, directory))
}
