//! `fargate ssh`: a shell or a command in a container of a job, with the job's own key.

mod choice;
mod escape;
mod input;
mod journal;
mod local_terminal;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::choice::Place;
use self::journal::JournaledSession;
use self::local_terminal::RawTerminal;
use crate::cli::Ssh;
use crate::config::Config;
use crate::error::{Blame, Error, Result};
use crate::output::progress;
use crate::signals::Shutdown;
use crate::ssh::{Connection, Conversation, Ended, KeyPair, Target, quoted, signal_of};
use crate::state::clock::now;
use crate::state::record::Record;
use crate::state::records::Records;

/// How long a server is tried, and the pause between attempts: the network may fail for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

/// Opens the session, and returns when it has ended.
///
/// # Errors
///
/// When there is no such job or container, the session may not be or cannot be opened, or was lost; with the command's
/// own status otherwise.
pub(crate) async fn ssh(request: &Ssh, config: &Config, shutdown: &Shutdown) -> Result<()> {
    if !config.ssh.is_interactive {
        return Err(Error::system(
            "[SSH] Interactive is false: nobody enters jobs from this manager",
        )
        .advise(format!("Set it to true in {}.", config.file.display())));
    }
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let record = choice::job(readable(&records)?, request.job)?;
    let place = choice::place(&record, &request.container)?;
    let program = program(&request.command);
    let is_terminal = local_terminal::is_there();
    let connection = shutdown
        .or(progress("Connecting", connect(&place, config)))
        .await?;
    let what = match (&program, is_terminal) {
        (Some(_), true) => "a command on a terminal",
        (Some(_), false) => "a command",
        (None, true) => "a shell on a terminal",
        (None, false) => "a shell",
    };
    let journal = JournaledSession::begin(
        records.directory(),
        &format!("{what} in {} of {}", place.name, record.job.title()),
        config.log.file.is_some(),
    )?;
    let session = Session {
        record: &record,
        place: &place,
        program,
        shutdown,
    };
    let result = session.hold(&connection, is_terminal).await;
    journal.end(&match &result {
        Ok(()) => "status 0".to_owned(),
        Err(error) => match error.blame() {
            Blame::Script(status) => format!("status {status}"),
            _ => error.to_string(),
        },
    });
    result
}

/// Restores the terminal of a session that cannot do so itself: this process ends at once.
pub(crate) fn restore_terminal() {
    local_terminal::restore();
}

/// The records that can be read. Those of another user cannot.
fn readable(records: &Records) -> Result<Vec<Record>> {
    let mut readable = Vec::new();
    for entry in records.all()? {
        match entry.record {
            Ok(record) => readable.push(*record),
            Err(why) => {
                let file = entry.file.display();
                tracing::warn!("the record {file} cannot be read: {why}");
            }
        }
    }
    Ok(readable)
}

/// The line for the shell: one word is such a line, several are a program and its arguments.
fn program(command: &[String]) -> Option<String> {
    match command {
        [] => None,
        [line] => Some(line.clone()),
        words => Some(
            words
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        ),
    }
}

async fn connect(place: &Place, config: &Config) -> Result<Connection> {
    let login = &place.login;
    let key = KeyPair::parse(&login.private_key)?;
    let target = Target {
        address: SocketAddr::new(login.address, login.port),
        username: login.username.clone(),
        host_key: Some(login.host_key.clone()),
        reach_timeout: config.ssh.connect_timeout,
        connect_timeout: config.ssh.connect_timeout,
        keepalive_interval: config.ssh.keepalive_interval,
    };
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let refusal = match Connection::open(&target, &key).await {
            Ok(connection) => return Ok(connection),
            Err(refusal) => refusal,
        };
        if refusal.is_of_stranger() || Instant::now() + PAUSE >= give_up_at {
            let message = format!(
                "could not connect to {} at {}: {refusal}",
                place.name, target.address
            );
            return Err(Error::system(message)
                .advise("Its task may have ended: `fargate ps` shows those that run."));
        }
        sleep(PAUSE).await;
    }
}

/// A session to hold.
struct Session<'a> {
    record: &'a Record,
    place: &'a Place,
    program: Option<String>,
    shutdown: &'a Shutdown,
}

impl Session<'_> {
    /// Holds it to its end.
    async fn hold(&self, connection: &Connection, is_terminal: bool) -> Result<()> {
        if is_terminal {
            self.greet();
        }
        let raw = is_terminal.then(RawTerminal::enter).transpose()?;
        let conversation = Conversation {
            folder: self.record.project_folder.as_deref(),
            program: self.program.as_deref(),
            terminal: raw.as_ref().map(|raw| &raw.terminal),
        };
        let mut input = input::input(is_terminal)?;
        let ended = connection.converse(&conversation, &mut input, self.shutdown);
        let ended = ended.await;
        drop(raw);
        match ended? {
            Ended::Exited(0) => Ok(()),
            Ended::Exited(status) => Err(Error::new(Blame::Script(status), "")),
            Ended::Signalled(name) => {
                let (number, _) = signal_of(&name);
                Err(Error::new(Blame::Script(128 + number), ""))
            }
            Ended::Stopped(stopped) => Err(stopped),
            Ended::Lost(why) => Err(Error::system(format!(
                "the session in {} of {} was lost: {why}",
                self.place.name,
                self.record.job.title()
            ))),
        }
    }

    /// Says where a person is about to be, before the container has the terminal.
    fn greet(&self) {
        let Record {
            job, kept_until, ..
        } = self.record;
        let mut first = format!("In {} of {}", self.place.name, job.title());
        if !job.name.is_empty() {
            first += &format!(" ({})", job.name);
        }
        if let Some(until) = kept_until {
            let left = Duration::from_secs(until.saturating_sub(now().as_secs()));
            let left = humantime::format_duration(left);
            first += &format!(". Its task is kept for another {left}");
        }
        let way_out = "Leave it with exit, or with ~. on a line of its own where it hangs.";
        let mut lines = vec![first + ".", way_out.to_owned()];
        lines.extend(self.place.note.clone());
        let text: String = lines
            .iter()
            .map(|line| crate::text::plain(line) + "\n")
            .collect();
        // A closed standard error leaves no place to say it.
        let _nobody_listens = std::io::stderr().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_line_and_several_are_a_program() {
        let line = |words: &[&str]| {
            program(
                &words
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(line(&[]), None);
        assert_eq!(line(&["ls | head"]).as_deref(), Some("ls | head"));
        assert_eq!(
            line(&["grep", "a b", "it's", "x.log", ""]).as_deref(),
            Some("grep 'a b' 'it'\\''s' x.log ''")
        );
    }
}
