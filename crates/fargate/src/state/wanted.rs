//! What jobs asked for lately: a file for each kind of start, `wanted/HASH.json`. `fargate warm keep` follows it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use warm_policy::WINDOW;

use super::clock::now_millis;
use super::file_names;
use super::files::{self, Draft, discard};
use super::records::Records;
use super::warm::WarmTasks;
use crate::error::{Error, Result};
use crate::gitlab::Wish;

/// Its folder in the folder of waiting tasks.
const FOLDER: &str = "wanted";

/// Ending of its files.
const ENDING: &str = ".json";

/// Most jobs that are remembered of a kind.
const MOST: usize = 1000;

/// The age of a draft that nobody completes any more: writing one takes milliseconds.
const DRAFT_AGE: Duration = Duration::from_secs(60);

/// A kind of start, and the jobs that asked for it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// The hash of such a start, with the name of its definition in place of an ARN.
    pub(crate) hash: String,
    /// The image with its services, or the task definition, for people.
    pub(crate) title: String,
    /// What one of the jobs asked for.
    pub(crate) wish: Wish,
    /// When jobs asked for it, in milliseconds since 1970 and in order.
    pub(crate) arrivals: Vec<u64>,
}

/// What jobs of one metadata folder asked for lately.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedStarts<'a> {
    records: &'a Records,
}

impl<'a> WantedStarts<'a> {
    /// That beside these records.
    pub(crate) fn of(records: &'a Records) -> Self {
        Self { records }
    }

    /// Notes that a job asks for a start of this kind now. `wish` tells what it asks for; nothing where that is not
    /// enough to start a task for another one.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn note(
        &self,
        hash: &str,
        title: &str,
        wish: impl FnOnce() -> Result<Option<Wish>>,
    ) -> Result<()> {
        let folder = self.folder();
        let Some(file) = file(&folder, hash) else {
            return Ok(());
        };
        let wish = match file.exists() {
            true => None,
            false => match wish()? {
                None => return Ok(()),
                wish => wish,
            },
        };
        let _lock = self.records.lock()?;
        let known = read(&file);
        let Some(mut wanted) = known.or_else(|| {
            Some(Wanted {
                hash: hash.to_owned(),
                title: title.to_owned(),
                wish: wish?,
                arrivals: Vec::new(),
            })
        }) else {
            // It went this moment; the next job makes it again.
            return Ok(());
        };
        let now = now_millis();
        wanted
            .arrivals
            .retain(|at| *at <= now && now - at <= WINDOW);
        wanted.arrivals.push(now);
        let surplus = wanted.arrivals.len().saturating_sub(MOST);
        wanted.arrivals.drain(..surplus);
        // Without fsync: what a crash loses the next jobs tell again.
        let write = || {
            files::make_folder(&WarmTasks::of(self.records).folder())?;
            files::make_folder(&folder)?;
            Draft::new(&file, &serde_json::to_vec(&wanted)?)?.persist()
        };
        files::again(write)
            .map_err(|error| Error::system(format!("could not write {}: {error}", file.display())))
    }

    /// What jobs asked for lately. Files that nobody has asked for in a long time go, and drafts of killed processes.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that does not exist has none.
    pub(crate) fn all(&self) -> Result<Vec<Wanted>> {
        let folder = self.folder();
        let mut all = Vec::new();
        for (path, age) in self.records.files_in(&folder)? {
            let name = path.file_name().and_then(|name| name.to_str());
            if age > DRAFT_AGE && name.is_some_and(|name| is_draft(&folder, name)) {
                discard(&path);
            }
            let Some(hash) = name.and_then(|name| name.strip_suffix(ENDING)) else {
                continue;
            };
            if file(&folder, hash).is_none() {
                continue;
            }
            let wanted = read(&path).filter(|wanted| wanted.hash == hash);
            let now = now_millis();
            let is_late = |at: &u64| now.saturating_sub(*at) <= WINDOW;
            match wanted {
                Some(wanted) if wanted.arrivals.last().is_some_and(is_late) => all.push(wanted),
                _ => discard(&path),
            }
        }
        Ok(all)
    }

    fn folder(&self) -> PathBuf {
        WarmTasks::of(self.records).folder().join(FOLDER)
    }
}

/// The file of this kind; nothing where the text is no hash: no other becomes a part of a path.
fn file(folder: &Path, hash: &str) -> Option<PathBuf> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let is_hash = hash.len() == 32 && hash.bytes().all(is_digit);
    is_hash.then(|| folder.join(format!("{hash}{ENDING}")))
}

/// Whether it is a draft of such a file.
fn is_draft(folder: &Path, name: &str) -> bool {
    let target = file_names::draft_target(name).and_then(|target| target.strip_suffix(ENDING));
    target.is_some_and(|hash| file(folder, hash).is_some())
}

/// The content of a file; nothing where it is gone or damaged.
fn read(file: &Path) -> Option<Wanted> {
    serde_json::from_slice(&files::read(file).ok()?).ok()
}
