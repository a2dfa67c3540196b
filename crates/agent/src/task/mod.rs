//! The agent's part in its ECS task, beside running commands and scripts.

pub(crate) mod helper;
pub(crate) mod hosts;
pub(crate) mod install;
pub(crate) mod lifetime;
pub(crate) mod metadata;
pub(crate) mod ports;
