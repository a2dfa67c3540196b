//! The job log as GitLab shows it.
//!
//! Colours appear only on a terminal whose owner did not switch them off, so a pipe or another CI system gets plain
//! text. When nobody reads the log any more, the job goes on: its environment must still be cleaned up.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

const CYAN: &str = "\u{1b}[36;1m";
const GREEN: &str = "\u{1b}[32;1m";
const GREY: &str = "\u{1b}[0;37m";
const RED: &str = "\u{1b}[31;1m";
const YELLOW: &str = "\u{1b}[0;33m";
const RESET: &str = "\u{1b}[0;m";

/// The job log.
pub struct JobLog {
    output: Arc<Mutex<dyn Write + Send>>,
    colour: bool,
    at_line_start: bool,
    section: Option<Instant>,
}

impl JobLog {
    /// A log on standard output.
    pub fn on_stdout() -> Self {
        let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = io::stdout().is_terminal() && !declined;
        Self::new(io::stdout(), colour)
    }

    /// A log on `output`.
    pub fn new(output: impl Write + Send + 'static, colour: bool) -> Self {
        Self {
            output: Arc::new(Mutex::new(output)),
            colour,
            at_line_start: true,
            section: None,
        }
    }

    /// Whether scripts may colour their output.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Opens a section, and closes the one before.
    pub(crate) async fn section(&mut self, title: &str) {
        self.end_section().await;
        self.section = Some(Instant::now());
        self.line(CYAN, title).await;
    }

    /// Closes the section, with the time it took.
    pub(crate) async fn end_section(&mut self) {
        if let Some(started) = self.section.take() {
            let seconds = started.elapsed().as_secs_f64();
            self.line(GREY, &format!("({seconds:.1} s)")).await;
        }
    }

    /// Writes a line in the log's usual colour.
    pub async fn plain(&mut self, text: &str) {
        self.line("", text).await;
    }

    /// Writes a line about a success.
    pub async fn success(&mut self, text: &str) {
        self.line(GREEN, text).await;
    }

    /// Writes `WARNING: …`.
    pub async fn warning(&mut self, text: &str) {
        self.line(YELLOW, &format!("WARNING: {text}")).await;
    }

    /// Writes `ERROR: …`.
    pub async fn error(&mut self, text: &str) {
        self.line(RED, &format!("ERROR: {text}")).await;
    }

    /// Writes the output of a call, unchanged.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
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

    /// Writes in a thread of its own: a slow reader must not keep the job from hearing that it is cancelled.
    async fn write(&mut self, bytes: &[u8]) {
        let output = self.output.clone();
        let bytes = bytes.to_vec();
        let written = tokio::task::spawn_blocking(move || {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(&bytes)?;
            output.flush()
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(error.into())) {
            tracing::debug!("could not write the job log: {error}");
        }
    }
}
