//! Errors by blame.
//!
//! What a caller must know of a failure is whom it is to blame on, because that decides the exit code and
//! so whether GitLab retries the job. Every error carries that, one message that says
//! what was tried and what happened, and, where there is any, advice on what to do.

use std::fmt;

/// Result with the driver's [`Error`].
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Whom a failure is to blame on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The job's script: it ran and ended with this exit status (128 + n for signal n).
    Script(i32),
    /// The job: it asks for what it may not have or what cannot be. A retry would not help.
    Job,
    /// Everything else: AWS, the network, the operator's configuration, the driver. A retry may help.
    System,
    /// Nobody: the driver was told to stop by this signal.
    Stopped(i32),
    /// Whoever typed the command.
    Usage,
}

/// A failure, as it is told to the person who reads the job log or the terminal.
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

    /// Adds what the reader can do about it.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Puts what was being done in front of the message.
    pub(crate) fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Whom it is to blame on.
    pub(crate) fn blame(&self) -> Blame {
        self.blame
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

/// What is wrong with a JSON document that may hold secrets: the parser's own words would repeat a piece of it.
pub(crate) fn json_fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => {
            "something in it has another type than expected, or is missing"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
