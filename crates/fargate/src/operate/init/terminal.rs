//! Questions in a terminal, and their answers.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;

use crate::error::{Blame, Error, Result};
use crate::operate::doctor::Opinion;
use crate::output::is_colour_declined;
use crate::signals::Shutdown;
use crate::text::plain;

/// A dialogue in numbered steps.
#[derive(Debug)]
pub(super) struct Terminal<'a> {
    shutdown: &'a Shutdown,
    step: usize,
    is_coloured: bool,
}

/// Something to choose.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// Its name or ID.
    pub(super) name: String,
    /// More about it.
    pub(super) about: String,
    pub(super) opinion: Opinion,
}

impl<'a> Terminal<'a> {
    /// A dialogue, where standard input and output are a terminal.
    pub(super) fn open(shutdown: &'a Shutdown) -> Option<Self> {
        let is_there = io::stdin().is_terminal() && io::stdout().is_terminal();
        is_there.then(|| Self {
            shutdown,
            step: 0,
            is_coloured: !is_colour_declined(),
        })
    }

    /// The heading of the next step.
    pub(super) fn step(&mut self, title: &str) -> Result<()> {
        self.step += 1;
        let title = self.painted("1", &format!("{}. {title}", self.step));
        self.say(&format!("\n{title}\n"))
    }

    /// Shows text.
    pub(super) fn say(&self, text: &str) -> Result<()> {
        show(text)
    }

    /// A line of text, or the default.
    pub(super) async fn text(&self, question: &str, default: Option<&str>) -> Result<String> {
        let prompt = match default {
            Some(default) => format!("  {question} [{default}]: "),
            None => format!("  {question}: "),
        };
        loop {
            let answer = self.line(&prompt).await?;
            match (answer.is_empty(), default) {
                (false, _) => return Ok(answer),
                (true, Some(default)) => return Ok(default.to_owned()),
                (true, None) => {}
            }
        }
    }

    /// A line of text that may be empty.
    pub(super) async fn optional(&self, question: &str) -> Result<Option<String>> {
        let answer = self
            .line(&format!("  {question} (Enter for none): "))
            .await?;
        Ok(Some(answer).filter(|answer| !answer.is_empty()))
    }

    /// Yes or no.
    pub(super) async fn agrees(&self, question: &str, default: bool) -> Result<bool> {
        let keys = if default { "Y/n" } else { "y/N" };
        loop {
            let answer = self.line(&format!("  {question} [{keys}] ")).await?;
            match answer.to_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }

    /// The names of some choices, by number or name; `default` has the positions of those that Enter takes.
    pub(super) async fn choose(
        &self,
        question: &str,
        choices: &[Choice],
        default: &[usize],
    ) -> Result<Vec<String>> {
        let width = choices.iter().map(|one| one.name.chars().count()).max();
        let width = width.unwrap_or_default();
        for (number, choice) in (1..).zip(choices) {
            self.say(&self.row(number, choice, width))?;
        }
        if default.is_empty() {
            let mend = "None of them is right as it is. Choose one; doctor prints in the end how to mend it.";
            self.say(&format!("  {mend}\n"))?;
        }
        let numbers: Vec<_> = default.iter().map(|at| (at + 1).to_string()).collect();
        let prompt = match numbers.is_empty() {
            true => format!("  {question}: "),
            false => format!("  {question} [{}]: ", numbers.join(",")),
        };
        loop {
            let answer = self.line(&prompt).await?;
            let answer = if answer.is_empty() {
                numbers.join(",")
            } else {
                answer
            };
            let chosen = chosen(&answer, choices);
            match chosen {
                Ok(names) if !names.is_empty() => return Ok(names),
                Ok(_) => {}
                Err(unknown) => self.say(&format!("  There is no {}.\n", plain(&unknown)))?,
            }
        }
    }

    /// A line that the terminal does not show while it is typed. Secret.
    pub(super) async fn hidden(&self, question: &str) -> Result<String> {
        let _silence = Silence::begin();
        let answer = self.line(&format!("  {question}: ")).await;
        // The line feed was not shown either.
        self.say("\n")?;
        answer
    }

    fn row(&self, number: usize, choice: &Choice, width: usize) -> String {
        let (mark, colour) = choice.opinion.status.mark();
        let mark = self.painted(colour, mark);
        let name = plain(&choice.name);
        let found = plain(&choice.opinion.found);
        let about = match (choice.about.is_empty(), found.is_empty()) {
            (_, true) => plain(&choice.about),
            (true, false) => found,
            (false, false) => format!("{}: {found}", plain(&choice.about)),
        };
        format!("  {number:>2} {mark} {name:width$}  {about}\n")
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.is_coloured {
            true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    /// The next line, without blanks at its ends. A thread waits for it, so that Ctrl-C is heard.
    async fn line(&self, prompt: &str) -> Result<String> {
        show(prompt)?;
        let reading = async {
            let read = spawn_blocking(|| {
                let mut line = String::new();
                io::stdin().lock().read_line(&mut line).map(|_| line)
            });
            let read = read
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)));
            read.map_err(|error| Error::system(format!("could not read the answer: {error}")))
        };
        let line = self.shutdown.or(reading).await?;
        if line.is_empty() {
            return Err(Error::new(
                Blame::Usage,
                "the answers ended early; nothing was written",
            ));
        }
        Ok(line.trim().to_owned())
    }
}

/// The names that an answer like `1,3` or `subnet-1` means, or the part that means nothing.
fn chosen(answer: &str, choices: &[Choice]) -> Result<Vec<String>, String> {
    let parts = answer.split([',', ' ']).filter(|part| !part.is_empty());
    let named = |part: &str| {
        let by_number = part
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let by_number = by_number.and_then(|at| choices.get(at));
        let choice = by_number.or_else(|| choices.iter().find(|choice| choice.name == part));
        choice
            .map(|choice| choice.name.clone())
            .ok_or_else(|| part.to_owned())
    };
    parts.map(named).collect()
}

/// Shows text.
///
/// # Errors
///
/// When standard output does not take it.
pub(super) fn show(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let shown = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    shown.map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}

/// A terminal that does not show what is typed, until this is dropped.
#[derive(Debug)]
struct Silence(Option<Termios>);

impl Silence {
    fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut silent) = before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            // Where it fails, what is typed is shown, as everywhere else.
            let _shown = tcsetattr(io::stdin(), OptionalActions::Flush, &silent);
        }
        Self(before)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // The terminal may be gone.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::doctor::Status;

    #[test]
    fn choices_are_named_by_number_or_name() {
        let choice = |name: &str| Choice {
            name: name.into(),
            about: String::new(),
            opinion: Opinion {
                status: Status::Pass,
                found: String::new(),
            },
        };
        let choices = [choice("subnet-1"), choice("subnet-2")];
        assert_eq!(
            chosen("2, subnet-1", &choices).unwrap(),
            ["subnet-2", "subnet-1"]
        );
        assert_eq!(chosen("0", &choices), Err("0".to_owned()));
        assert_eq!(chosen("3", &choices), Err("3".to_owned()));
        assert_eq!(chosen("", &choices), Ok(Vec::new()));
    }
}
