//! Why no job definition could be read: always for the author of the file, or of the request, to correct.

use std::path::PathBuf;

/// Why a job could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("could not read {}: {source}", file.display())]
    Unreadable {
        /// The file, as it was named.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file's content does not define the job.
    #[error("{}: {problem}", file.display())]
    Unusable {
        /// The file, as it was named.
        file: PathBuf,
        /// The reason.
        problem: Problem,
    },
}

/// Why the content of a file does not define the job. The texts follow the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The parser gave up, with its own message.
    #[error("is not valid YAML: {fault} (line {line}, column {column})")]
    InvalidYaml {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong there.
        fault: String,
    },
    /// The `spec:` header is wrong, or a block does not fit it.
    #[error("{fault} (line {line})")]
    WrongInput {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        fault: String,
    },
    /// The file has no job.
    #[error("has no job that can be run")]
    NoJobs,
    /// No job was named, and the file has several.
    #[error("has several jobs: {}", .0.join(", "))]
    SeveralJobs(Vec<String>),
    /// The named job is a template.
    #[error("has {0} only as a template: a job whose name starts with a dot does not run")]
    Template(String),
    /// The file has no job of this name.
    #[error("has no job {name}")]
    UnknownJob {
        /// The name that was asked for.
        name: String,
        /// A similar name, the names that exist, and files that were not read.
        advice: String,
    },
    /// A keyword is at the top level and in `default:`.
    #[error("has `{0}` both at the top level and in `default:`; GitLab allows one")]
    TwoDefaults(&'static str),
    /// A keyword of the job has a wrong value, or is missing.
    #[error("job {job}: `{keyword}` {fault}")]
    WrongKeyword {
        /// The job's name.
        job: String,
        /// The keyword.
        keyword: &'static str,
        /// What is wrong with its value.
        fault: String,
    },
    /// A keyword would change the job's script, and is not followed.
    #[error(
        "job {job}: `{keyword}` is not followed, and the job would run something else without it"
    )]
    UnfollowedKeyword {
        /// The job's name.
        job: String,
        /// The keyword.
        keyword: &'static str,
        /// What to write in its place.
        advice: &'static str,
    },
    /// A `!reference` is not followed.
    #[error("job {job}: the tag !reference is not followed")]
    UnfollowedReference {
        /// The job's name.
        job: String,
    },
}

impl FileError {
    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Unusable { problem, .. } => problem.advice(),
        }
    }
}

impl Problem {
    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        Some(match self {
            Self::WrongInput { .. } => {
                "Inputs are declared under `spec:inputs` before a line `---`; here each needs a `default`."
            }
            Self::NoJobs => {
                "A job is a key of the top level with a `script:`; one whose name starts with a dot is a template."
            }
            Self::SeveralJobs(_) => "Name the one to run.",
            Self::UnknownJob { advice, .. } => advice,
            Self::UnfollowedKeyword { advice, .. } => advice,
            Self::UnfollowedReference { .. } => {
                "Write out what it refers to, or use a YAML anchor, which is followed."
            }
            Self::InvalidYaml { .. }
            | Self::Template(_)
            | Self::TwoDefaults(_)
            | Self::WrongKeyword { .. } => return None,
        })
    }
}
