//! The agent's container image, made and pushed without Docker.
//!
//! JobImage mode needs the agent in a registry that ECS can pull from. The image is one static program and nothing
//! else, so the driver assembles it without a build tool.

#[cfg(feature = "agent-image")]
mod commands;
#[cfg(feature = "agent-image")]
mod credentials;
#[cfg(feature = "agent-image")]
mod destination;
mod elf;
#[cfg(feature = "agent-image")]
mod image;
#[cfg(feature = "agent-image")]
mod layout;
mod program;
#[cfg(feature = "agent-image")]
mod push;

#[cfg(feature = "agent-image")]
pub(crate) use self::commands::{push, write};
#[cfg(feature = "trial")]
pub(crate) use self::program::program;
