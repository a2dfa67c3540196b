//! The job log as GitLab shows it, on standard output.
//!
//! Colours appear only on a terminal whose owner did not switch them off, so that a pipe or another CI system
//! gets plain text. A log that nobody reads any more does not stop the job: its task must still be cleaned up.

use std::io::IsTerminal as _;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::output::Output;

const CYAN: &str = "\u{1b}[36;1m";
const GREEN: &str = "\u{1b}[32;1m";
const GREY: &str = "\u{1b}[0;37m";
const RED: &str = "\u{1b}[31;1m";
const YELLOW: &str = "\u{1b}[0;33m";
const RESET: &str = "\u{1b}[0;m";

/// The job log.
#[derive(Debug)]
pub(super) struct Log {
    output: Output,
    colour: bool,
    at_line_start: bool,
    section: Option<Instant>,
}

impl Log {
    /// A log on standard output.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn on_stdout() -> Result<Self> {
        let output = Output::stdout().map_err(|error| {
            Error::system(format!("could not write to standard output: {error}"))
        })?;
        let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !declined;
        Ok(Self::new(output, colour))
    }

    /// A log on `output`.
    pub(super) fn new(output: Output, colour: bool) -> Self {
        Self {
            output,
            colour,
            at_line_start: true,
            section: None,
        }
    }

    /// Whether scripts may colour what they say.
    pub(super) fn colour(&self) -> bool {
        self.colour
    }

    /// Opens a section, and closes the one before.
    pub(super) async fn section(&mut self, title: &str) {
        self.end_section().await;
        self.section = Some(Instant::now());
        self.line(CYAN, title).await;
    }

    /// Closes the section, with the time it took.
    pub(super) async fn end_section(&mut self) {
        if let Some(started) = self.section.take() {
            let seconds = started.elapsed().as_secs_f64();
            self.line(GREY, &format!("({seconds:.1} s)")).await;
        }
    }

    /// A line in the log's usual colour.
    pub(super) async fn plain(&mut self, text: &str) {
        self.line("", text).await;
    }

    /// A good end.
    pub(super) async fn success(&mut self, text: &str) {
        self.line(GREEN, text).await;
    }

    /// `WARNING: …`
    pub(super) async fn warning(&mut self, text: &str) {
        self.line(YELLOW, &format!("WARNING: {text}")).await;
    }

    /// `ERROR: …`
    pub(super) async fn error(&mut self, text: &str) {
        self.line(RED, &format!("ERROR: {text}")).await;
    }

    /// What a call printed, unchanged.
    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
            self.write(bytes).await;
        }
    }

    async fn line(&mut self, colour: &str, text: &str) {
        let start = if self.at_line_start { "" } else { "\n" };
        self.at_line_start = true;
        let line = match self.colour && !colour.is_empty() {
            true => format!("{start}{colour}{text}{RESET}\n"),
            false => format!("{start}{text}\n"),
        };
        self.write(line.as_bytes()).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        if let Err(error) = self.output.write_all(bytes).await {
            tracing::debug!("could not write the job log: {error}");
        }
    }
}
