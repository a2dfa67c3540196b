//! What lies in the metadata folder: records, locks, this manager's identity, and looks at tasks that its processes share.

pub(crate) mod files;
pub(crate) mod identity;
pub(crate) mod liveness;
pub(crate) mod locks;
pub(crate) mod looks;
pub(crate) mod record;
