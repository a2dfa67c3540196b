//! Scripts, which outlive their connections. [`fargate_wire::script`] describes what agent and driver say.

pub(crate) mod attachment;
pub(crate) mod drivers;
pub(crate) mod lifecycle;
pub(crate) mod log;
pub(crate) mod registry;
