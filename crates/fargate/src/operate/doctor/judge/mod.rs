//! Decisions: from facts to checks, without a look at anything.

mod answers;
mod cluster;
mod configuration;
mod definition;
mod endpoint_groups;
mod endpoints;
mod folder;
mod groups;
mod identity;
mod images;
mod kept;
mod machine;
mod network;
mod permissions;
mod pulls;
mod quotas;
mod roles;
mod routes;
mod rule_options;
mod rules;
mod runner;
mod runner_times;
mod start_timeout;
mod trust;
mod way;

pub(super) use self::cluster::cluster;
pub(super) use self::configuration::configuration;
pub(super) use self::definition::definition;
pub(super) use self::identity::identity;
pub(super) use self::images::images;
pub(super) use self::machine::machine;
pub(super) use self::network::network;
pub(super) use self::quotas::quotas;
pub(super) use self::routes::is_public;
pub(super) use self::runner::runner;
