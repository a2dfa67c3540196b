//! Decisions about an ECS task, without I/O: progress, stop reason, placement, marks and definition.

pub(crate) mod definition;
mod description;
mod facts;
pub(crate) mod job_container;
pub(crate) mod lag;
#[cfg(test)]
mod life;
pub(crate) mod metadata;
pub(crate) mod ownership;
pub(crate) mod placement;
pub(crate) mod remedy;
mod stop_reason;

pub(crate) use self::description::{
    Container, Interface, Phase, Task, console_link, family, id, look_again,
};
pub(crate) use self::facts::{TaskFacts, TaskTimes};
pub(crate) use self::job_container::{JobContainer, ServiceContainer};
pub(crate) use self::stop_reason::Loss;
