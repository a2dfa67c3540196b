//! The agent's static program, from which its image is made.

use std::path::{Path, PathBuf};

use super::super::elf;
use crate::error::{Error, Result};

/// The name of the agent's program.
const NAME: &str = "fargate-agent";

/// Where the packages have it, seen from the folder of our own program.
const PACKAGED: &str = "../lib/fargate/fargate-agent";

/// The agent of another architecture beside that one: `fargate-agent-aarch64` where this machine is x86-64.
#[cfg(feature = "agent-image")]
const OTHER: &str = if cfg!(target_arch = "x86_64") {
    "fargate-agent-aarch64"
} else {
    "fargate-agent-x86_64"
};

/// The agent that runs in containers of this machine: the static program `named`, or the one beside ours.
///
/// # Errors
///
/// When it cannot be read, or does not run on this machine in any image.
#[cfg(feature = "trial")]
pub(crate) fn program(named: Option<&Path>) -> Result<Vec<u8>> {
    let path = named.map_or_else(beside, |path| Ok(path.to_owned()))?;
    let advice = format!(
        "{}, and name it with --agent; a release has it, too.",
        elf::BUILD
    );
    let program = file(&path, &advice)?;
    let architecture = elf::architecture(&program).map_err(unfit(&path))?;
    match architecture.is_this_machines() {
        true => Ok(program),
        false => {
            let here = std::env::consts::ARCH;
            let message = format!("it is for {architecture}, and this machine is {here}");
            Err(unfit(&path)(Error::system(message).advise(advice)))
        }
    }
}

/// Reads a program.
pub(in crate::images) fn file(path: &Path, advice: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let message = format!("could not read the agent {}: {error}", path.display());
        Error::system(message).advise(advice)
    })
}

/// Adds to an error that the program at `path` is unusable.
pub(super) fn unfit(path: &Path) -> impl Fn(Error) -> Error {
    move |error| error.context(format!("{} cannot be the agent", path.display()))
}

/// The program's path beside ours, or where packages have it if only that file exists.
pub(in crate::images) fn beside() -> Result<PathBuf> {
    let myself = std::env::current_exe().map_err(|error| {
        Error::system(format!("could not find this program's own file: {error}"))
    })?;
    let packaged = myself.with_file_name(PACKAGED);
    let beside = myself.with_file_name(NAME);
    match !beside.exists() && packaged.exists() {
        true => Ok(packaged),
        false => Ok(beside),
    }
}

/// The programs for an image that nobody named: the one beside ours, and that of the other architecture if it is there.
///
/// # Errors
///
/// When this process does not know its own file.
#[cfg(feature = "agent-image")]
pub(super) fn all_beside() -> Result<Vec<PathBuf>> {
    let own = beside()?;
    let other = own.with_file_name(OTHER);
    let mut programs = vec![own];
    programs.extend(Some(other).filter(|path| path.exists()));
    Ok(programs)
}
