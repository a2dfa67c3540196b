//! Looks at tasks that the processes of a manager share.
//!
//! AWS limits DescribeTasks to some twenty calls a second for all callers of an account, and takes a hundred tasks a
//! call. So each process that watches a task leaves a file in a folder. One of them, with a lock, asks for all and
//! lays out the answers; the others read theirs. Any of them may be killed at any time: locks go with their
//! processes, and the next one that asks removes the files they leave behind.
//!
//! ```text
//! looks/turn            when AWS may be asked again; locked by the process that asks
//! looks/TASK.PID.new    of a process that is about to wait
//! looks/TASK.PID.wait   a task's ARN; locked by the process that waits
//! looks/TASK.PID.seen   the answer for it
//! looks/.NAME.X.draft   an answer that is not complete yet
//! ```

#[cfg(test)]
mod model;
mod schedule;

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use self::schedule::{Move, Need, View, spacing};
use crate::aws::{Aws, AwsError};
use crate::backoff::jitter;
use crate::error::{Error, Result};
use crate::state::clock::{self, millis};
use crate::state::file_names;
use crate::state::files::{self, Draft, discard};
use crate::task::{self, Task};

const FOLDER: &str = "looks";
const WAITING: &str = "wait";
const SEEN: &str = "seen";
const NEW: &str = "new";

/// How old a file is at least whose process was killed when it was about to wait, which takes milliseconds.
const NEW_AGE: Duration = Duration::from_secs(60);

/// Pause between attempts at the lock while another process asks.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Bound of one look: that of a call, and of another process's before it.
const BOUND: Duration = Duration::from_secs(90);

/// One process's interest in one task, as long as this lives.
#[derive(Debug)]
pub(crate) struct TaskWatcher {
    folder: PathBuf,
    cluster: String,
    arn: String,
    /// Name of its files, without their endings.
    name: String,
    /// Locked as long as this process waits.
    _waiting: File,
    /// When the last answer was asked for.
    seen_at: u64,
}

/// An answer, as it is laid out.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    /// When AWS was asked, in milliseconds since 1970.
    asked_at: u64,
    /// The task; `None` when AWS does not know it, or did not answer.
    task: Option<Task>,
    /// Why it did not answer.
    refused: Option<AwsError>,
}

impl TaskWatcher {
    /// Announces this process's interest in the task, in the folder of the records.
    ///
    /// # Errors
    ///
    /// When nothing can be written there.
    pub(crate) fn new(directory: &Path, cluster: &str, arn: &str) -> Result<Self> {
        let folder = directory.join(FOLDER);
        let name = format!("{}.{}", task::id(arn), std::process::id());
        let announce = || {
            files::make_folder(&folder)?;
            // Under another name until it is locked: one that is not locked is taken for a dead process's.
            let draft = folder.join(format!("{name}.{NEW}"));
            let mut file = files::create(&draft)?;
            file.lock()?;
            file.write_all(arn.as_bytes())?;
            std::fs::rename(&draft, folder.join(format!("{name}.{WAITING}")))?;
            Ok(file)
        };
        let waiting = announce().map_err(|error: std::io::Error| {
            Error::system(format!("could not write to {}: {error}", folder.display())).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {} ([TaskMetadata] Directory).",
                directory.display()
            ))
        })?;
        Ok(Self {
            folder,
            cluster: cluster.to_owned(),
            arn: arn.to_owned(),
            name,
            _waiting: waiting,
            seen_at: 0,
        })
    }

    /// What AWS says of the task, asked for after the last look, and no longer ago than `pause`; nothing when AWS does
    /// not know it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, maybe of a call that another process made.
    pub(crate) async fn look(
        &mut self,
        aws: &Aws,
        pause: Duration,
    ) -> Result<Option<Task>, AwsError> {
        let give_up_at = Instant::now() + BOUND;
        let need = Need {
            after: self.seen_at,
            not_before: now().saturating_sub(millis(pause)),
        };
        while Instant::now() < give_up_at {
            let (next, answer) = self.next(need);
            match (next, answer) {
                (Move::Take, Some(answer)) => return self.take(answer),
                (Move::Wait(time), _) => sleep(time + jitter(LOCK_PAUSE)).await,
                _ => match LookLock::take(&self.folder) {
                    // It may have been another's until a moment ago.
                    Ok(Some(mut turn)) if self.next(need).0 == Move::Ask => {
                        let answer = self.ask(aws, &mut turn).await?;
                        return self.take(answer);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => sleep(jitter(LOCK_PAUSE)).await,
                    Err(error) => {
                        tracing::debug!("could not lock {}: {error}", self.folder.display());
                        return aws.describe_task(&self.cluster, &self.arn).await;
                    }
                },
            }
        }
        Err(AwsError::abandoned("ecs:DescribeTasks"))
    }

    /// The next move, and the answer that lies there.
    fn next(&self, need: Need) -> (Move, Option<Answer>) {
        let seen = std::fs::read(self.file(&self.name, SEEN)).ok();
        let answer = seen.and_then(|seen| serde_json::from_slice::<Answer>(&seen).ok());
        let view = View {
            now: now(),
            answered: answer.as_ref().map(|answer| answer.asked_at),
            next_at: LookLock::next_at(&self.folder),
        };
        (schedule::next(need, view), answer)
    }

    fn take(&mut self, answer: Answer) -> Result<Option<Task>, AwsError> {
        self.seen_at = answer.asked_at;
        match answer.refused {
            Some(refusal) => Err(refusal),
            None => Ok(answer.task),
        }
    }

    /// Asks for all who wait, lays out their answers, and returns this process's own.
    async fn ask(&self, aws: &Aws, turn: &mut LookLock) -> Result<Answer, AwsError> {
        let mut waiting = self.waiting();
        waiting.push((self.name.clone(), self.arn.clone()));
        let asked_at = now();
        // Beforehand: also a call that fails, or whose caller is killed, is not to be repeated by everybody at once.
        turn.note(asked_at + millis(spacing(waiting.len())));
        let arns: Vec<String> = waiting.iter().map(|(_, arn)| arn.clone()).collect();
        let asked = aws.describe_tasks(&self.cluster, &arns).await;
        let answer = |arn: &str| Answer {
            asked_at,
            task: match &asked {
                Ok(tasks) => tasks.iter().find(|task| task.arn == arn).cloned(),
                Err(_) => None,
            },
            refused: asked.as_ref().err().cloned(),
        };
        match &asked {
            // Others may have other credentials, and are to have their own error.
            Err(refusal) if !refusal.may_pass() => return Err(refusal.clone()),
            _ => {}
        }
        for (name, arn) in waiting.iter().filter(|(name, _)| *name != self.name) {
            if let Err(error) = self.lay_out(name, &answer(arn)) {
                tracing::debug!("could not lay out the answer for {name}: {error}");
            }
        }
        Ok(answer(&self.arn))
    }

    /// The names and ARNs of the others that wait for tasks of the same cluster. Removes the files of dead ones.
    fn waiting(&self) -> Vec<(String, String)> {
        let mut waiting = Vec::new();
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return waiting;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(file) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let (name, ending) = match file.rsplit_once('.') {
                Some((name, ending)) => (name, Some(ending)),
                None => (file, None),
            };
            let is_abandoned = match ending {
                _ if !file_names::is_look(file) => false,
                // A process announces itself before anything is laid out for it.
                Some(SEEN) => !self.file(name, WAITING).exists(),
                Some(NEW) => is_old(&path),
                // Only the process with the lock writes it, and not yet.
                _ => ending != Some(WAITING),
            };
            if is_abandoned {
                discard(&path);
            }
            if ending != Some(WAITING) || name == self.name {
                continue;
            }
            let Ok(mut file) = File::open(&path) else {
                continue;
            };
            if file.try_lock_shared().is_ok() {
                self.forget(name);
                continue;
            }
            let mut arn = String::new();
            if file.read_to_string(&mut arn).is_ok() && cluster(&arn) == cluster(&self.arn) {
                waiting.push((name.to_owned(), arn));
            }
        }
        waiting
    }

    /// An answer need not outlive a crash of the machine.
    fn lay_out(&self, name: &str, answer: &Answer) -> std::io::Result<()> {
        Draft::new(&self.file(name, SEEN), &serde_json::to_vec(answer)?)?.persist()?;
        // Its process may have ended meanwhile, and removed what was there.
        if !self.file(name, WAITING).exists() {
            self.forget(name);
        }
        Ok(())
    }

    fn forget(&self, name: &str) {
        for ending in [WAITING, SEEN] {
            discard(&self.file(name, ending));
        }
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }
}

impl Drop for TaskWatcher {
    fn drop(&mut self) {
        self.forget(&self.name);
    }
}

/// The right to ask, until it is dropped. Its file says when somebody may ask again.
struct LookLock(File);

impl LookLock {
    /// Nothing while another process has it.
    fn take(folder: &Path) -> std::io::Result<Option<Self>> {
        let file = files::open(&folder.join("turn"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn next_at(folder: &Path) -> Option<u64> {
        let content = std::fs::read_to_string(folder.join("turn")).ok()?;
        content.trim().parse().ok()
    }

    /// One write of always the same length, so that a reader sees the old time or the new one.
    fn note(&mut self, next_at: u64) {
        let written = self
            .0
            .rewind()
            .and_then(|()| self.0.write_all(format!("{next_at:020}").as_bytes()));
        if let Err(error) = written {
            tracing::debug!("could not note when to ask again: {error}");
        }
    }
}

/// Whether a file was written long ago.
fn is_old(path: &Path) -> bool {
    let written = path.metadata().and_then(|file| file.modified()).ok();
    let age = written.and_then(|written| written.elapsed().ok());
    age.is_some_and(|age| age > NEW_AGE)
}

/// The part that the ARNs of a cluster's tasks share.
fn cluster(arn: &str) -> Option<&str> {
    arn.rsplit_once('/').map(|(cluster, _)| cluster)
}

fn now() -> u64 {
    millis(clock::now())
}
