//! Decisions about an ECS task: how far it is, why it stopped, where it is placed, how it is marked, and its definition.
//! Asking AWS is `aws`'s.

pub(crate) mod definition;
mod description;
pub(crate) mod job_container;
#[cfg(test)]
mod life;
pub(crate) mod ownership;
pub(crate) mod placement;
mod stop_reason;

pub(crate) use self::description::{
    Container, Interface, Phase, Task, console_link, id, look_again,
};
pub(crate) use self::job_container::JobContainer;
pub(crate) use self::stop_reason::Loss;
