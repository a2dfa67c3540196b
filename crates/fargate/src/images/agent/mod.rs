//! The agent's container image, made and pushed without Docker.
//!
//! JobImage mode needs the agent where ECS can pull it from. The image is one static program and nothing else, so it
//! is put together here rather than built.

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
