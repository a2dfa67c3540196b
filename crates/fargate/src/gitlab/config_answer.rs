//! The answer to `custom config`.

use fargate_wire::{BUILDS_FOLDER, CACHE_FOLDER};
use serde::Serialize;

use super::job::Job;

/// What `config` answers on standard output.
///
/// A superset of what GitLab's driver says. Builds and cache folders stay those of the runner's own configuration
/// in TaskDefinition mode; in JobImage mode they are ours, because we make them. The shell is bash, whatever the
/// runner's configuration says: scripts for PowerShell cannot run here, and those for sh are the same.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigAnswer {
    driver: Driver,
    hostname: String,
    shell: &'static str,
    #[serde(flatten)]
    folders: Option<Folders>,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Folders {
    builds_dir: &'static str,
    cache_dir: &'static str,
}

impl ConfigAnswer {
    /// The answer for `job`. The job log shows the host name: "Running on … via HOSTNAME...".
    pub(crate) fn new(job: &Job, by_job_image: bool) -> Self {
        Self {
            driver: Driver {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
            hostname: job.record_name(),
            shell: "bash",
            folders: by_job_image.then_some(Folders {
                builds_dir: BUILDS_FOLDER,
                cache_dir: CACHE_FOLDER,
            }),
        }
    }
}
