//! Decisions: from facts to checks, without a look at anything.

mod configuration;
mod folder;
mod identity;
mod machine;
mod runner;
mod runner_times;

pub(super) use self::configuration::configuration;
pub(super) use self::identity::identity;
pub(super) use self::machine::machine;
pub(super) use self::runner::runner;
