//! What keep works with: configuration, folder and AWS.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use crate::aws::Aws;
use crate::config::{Config, Flags, beside};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::signals::Shutdown;
use crate::state::identity::Identity;
use crate::state::records::Records;
use crate::state::warm::{WarmTasks, keeper_of};
use crate::teardown::sweep::{self, Sweep};
use crate::teardown::{self, Teardown};

/// When the two files of a configuration were last written, where they are there.
pub(super) type Written = [Option<SystemTime>; 2];

/// What keep works with. Changes of the files make a new one.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Config,
    flags: Flags,
    pub(super) records: Records,
    pub(super) identity: Identity,
    pub(super) aws: Aws,
    /// Id of the keeper for this file.
    pub(super) keeper: String,
    shutdown: Shutdown,
}

impl Setup {
    /// The setup for this configuration.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used.
    pub(super) async fn new(config: Config, flags: Flags, shutdown: &Shutdown) -> Result<Self> {
        let fargate = &config.fargate;
        let records = Records::open(&config.metadata_directory, config.ledger_months)?;
        check_owner(records.directory())?;
        Ok(Self {
            identity: Identity::of(records.directory(), config.manager.as_deref())?,
            aws: Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await,
            keeper: keeper_of(&config.file),
            records,
            flags,
            shutdown: shutdown.clone(),
            config,
        })
    }

    /// The same for the file as it is now.
    ///
    /// # Errors
    ///
    /// When it is wrong, or names another folder: tasks of this one would be forgotten.
    pub(super) async fn again(&self) -> Result<Self> {
        let config = Config::load(&self.config.file)?;
        if config.metadata_directory != self.config.metadata_directory {
            return Err(Error::system(
                "it names another [TaskMetadata] Directory; start `fargate warm keep` again for that",
            ));
        }
        let flags = Flags {
            task_definition: self.flags.task_definition.clone(),
            platform_version: self.flags.platform_version.clone(),
        };
        Self::new(config, flags, &self.shutdown).await
    }

    /// When the file was last written, and the one beside it.
    pub(super) fn written(&self) -> Written {
        let file = &self.config.file;
        [file.clone(), beside(file)].map(|file| std::fs::metadata(file).ok()?.modified().ok())
    }

    /// The context of a start without a job.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            config: &self.config,
            flags: &self.flags,
            job: Job::default(),
            records: self.records.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    /// The waiting tasks of the folder.
    pub(super) fn warm(&self) -> WarmTasks<'_> {
        WarmTasks::of(&self.records)
    }

    /// The means to finish what was cut short.
    pub(super) fn sweep(&self) -> Sweep<'_> {
        Sweep {
            aws: &self.aws,
            records: &self.records,
            fargate: &self.config.fargate,
            identity: &self.identity,
            patience: sweep::PATIENCE,
            most_kept: self.config.fargate.keep_failed.tasks,
            dry_run: false,
            log: None,
        }
    }

    /// The means to end one.
    pub(super) fn teardown(&self) -> Teardown<'_> {
        Teardown {
            aws: &self.aws,
            records: &self.records,
            identity: &self.identity,
            cluster: &self.config.fargate.cluster,
            patience: teardown::PATIENCE,
        }
    }
}

/// Refuses to write to a folder of another user, whose jobs could not read it any more.
fn check_owner(folder: &Path) -> Result<()> {
    let Ok(metadata) = std::fs::metadata(folder) else {
        return Ok(());
    };
    let (owner, own) = (metadata.uid(), nix::unistd::geteuid().as_raw());
    match owner == own {
        true => Ok(()),
        false => Err(Error::system(format!(
            "{} belongs to user {owner}, and this process runs as user {own}",
            folder.display()
        ))
        .advise("Run it as the user that GitLab Runner runs as ([TaskMetadata] Directory).")),
    }
}
