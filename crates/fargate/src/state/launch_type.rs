//! The clusters that need `launchType: FARGATE`, as the folder remembers them for an hour.
//!
//! A cluster without a default capacity provider strategy looks for machines of its own where a request says nothing.
//! Each memory is an empty file. It counts from the last time that AWS showed it, so a strategy that the operator gives
//! the cluster has an effect within the hour.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{file_names, files};
use crate::config::Fargate;

/// How long AWS's answer is believed (DESIGN.md, section 6).
const MEMORY: Duration = Duration::from_secs(3600);

/// Whether a task of the configured cluster was started within the hour with that launch type, and only with it.
pub(crate) fn is_needed(directory: &Path, fargate: &Fargate) -> bool {
    let noted = path(directory, fargate)
        .metadata()
        .and_then(|file| file.modified());
    // A time in the future comes from a clock that was set back.
    let age = noted.ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age < MEMORY)
}

/// Remembers that the configured cluster needs it. Without that, the next job finds out for itself.
pub(crate) fn note(directory: &Path, fargate: &Fargate) {
    let file = path(directory, fargate);
    if let Err(error) =
        files::create(&file).and_then(|file| file.set_modified(std::time::SystemTime::now()))
    {
        tracing::debug!("could not write {}: {error}", file.display());
    }
}

/// The file of a cluster, which is known by its name, Region and endpoint.
fn path(directory: &Path, fargate: &Fargate) -> PathBuf {
    let mut hash = Sha256::new();
    let endpoint = fargate.endpoint.as_deref().unwrap_or_default();
    for part in [&fargate.cluster, &fargate.region, endpoint] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash
        .finalize()
        .iter()
        .take(file_names::CLUSTER_DIGITS / 2)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    directory.join(format!(
        "{}{digits}{}",
        file_names::LAUNCH_TYPE,
        file_names::LOCK
    ))
}
