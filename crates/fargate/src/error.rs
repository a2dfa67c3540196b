//! Errors by blame.
//!
//! The blame of a failure decides the exit code, and so whether GitLab retries the job. Every error carries its blame,
//! one message that says what was tried and what happened, and advice where any helps.

use std::fmt;

/// Result with the driver's [`Error`].
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The party to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The job's script: it ran and ended with this exit status (128 + n for signal n).
    Script(i32),
    /// The job: it asks for something forbidden or impossible. A retry would not help.
    Job,
    /// Everything else: AWS, the network, the operator's configuration, the driver. A retry may help.
    System,
    /// Nobody: this signal stopped the driver.
    Stopped(i32),
    /// The person who typed the command.
    Usage,
}

/// A failure, as the job log or the terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    blame: Blame,
    message: String,
    advice: Option<String>,
}

impl Error {
    /// A failure with `blame`; `message` says what was tried and what happened.
    pub(crate) fn new(blame: Blame, message: impl Into<String>) -> Self {
        Self {
            blame,
            message: message.into(),
            advice: None,
        }
    }

    /// [`Blame::System`].
    pub(crate) fn system(message: impl Into<String>) -> Self {
        Self::new(Blame::System, message)
    }

    /// [`Blame::Job`].
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self::new(Blame::Job, message)
    }

    /// Adds advice for the reader.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Puts the action or the object in front of the message.
    pub(crate) fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The party to blame.
    pub(crate) fn blame(&self) -> Blame {
        self.blame
    }

    /// Advice for the reader.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

/// The problem of a JSON document that may hold secrets. The parser's own message would quote the document.
pub(crate) fn json_fault(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => {
            "something in it has another type than expected, or is missing"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    format!(
        "{problem} (line {}, column {})",
        error.line(),
        error.column()
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
