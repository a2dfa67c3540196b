//! The stages that bring files from other jobs and earlier runs, and take files for later ones: artifacts and caches.
//!
//! Where a runner's scripts call `gitlab-runner`, ours print the files or take them in. Nothing is unpacked here.

use std::collections::BTreeSet;
use std::io;

use crate::job_log::JobLog;
use crate::runner::cache_folder::SIZE_LIMIT;
use crate::runner::collection::{Collection, Listing, Note};
use crate::runner::dotenv;
use crate::runner::failure::JobFailure;
use crate::runner::stages::Stages;
use crate::script::Scripts;
use crate::transfer::{Archive, Markers, Received};
use crate::variables::Variable;

/// Largest list of a project's files, in bytes.
const LISTING_LIMIT: u64 = 64 * 1024 * 1024;

/// Largest artifact or cache, in bytes: gitlab.com's limit of artifacts.
const ARCHIVE_LIMIT: u64 = 1024 * 1024 * 1024;

/// Largest archive of dotenv reports, in bytes.
const DOTENV_LIMIT: u64 = 16 * 1024 * 1024;

/// Most files of dotenv reports.
const MOST_DOTENV_FILES: usize = 100;

impl Stages<'_, '_> {
    /// `restore_cache`. A cache that is missing or broken is no failure.
    pub(crate) async fn restore_cache(&self, log: &mut JobLog) -> Result<(), JobFailure> {
        let caches = self.job.caches(&self.variables());
        let Some(folder) = self.cache_folder.filter(|_| !caches.is_empty()) else {
            return Ok(());
        };
        log.section("Restoring cache").await;
        let mut found = Vec::new();
        for cache in caches {
            for warning in &cache.warnings {
                log.warning(warning).await;
            }
            if cache.key.is_empty() {
                log.plain("Skipping cache extraction due to empty cache key")
                    .await;
                continue;
            }
            if !cache.is_pulled()? {
                log.plain(&format!(
                    "Not downloading cache {} due to policy",
                    cache.key
                ))
                .await;
                continue;
            }
            for key in cache.keys() {
                log.plain(&format!("Checking cache for {key}...")).await;
                let archive = folder.find(key).and_then(|archive| {
                    // A broken one must not spoil the others, which travel in one archive.
                    archive.as_ref().map(Archive::check).transpose()?;
                    Ok(archive)
                });
                match archive {
                    Ok(Some(archive)) => {
                        found.push(archive);
                        break;
                    }
                    Ok(None) => log.plain("No such cache yet").await,
                    Err(error) => {
                        log.warning(&format!("Failed to extract cache {key}: {error}"))
                            .await
                    }
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let files = match Archive::joined(&found) {
            Ok(files) => files,
            Err(error) => {
                log.warning(&format!("Failed to extract cache: {error}"))
                    .await;
                return Ok(());
            }
        };
        let script = |scripts: &Scripts<'_>| scripts.unpack_cache(&files);
        self.tried(log, "restore_cache", "RESTORE_CACHE_ATTEMPTS", script)
            .await
    }

    /// `download_artifacts`
    pub(crate) async fn download_artifacts(&self, log: &mut JobLog) -> Result<(), JobFailure> {
        if self.job.given.is_empty() {
            return Ok(());
        }
        log.section("Downloading artifacts").await;
        for (job, archive) in &self.job.given {
            let size = size(archive);
            log.plain(&format!("Downloading artifacts for {job} ({size})..."))
                .await;
        }
        let archives: Vec<Archive> = self
            .job
            .given
            .iter()
            .map(|(_, files)| files.clone())
            .collect();
        let files =
            Archive::joined(&archives).map_err(|error| io_failure("join artifacts", &error))?;
        let script = |scripts: &Scripts<'_>| scripts.unpack(&files);
        self.tried(
            log,
            "download_artifacts",
            "ARTIFACT_DOWNLOAD_ATTEMPTS",
            script,
        )
        .await
    }

    /// `archive_cache`, or `archive_cache_on_failure`.
    pub(crate) async fn archive_cache(
        &self,
        log: &mut JobLog,
        succeeded: bool,
    ) -> Result<(), JobFailure> {
        let (name, title) = match succeeded {
            true => ("archive_cache", "Saving cache for successful job"),
            false => ("archive_cache_on_failure", "Saving cache for failed job"),
        };
        let mut caches = self.job.caches(&self.variables());
        caches.retain(|cache| cache.when.keeps(succeeded));
        let Some(folder) = self.cache_folder.filter(|_| !caches.is_empty()) else {
            return Ok(());
        };
        log.section(title).await;
        for cache in caches {
            if cache.key.is_empty() {
                log.plain("Skipping cache archiving due to empty cache key")
                    .await;
                continue;
            }
            if !cache.is_pushed()? {
                log.plain(&format!("Not uploading cache {} due to policy", cache.key))
                    .await;
                continue;
            }
            log.plain(&format!("Creating cache {}...", cache.key)).await;
            let taken = self.take(log, name, &cache.collection, ARCHIVE_LIMIT);
            let archive = match taken.await? {
                Some(Received::Archive(archive)) => archive,
                Some(Received::TooLarge) => {
                    log.warning("it is more than 1 GiB, too much for a local run: it is not kept")
                        .await;
                    continue;
                }
                None => continue,
            };
            match folder.keep(&cache.key, &archive, SIZE_LIMIT) {
                Ok(removed) => {
                    let size = size(&archive);
                    log.plain(&format!("Created cache ({size})")).await;
                    if removed > 0 {
                        log.plain(&format!(
                            "Removed {removed} of the oldest caches: all together have 5 GiB at most"
                        ))
                        .await;
                    }
                }
                Err(error) => {
                    log.warning(&format!("Failed to create cache: {error}"))
                        .await
                }
            }
        }
        Ok(())
    }

    /// `upload_artifacts_on_success`, or `upload_artifacts_on_failure`.
    pub(crate) async fn upload_artifacts(
        &mut self,
        log: &mut JobLog,
        succeeded: bool,
    ) -> Result<(), JobFailure> {
        let (name, title) = match succeeded {
            true => (
                "upload_artifacts_on_success",
                "Uploading artifacts for successful job",
            ),
            false => (
                "upload_artifacts_on_failure",
                "Uploading artifacts for failed job",
            ),
        };
        let Some(artifacts) = self.job.artifacts(&self.variables()) else {
            return Ok(());
        };
        // GitLab asks for reports with `when: always`.
        let has_files = !artifacts.collection.is_empty() && artifacts.when.keeps(succeeded);
        if !has_files && artifacts.dotenv.is_empty() {
            return Ok(());
        }
        log.section(title).await;
        if has_files {
            let archive = self.take(log, name, &artifacts.collection, ARCHIVE_LIMIT);
            let archive = archive.await?;
            self.kept.files = self.uploaded(log, ("archive", "1 GiB"), archive).await?;
        }
        if !artifacts.dotenv.is_empty() {
            let collection = Collection {
                paths: artifacts.dotenv.clone(),
                ..Collection::default()
            };
            let archive = self.take(log, name, &collection, DOTENV_LIMIT).await?;
            if let Some(archive) = self.uploaded(log, ("dotenv", "16 MiB"), archive).await? {
                self.kept.variables = read_dotenv(&archive)?;
                let count = self.kept.variables.len();
                let noun = if count == 1 { "variable" } else { "variables" };
                log.plain(&format!("{count} {noun} for later jobs")).await;
            }
        }
        Ok(())
    }

    /// Says what came of an upload of this kind, which has a limit.
    async fn uploaded(
        &self,
        log: &mut JobLog,
        (kind, limit): (&str, &str),
        archive: Option<Received>,
    ) -> Result<Option<Archive>, JobFailure> {
        match archive {
            None => {
                log.error("No files to upload").await;
                Ok(None)
            }
            Some(Received::TooLarge) => Err(JobFailure::Refused(format!(
                "the artifacts ({kind}) are more than {limit}, too much for a local run"
            ))),
            Some(Received::Archive(archive)) => {
                let size = size(&archive);
                log.plain(&format!(
                    "Uploading artifacts as \"{kind}\" to later jobs of this trial ({size})"
                ))
                .await;
                Ok(Some(archive))
            }
        }
    }

    /// Takes the files of a collection from the task, at most `limit` bytes; `None` where there are none.
    async fn take(
        &self,
        log: &mut JobLog,
        stage: &str,
        collection: &Collection,
        limit: u64,
    ) -> Result<Option<Received>, JobFailure> {
        let project = &self.prepared.paths.project;
        let roots = collection.roots(project);
        let listing = match roots.is_empty() {
            true => Listing::default(),
            false => self.list(log, stage, &roots).await?,
        };
        let sent = match (collection.untracked, self.job.sources.archive()) {
            (true, Some(sources)) => sources
                .names()
                .map_err(|error| io_failure("read the sources", &error))?,
            _ => BTreeSet::new(),
        };
        let chosen = collection.choose(&listing, project, &sent);
        for note in &chosen.notes {
            match note {
                Note::Plain(text) => log.plain(text).await,
                Note::Warning(text) => log.warning(text).await,
            }
        }
        if chosen.names.is_empty() {
            return Ok(None);
        }
        // A folder that may not be written to must come after all that is in it.
        let folders = chosen
            .folders
            .iter()
            .rev()
            .filter(|_| listing.folders_alone);
        let names = chosen.names.iter().chain(folders);
        let names: Vec<u8> = names
            .flat_map(|name| [b"./".as_slice(), name, b"\0"].concat())
            .collect();
        let names = Archive::copied(&names[..], u64::MAX);
        let names = names.map_err(|error| io_failure("write a list", &error))?;
        let Some(names) = names else {
            return Ok(None);
        };
        let markers = Markers::new().map_err(|error| io_failure("read random bytes", &error))?;
        let script = |scripts: &Scripts<'_>| scripts.pack(&markers, &names, listing.folders_alone);
        let mut received = self.received(log, stage, script, (&markers, limit)).await?;
        match received.pop() {
            None => Err(JobFailure::System("the task sent no files".to_owned())),
            some => Ok(some),
        }
    }

    async fn list(
        &self,
        log: &mut JobLog,
        stage: &str,
        roots: &BTreeSet<String>,
    ) -> Result<Listing, JobFailure> {
        let markers = Markers::new().map_err(|error| io_failure("read random bytes", &error))?;
        let script = |scripts: &Scripts<'_>| scripts.list(&markers, roots);
        let received = self
            .received(log, stage, script, (&markers, LISTING_LIMIT))
            .await?;
        let mut received = received;
        let folders_alone = match received.pop() {
            Some(Received::Archive(answer)) => answer.size() > 0,
            _ => false,
        };
        let mut lists = received.into_iter().map(names);
        let mut next = || {
            let broken = || Err(io::Error::other("the task sent none"));
            let list = lists.next().unwrap_or_else(broken);
            list.map_err(|error| io_failure("read the list of files", &error))
        };
        Ok(Listing {
            folders: next()?,
            files: next()?,
            folders_alone,
        })
    }
}

/// The names of a list, each ended by a NUL.
fn names(list: Received) -> io::Result<BTreeSet<Vec<u8>>> {
    let Received::Archive(list) = list else {
        return Err(io::Error::other("it is more than 64 MiB"));
    };
    let list = list.content(LISTING_LIMIT)?.unwrap_or_default();
    let names = list.split(|byte| *byte == 0);
    let names = names.filter_map(|name| name.strip_prefix(b"./"));
    // The folder itself has this name.
    let names = names.filter(|name| !matches!(*name, b"" | b"."));
    Ok(names
        .map(|name| name.strip_prefix(b"./").unwrap_or(name).to_vec())
        .collect())
}

/// The variables in the files of a report.
fn read_dotenv(archive: &Archive) -> Result<Vec<Variable>, JobFailure> {
    let refused =
        |reason: &str| JobFailure::Refused(format!("the dotenv report is refused: {reason}"));
    let members = archive.members(MOST_DOTENV_FILES, dotenv::LARGEST);
    let members = members.map_err(|error| io_failure("read the dotenv report", &error))?;
    let files = members.into_iter().map(|(name, content)| {
        let name = String::from_utf8_lossy(&name).into_owned();
        let content = content.ok_or_else(|| refused(&format!("{name} is more than 4 MiB")))?;
        Ok((name, content))
    });
    dotenv::read(&files.collect::<Result<Vec<_>, _>>()?).map_err(|reason| refused(&reason))
}

fn io_failure(action: &str, error: &io::Error) -> JobFailure {
    JobFailure::System(format!("could not {action}: {error}"))
}

/// A size for people.
fn size(archive: &Archive) -> String {
    match archive.size() {
        bytes if bytes < 10_000 => format!("{bytes} bytes"),
        bytes if bytes < 10_000_000 => format!("{} KB", bytes / 1000),
        bytes => format!("{} MB", bytes / 1_000_000),
    }
}
