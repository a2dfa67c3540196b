//! The reader of configuration files for fuzz targets.

use std::path::Path;

use crate::file::{Pipeline, PipelineFacts, Problem};

/// Reads all jobs of a file's text as a trial would, each as what it becomes or what is wrong with it. The project's
/// folder does not exist, so included files are not found.
///
/// # Errors
///
/// When the text does not define jobs.
pub fn read(text: &str) -> Result<Vec<String>, Problem> {
    let file = Path::new("/dev/null/.gitlab-ci.yml");
    let pipeline = Pipeline::parse(file, text, PipelineFacts::default())?;
    Ok(pipeline
        .jobs()
        .iter()
        .map(|job| format!("{job:?}"))
        .collect())
}
