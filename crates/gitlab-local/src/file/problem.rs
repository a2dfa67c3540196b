//! Why no job definition could be read: always for the author of the file, or of the request, to correct.

use std::path::PathBuf;

use crate::file::include_entry::AbsentFile;
use crate::file::lint::Lint;

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
    #[error("is not valid YAML: {fault} ({place}, column {column})")]
    InvalidYaml {
        /// `file:line`, also of an included file.
        place: String,
        /// Counted from 1.
        column: usize,
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
    /// Everything is in files that this file includes, and that are not here.
    #[error(
        "has only `include:`, of files that are not here: {}",
        AbsentFile::list(absent)
    )]
    OnlyIncludes {
        /// The files.
        absent: Vec<AbsentFile>,
        /// What brings them here.
        advice: Option<String>,
    },
    /// A fault that GitLab's lint would report.
    #[error("{0}")]
    Lint(Lint),
}

impl From<Lint> for Problem {
    fn from(lint: Lint) -> Self {
        Self::Lint(lint)
    }
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
            Self::NoJobs => {
                "A job is a key of the top level with a `script:`; one whose name starts with a dot is a template."
            }
            Self::OnlyIncludes { advice, .. } => return advice.as_deref(),
            Self::SeveralJobs(_) => {
                "Name the one to run. --list shows them all, and --all runs the pipeline."
            }
            Self::UnknownJob { advice, .. } => advice,
            Self::Lint(lint) => return lint.advice(),
            Self::InvalidYaml { fault, .. } => return yaml_advice(fault),
            Self::Template(_) => return None,
        })
    }
}

/// What helps with faults of the parser that people meet most, by its words.
fn yaml_advice(fault: &str) -> Option<&'static str> {
    const ADVICE: &[(&str, &str)] = &[
        (
            "found character that cannot start any token",
            "YAML takes no tabs to indent a line. A text that begins with @, % or ` needs quotes.",
        ),
        (
            "did not find expected key",
            "Compare the indentation of this line with that of the lines before, and look for a quote within quotes.",
        ),
        (
            "mapping values are not allowed",
            "A text with `: ` in it needs quotes, and a key on the line before needs its colon.",
        ),
        (
            "while scanning an alias",
            "A text that begins with * needs quotes.",
        ),
        (
            "while scanning a quoted scalar",
            "A quote is opened here and not closed.",
        ),
    ];
    let mut known = ADVICE.iter();
    let (_, advice) = known.find(|(words, _)| fault.contains(words))?;
    Some(advice)
}
