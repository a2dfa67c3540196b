//! The context of a stage: job, configuration, folder and signals.

use crate::config::{Config, Flags};
use crate::error::Result;
use crate::gitlab::Job;
use crate::signals::Shutdown;
use crate::state::identity::Identity;
use crate::state::records::Records;

/// One call of a stage: the job, the configuration, the metadata folder and the signals of this process.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// `fargate.toml`.
    pub(crate) config: &'a Config,
    /// The command line's overrides of it.
    pub(crate) flags: &'a Flags,
    /// The job of this call.
    pub(crate) job: Job,
    /// The records of this manager.
    pub(crate) records: Records,
    /// The signals that end this process.
    pub(crate) shutdown: Shutdown,
}

impl Context<'_> {
    /// The identity that this manager's tasks carry.
    ///
    /// # Errors
    ///
    /// When the folder's id can neither be read nor made.
    pub(crate) fn identity(&self) -> Result<Identity> {
        Identity::of(self.records.directory(), self.config.manager.as_deref())
    }
}
