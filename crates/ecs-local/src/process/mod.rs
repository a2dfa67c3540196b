//! Containers that are processes of this machine.

mod container_process;
mod descendants;
mod port_proxy;

pub(crate) use container_process::{ContainerProcess, command, spawn};
pub(crate) use descendants::Descendants;
pub(crate) use port_proxy::serve as serve_port;
