//! The journal of sessions: who entered which job, when and for how long.
//!
//! It is a file in the metadata folder, so every manager has it. Where `LogFile` names a log, that has the lines, too.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::unistd::{Uid, User, getuid};

use crate::error::{Error, Result};
use crate::state::clock::now_millis;
use crate::state::ledger::rfc3339;
use crate::text::plain;

/// The file.
const JOURNAL: &str = "ssh.log";

/// The number of a process that no login began (Linux: audit's loginuid).
const NO_LOGIN: u32 = u32::MAX;

/// A session that has its first line in the journal.
pub(super) struct JournaledSession {
    file: PathBuf,
    what: String,
    /// Whether the log has its lines, too.
    is_logged: bool,
    begun: Instant,
}

impl JournaledSession {
    /// Writes the line of a session that begins: `what` is the job, the container, and what runs there. A log in a file
    /// has it, too, if `is_logged`; on a terminal it would be in the way.
    ///
    /// # Errors
    ///
    /// When it cannot be written: there is no session without its line.
    pub(super) fn begin(folder: &Path, what: &str, is_logged: bool) -> Result<Self> {
        let what = plain(&format!(
            "{what}, by {}, process {}",
            who(),
            std::process::id()
        ));
        let session = Self {
            file: folder.join(JOURNAL),
            what,
            is_logged,
            begun: Instant::now(),
        };
        session.write("begins").map_err(|error| {
            let file = session.file.display();
            Error::system(format!(
                "could not write to the journal of sessions, {file}: {error}"
            ))
            .advise("Run this as the user that GitLab Runner runs as.")
        })?;
        Ok(session)
    }

    /// Writes the line of its end.
    pub(super) fn end(self, how: &str) {
        let seconds = self.begun.elapsed().as_secs();
        if let Err(error) = self.write(&format!("ended after {seconds} s ({how})")) {
            tracing::warn!(
                "the end of the session is not in {}: {error}",
                self.file.display()
            );
        }
    }

    fn write(&self, event: &str) -> std::io::Result<()> {
        let line = format!("session {event}: {}", self.what);
        match self.is_logged {
            true => tracing::info!("{line}"),
            false => tracing::debug!("{line}"),
        }
        let mut options = File::options();
        let mut file = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.file)?;
        give_to_owner_of(self.file.parent(), &file);
        // One write, so that sessions at the same time do not mix their lines.
        file.write_all(format!("{} {line}\n", rfc3339(now_millis())).as_bytes())
    }
}

/// Gives a journal that root has made to the folder's owner, who will write to it, too.
fn give_to_owner_of(folder: Option<&Path>, journal: &File) {
    let owner = folder.and_then(|folder| folder.metadata().ok());
    if let (Some(owner), Ok(now)) = (owner, journal.metadata())
        && now.uid() != owner.uid()
        && let Err(error) = fchown(journal, Some(owner.uid()), Some(owner.gid()))
    {
        tracing::debug!("the journal of sessions keeps its owner: {error}");
    }
}

/// The person: the user who logged in, as far as the kernel or sudo knows, and the user of this process.
fn who() -> String {
    let name = |uid: Uid| match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("user {uid}"),
    };
    let logged_in = std::fs::read_to_string("/proc/self/loginuid").ok();
    let logged_in = logged_in.and_then(|uid| uid.trim().parse().ok());
    let logged_in = logged_in
        .filter(|uid| *uid != NO_LOGIN)
        .map(|uid| name(Uid::from_raw(uid)));
    let user = name(getuid());
    let person = logged_in.or_else(|| std::env::var("SUDO_USER").ok());
    match person.filter(|person| *person != user) {
        Some(person) => format!("{person} as {user}"),
        None => user,
    }
}
