//! Container images that are made and pushed without Docker.
//!
//! An image is a few documents and archives, so the driver assembles it without a build tool: the agent's from one
//! static program, the manager's on a base from a registry.

pub(crate) mod agent;
#[cfg(feature = "agent-image")]
mod credentials;
mod elf;
#[cfg(feature = "agent-image")]
mod image;
#[cfg(feature = "agent-image")]
mod layout;
#[cfg(feature = "agent-image")]
pub(crate) mod manager;
#[cfg(feature = "agent-image")]
pub(crate) mod neighbour;
#[cfg(feature = "agent-image")]
mod place;
#[cfg(feature = "agent-image")]
mod pull;
#[cfg(feature = "agent-image")]
mod push;
#[cfg(feature = "agent-image")]
mod registry;

#[cfg(feature = "agent-image")]
use std::io::Write;

#[cfg(feature = "agent-image")]
use crate::error::{Error, Result};

/// Prints a summary on standard error, and the result on standard output, for scripts.
#[cfg(feature = "agent-image")]
fn print(summary: &str, result: &str) -> Result<()> {
    let unwritten = |error| Error::system(format!("could not write to standard output: {error}"));
    // A caller that closed standard error may still read the result.
    let _nobody_listens = writeln!(std::io::stderr(), "{summary}");
    writeln!(std::io::stdout(), "{result}").map_err(unwritten)
}
