//! `fargate agent image` and `fargate agent push`: the agent's container image, made without Docker.
//!
//! JobImage mode needs the agent where ECS can pull it from. The image is one static program and nothing else, so it
//! is put together here rather than built.

mod credentials;
mod destination;
mod elf;
mod image;
mod layout;
mod push;

use std::io::Write;
use std::path::{Path, PathBuf};

use self::destination::Destination;
use self::image::{Image, Variant};
use crate::error::{Blame, Error, Result};
use crate::signals::Shutdown;

/// The agent's program, beside ours in each release.
const BESIDE: &str = "fargate-agent";

/// Writes the image to `output`, and tells its digest.
///
/// # Errors
///
/// When a program cannot be used, or the image cannot be written.
pub(crate) fn write(programs: &[PathBuf], output: &Path) -> Result<()> {
    let image = read(programs)?;
    layout::write(&image, output)?;
    let digest = image.top().map(|top| top.digest.as_str());
    say(
        &format!("Wrote {} to {}.", contents(&image), output.display()),
        digest.unwrap_or_default(),
    )
}

/// Puts the image into a registry, and tells the reference to use.
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
    let destination = Destination::parse(destination, insecure)?;
    let image = read(programs)?;
    let pushed = shutdown.or(push::push(&image, &destination)).await?;
    let done = match pushed.sent {
        0 => format!("{} has {} already.", pushed.tagged, contents(&image)),
        sent => format!(
            "Pushed {} to {} ({sent} bytes sent).",
            contents(&image),
            pushed.tagged
        ),
    };
    let advice = "Name it in fargate.toml as [JobImage] AgentImage:";
    say(&format!("{done} {advice}"), &pushed.reference)
}

/// What was done on standard error, and the one thing to go on with on standard output, for scripts.
fn say(done: &str, result: &str) -> Result<()> {
    let unwritten = |error| Error::system(format!("could not write to standard output: {error}"));
    // Who does not listen to this may still want the result.
    let _nobody_listens = writeln!(std::io::stderr(), "{done}");
    writeln!(std::io::stdout(), "{result}").map_err(unwritten)
}

/// What is in the image, in words.
fn contents(image: &Image) -> String {
    let architectures: Vec<_> = image
        .variants()
        .iter()
        .map(|variant| variant.architecture.name())
        .collect();
    format!("the agent for {}", architectures.join(" and "))
}

/// The image of these programs, or of the one beside ours.
fn read(programs: &[PathBuf]) -> Result<Image> {
    let beside;
    let programs = if programs.is_empty() {
        beside = [program_beside()?];
        &beside
    } else {
        programs
    };
    let mut variants: Vec<Variant> = Vec::new();
    for path in programs {
        let advice = "Name the static program fargate-agent with --binary.";
        let variant = Variant::new(&file(path, advice)?).map_err(unfit(path))?;
        let architecture = variant.architecture;
        if variants
            .iter()
            .any(|other| other.architecture == architecture)
        {
            let message = format!("two of the programs are for {architecture}");
            return Err(Error::new(Blame::Usage, message)
                .advise("Give one --binary for each architecture."));
        }
        variants.push(variant);
    }
    Ok(Image::new(variants))
}

/// The agent that runs in containers of this machine: the static program `named`, or the one beside ours.
///
/// # Errors
///
/// When it is not there, or does not run in whatever image it is put into here.
pub(crate) fn program(named: Option<&Path>) -> Result<Vec<u8>> {
    let path = named.map_or_else(program_beside, |path| Ok(path.to_owned()))?;
    let advice = format!(
        "{}, and name it with --agent. Releases have it beside this program.",
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

fn file(path: &Path, advice: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let message = format!("could not read the agent {}: {error}", path.display());
        Error::system(message).advise(advice)
    })
}

fn unfit(path: &Path) -> impl Fn(Error) -> Error {
    move |error| error.context(format!("{} cannot be the agent", path.display()))
}

fn program_beside() -> Result<PathBuf> {
    std::env::current_exe()
        .map(|myself| myself.with_file_name(BESIDE))
        .map_err(|error| Error::system(format!("could not find this program's own file: {error}")))
}
