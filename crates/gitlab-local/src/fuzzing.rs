//! The reader of configuration files for fuzz targets.

use std::path::Path;

use crate::file::{Pipeline, PipelineFacts, Problem};

/// Reads all jobs of a file's text as a trial would, and counts them and GitLab's reasons to refuse them. The project's
/// folder does not exist, so included files are not found.
///
/// # Errors
///
/// When the text does not define jobs.
pub fn count(text: &str) -> Result<usize, Problem> {
    let pipeline = pipeline(text)?;
    Ok(pipeline.jobs().len() + pipeline.refusals().len())
}

/// As [`count`], with what each job becomes or what is wrong with it. For large files, this text takes far longer than
/// the reading.
///
/// # Errors
///
/// When the text does not define jobs.
pub fn read(text: &str) -> Result<Vec<String>, Problem> {
    let pipeline = pipeline(text)?;
    Ok(pipeline
        .jobs()
        .iter()
        .map(|job| format!("{job:?}"))
        .collect())
}

fn pipeline(text: &str) -> Result<Pipeline, Problem> {
    let file = Path::new("/dev/null/.gitlab-ci.yml");
    Pipeline::parse(file, text, PipelineFacts::default())
}
