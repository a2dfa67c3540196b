//! Docker or Podman, over the Docker API: the backend for real containers.
//!
//! Nothing else knows this API. Everything made through it has labels that name the stand-in and the task. By them the
//! end of the task, the end of the stand-in or, if that was killed, the next stand-in finds and removes it.

mod client;
mod connect;
mod container;
mod image;
mod import;
mod kernel_log;
mod listing;
mod memory;
mod owner;
mod pause;
mod removal;
mod sandbox;
mod settings;

pub(crate) use client::Engine;
pub(crate) use container::{ContainerExec, EngineContainer};
pub(crate) use image::Image;
pub(crate) use memory::ContainerMemory;
pub(crate) use sandbox::{Sandbox, SandboxSpec};
pub(crate) use settings::ContainerSettings;
