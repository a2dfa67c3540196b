//! `LogLevel`, `LogFormat` and `LogFile`.

use std::path::{Path, PathBuf};

use super::section::Section;

/// `LogLevel`, `LogFormat` and `LogFile`.
#[derive(Debug, Clone)]
pub(crate) struct Logging {
    /// The least severe level that is logged.
    pub(crate) level: tracing::Level,
    /// Text or JSON.
    pub(crate) format: LogFormat,
    /// File that the log is appended to. `None` for standard error.
    pub(crate) file: Option<PathBuf>,
}

/// The values of a file without these keys.
impl Default for Logging {
    fn default() -> Self {
        Self {
            level: tracing::Level::INFO,
            format: LogFormat::Text,
            file: None,
        }
    }
}

/// Format of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Reads the keys at the top of the file.
pub(super) fn read(root: &Section<'_>, directory: &Path) -> Logging {
    let default = Logging::default();
    Logging {
        level: root.parsed("LogLevel", log_level).unwrap_or(default.level),
        format: root
            .parsed("LogFormat", log_format)
            .unwrap_or(default.format),
        file: root.text("LogFile").map(|file| directory.join(file)),
    }
}

/// A level by any name GitLab's driver knew.
pub(crate) fn log_level(text: &str) -> Result<tracing::Level, String> {
    match text.to_ascii_lowercase().as_str() {
        "debug" | "trace" => Ok(tracing::Level::DEBUG),
        "info" => Ok(tracing::Level::INFO),
        "warn" | "warning" => Ok(tracing::Level::WARN),
        "error" | "fatal" | "panic" => Ok(tracing::Level::ERROR),
        _ => Err("debug, info, warn or error".to_owned()),
    }
}

/// A format by any name GitLab's driver knew.
pub(crate) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "text" | "text-simple" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json".to_owned()),
    }
}
