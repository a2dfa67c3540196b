//! JobImage mode: composes a job's task definition, and what its task gets beyond it. Decisions only.
//!
//! A task has the containers `bootstrap`, which puts the agent into a volume, `ci-coordinator` from the job's image,
//! `helper` from GitLab's, and one for each service. They share the network and the volumes.

mod compose;
mod containers;
mod environments;
mod input;
mod names;
mod overrides;
mod pairs;
mod ports;
mod reference;
mod schema;
mod services;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use self::compose::{ComposedTask, compose};
pub(crate) use self::input::CompositionInput;
pub(crate) use self::overrides::ContainerEnvironment;
pub(crate) use self::pairs::smallest_pair;
pub(crate) use self::reference::{architecture, other_names};
pub(crate) use self::schema::{
    AGENT_VOLUME, After, BUILDS_VOLUME, CACHE_VOLUME, ContainerDefinition, LogConfiguration, Mount,
    TaskDefinition,
};
pub(crate) use self::variables::JobVariables;
