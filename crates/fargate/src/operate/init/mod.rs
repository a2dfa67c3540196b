//! `fargate init`: makes `fargate.toml`, the `[[runners]]` part of `config.toml` and IAM policies.
//!
//! Answers come from options, from a stack's outputs, or from a person. A second call keeps the `fargate.toml` of the
//! first, and makes what was missing then: so the runner's token may come later.

mod answers;
mod fargate_toml;
mod files;
mod interview;
mod make;
mod names;
mod next_steps;
mod offer;
mod places;
mod policies;
mod runner_file;
mod runner_toml;
mod setup;
mod stack;
mod terminal;
mod token;

use std::path::{Path, PathBuf};

#[cfg(feature = "agent-image")]
pub(super) use self::answers::{Answers, Images, Jobs};
#[cfg(feature = "agent-image")]
pub(super) use self::fargate_toml::{quoted, text as configuration};
use self::places::Places;
#[cfg(feature = "agent-image")]
pub(super) use self::runner_toml::RunnerEntry;
use self::setup::Setup;
use crate::cli::{Doctor, Init};
use crate::error::Result;
use crate::operate::doctor;
use crate::output::progress;
use crate::signals::Shutdown;

/// Makes the files, says what is left to do, and ends with doctor.
///
/// # Errors
///
/// When options are missing or wrong, files are in the way, or doctor finds a fault.
pub(crate) async fn init(
    request: &Init,
    config_file: Option<&Path>,
    shutdown: &Shutdown,
) -> Result<()> {
    let look = doctor::Host::look(request.runner_config.as_deref());
    let host = progress("Asking GitLab Runner", look).await;
    let config_toml = absolute(host.runner_file());
    let fargate_toml =
        config_file.map_or_else(|| config_toml.with_file_name("fargate.toml"), absolute);
    let places = Places {
        is_called: host.calls(&fargate_toml),
        fargate_toml,
        config_toml,
    };
    let setup = Setup::find(request, &places, host, shutdown).await?;
    let made = shutdown
        .or(progress("Asking AWS", make::make(request, &setup, &places)))
        .await?;
    terminal::show(&format!("{made}\nWhat doctor says of it:\n\n"))?;
    let doctor = Doctor {
        // A step that is still to come is no fault yet.
        pre: !places.config_toml.exists(),
        start: false,
        probe: false,
        only: Vec::new(),
        skip: Vec::new(),
        runner_config: Some(places.config_toml.clone()),
        json: false,
    };
    doctor::doctor(&doctor, Some(&places.fargate_toml), shutdown).await
}

/// The path as GitLab Runner needs it: it calls the driver in a temporary folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
