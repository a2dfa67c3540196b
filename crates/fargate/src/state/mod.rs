//! The metadata folder: records, locks, this manager's identity, and looks at tasks that its processes share.

pub(crate) mod clock;
pub(crate) mod ending;
mod file_names;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod hedges;
pub(crate) mod identity;
pub(crate) mod job_folder;
pub(crate) mod launch_type;
pub(crate) mod ledger;
pub(crate) mod liveness;
pub(crate) mod locks;
pub(crate) mod note;
pub(crate) mod outcome;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod start;
pub(crate) mod start_time;
pub(crate) mod sweep_log;
pub(crate) mod waiting;
pub(crate) mod wanted;
pub(crate) mod warm;
pub(crate) mod watch;
