//! The commands `fargate manager image` and `fargate manager push`.

use std::path::{Path, PathBuf};

use super::super::elf;
use super::super::image::{Image, Variant};
use super::super::place::Place;
use super::super::pull::Source;
use super::super::{agent, layout, print, push as registry};
use super::image::{NAME, Programs, variant};
use crate::error::{Blame, Error, Result};
use crate::signals::Shutdown;

/// Writes the image to `output` and prints its digest.
///
/// # Errors
///
/// When a program or the base cannot be used, or the image cannot be written.
pub(crate) async fn write(
    folders: &[PathBuf],
    base: &str,
    output: &Path,
    shutdown: &Shutdown,
) -> Result<()> {
    let image = shutdown.or(make(folders, base)).await?;
    layout::write(&image, output)?;
    let digest = image.top().map(|top| top.digest.as_str());
    let summary = format!(
        "Wrote the manager for {}, on {base}, to {}.",
        image.architectures(),
        output.display()
    );
    print(&summary, digest.unwrap_or_default())
}

/// Pushes the image to a registry and prints the reference to use.
///
/// # Errors
///
/// When a program or the base cannot be used, or the registry does not take the image.
pub(crate) async fn push(
    folders: &[PathBuf],
    base: &str,
    destination: &str,
    insecure: bool,
    shutdown: &Shutdown,
) -> Result<()> {
    let destination = Place::to_push(destination, insecure)?;
    let image = shutdown.or(make(folders, base)).await?;
    let pushed = shutdown.or(registry::push(&image, &destination)).await?;
    let summary = format!(
        "{} has the manager for {}, on {base} ({} bytes sent).",
        pushed.tagged,
        image.architectures(),
        pushed.sent
    );
    print(&summary, &pushed.reference)
}

/// The image of the programs in these folders, or of this program and its agent.
async fn make(folders: &[PathBuf], base: &str) -> Result<Image> {
    let place = Place::to_pull(base)?;
    let mut pairs = Vec::new();
    for folder in folders {
        pairs.push((folder.join("fargate"), folder.join("fargate-agent")));
    }
    if pairs.is_empty() {
        let myself = std::env::current_exe().map_err(|error| {
            Error::system(format!("could not find this program's own file: {error}"))
        })?;
        pairs.push((myself, agent::beside()?));
    }
    let source = Source::find(&place).await?;
    let mut all: Vec<Programs> = Vec::new();
    for (driver, agent) in &pairs {
        let programs = pair(driver, agent)?;
        let architecture = programs.architecture;
        if all.iter().any(|other| other.architecture == architecture) {
            let message = format!("two of the folders are for {architecture}");
            return Err(Error::new(Blame::Usage, message)
                .advise("Give one --programs for each architecture."));
        }
        all.push(programs);
    }
    let mut variants: Vec<Variant> = Vec::new();
    for own in &all {
        let base = source.pull(own.architecture).await?;
        let others = all
            .iter()
            .filter(|other| other.architecture != own.architecture);
        variants.push(variant(base, own, others)?);
    }
    Ok(Image::new(NAME, variants))
}

/// Reads a driver and its agent.
fn pair(driver: &Path, agent: &Path) -> Result<Programs> {
    let (driver_file, agent_file) = (read(driver)?, read(agent)?);
    let architecture = elf::architecture(&agent_file).map_err(unfit(agent))?;
    if elf::architecture(&driver_file).map_err(unfit(driver))? != architecture {
        let message = format!(
            "{} and {} are for different machines",
            driver.display(),
            agent.display()
        );
        return Err(Error::new(Blame::Usage, message));
    }
    Ok(Programs {
        architecture,
        driver: driver_file,
        agent: agent_file,
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::system(format!("could not read {}: {error}", path.display()))
            .advise("Name the folder that has fargate and fargate-agent with --programs.")
    })
}

fn unfit(path: &Path) -> impl Fn(Error) -> Error {
    move |error| {
        error.context(format!(
            "{} cannot be in the manager's image",
            path.display()
        ))
    }
}
