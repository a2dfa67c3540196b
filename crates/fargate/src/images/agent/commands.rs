//! The commands `fargate agent image` and `fargate agent push`.

use std::path::{Path, PathBuf};

use super::super::image::{Image, Variant};
use super::super::place::Place;
use super::super::{layout, print, push as registry};
use super::image::{PROGRAM, variant};
use super::program::{all_beside, file, unfit};
use crate::error::{Blame, Error, Result};
use crate::output::progress;
use crate::signals::Shutdown;

/// Writes the image to `output` and prints its digest.
///
/// # Errors
///
/// When a program cannot be used, or the image cannot be written.
pub(crate) fn write(programs: &[PathBuf], output: &Path) -> Result<()> {
    let image = read(programs)?;
    layout::write(&image, output)?;
    let digest = image.top().map(|top| top.digest.as_str());
    print(
        &format!("Wrote {} to {}.", contents(&image), output.display()),
        digest.unwrap_or_default(),
    )
}

/// Pushes the image of the agents beside this program, and returns the reference to use.
///
/// # Errors
///
/// When the program cannot be used, or the registry does not take the image.
pub(crate) async fn publish(destination: &str) -> Result<String> {
    let destination = Place::to_push(destination, false)?;
    let pushed = registry::push(&read(&[])?, &destination).await?;
    Ok(pushed.reference)
}

/// Pushes the image to a registry and prints the reference to use.
///
/// # Errors
///
/// When a program cannot be used, or the registry does not take the image.
pub(crate) async fn push(
    programs: &[PathBuf],
    destination: &str,
    insecure: bool,
    shutdown: &Shutdown,
) -> Result<()> {
    let image = read(programs)?;
    let destination = Place::to_push(destination, insecure)?;
    let pushing = progress("Pushing", registry::push(&image, &destination));
    let pushed = shutdown.or(pushing).await?;
    let done = match pushed.sent {
        0 => format!("{} has {} already.", pushed.tagged, contents(&image)),
        sent => format!(
            "Pushed {} to {} ({sent} bytes sent).",
            contents(&image),
            pushed.tagged
        ),
    };
    let advice = "Name it in fargate.toml as [JobImage] AgentImage:";
    print(&format!("{done} {advice}"), &pushed.reference)
}

/// A description of the image's content.
fn contents(image: &Image) -> String {
    format!("the agent for {}", image.architectures())
}

/// The image of these programs, or of those beside ours.
fn read(programs: &[PathBuf]) -> Result<Image> {
    let found;
    let programs = if programs.is_empty() {
        found = all_beside()?;
        &found
    } else {
        programs
    };
    let mut variants: Vec<Variant> = Vec::new();
    for path in programs {
        let advice = "Name the static program fargate-agent with --binary.";
        let packed = variant(&file(path, advice)?).map_err(unfit(path))?;
        let architecture = packed.architecture;
        if variants
            .iter()
            .any(|other| other.architecture == architecture)
        {
            let message = format!("two of the programs are for {architecture}");
            return Err(Error::new(Blame::Usage, message)
                .advise("Give one --binary for each architecture."));
        }
        variants.push(packed);
    }
    Ok(Image::new(PROGRAM, variants))
}
