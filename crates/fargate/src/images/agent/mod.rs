//! The agent's container image, made and pushed without Docker.
//!
//! JobImage mode needs the agent in a registry that ECS can pull from. The image is one static program and nothing
//! else, so the driver assembles it without a build tool.

#[cfg(feature = "agent-image")]
mod commands;
#[cfg(feature = "agent-image")]
mod image;
mod program;

#[cfg(feature = "agent-image")]
pub(crate) use self::commands::{publish, push, write};
#[cfg(feature = "agent-image")]
pub(super) use self::program::beside;
#[cfg(feature = "trial")]
pub(crate) use self::program::program;
