//! What every stage works with.

use crate::config::{Config, Flags};
use crate::gitlab::Job;
use crate::signals::Shutdown;
use crate::state::record::Records;

/// One call of a stage: the job, the configuration, the metadata folder and the signals of this process.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// `fargate.toml`.
    pub(crate) config: &'a Config,
    /// The command line's say over it.
    pub(crate) flags: &'a Flags,
    /// The job of this call.
    pub(crate) job: Job,
    /// The records of this manager.
    pub(crate) records: Records,
    /// The signals that end this process.
    pub(crate) shutdown: Shutdown,
}
