//! `fargate.toml`: read raw, then checked into types that cannot be wrong.
//!
//! The format is a contract: files written for GitLab's driver load unchanged.

mod cleanup;
mod fargate;
mod file;
mod findings;
mod globs;
mod hedge;
mod image_name;
mod job_image;
mod job_variables;
mod keep;
mod ledger;
mod logging;
mod pool;
#[cfg(test)]
mod properties;
mod schedule;
mod section;
mod size;
mod source;
mod ssh;
#[cfg(test)]
mod tests;
mod values;
mod warm;
mod zone;

pub(crate) use self::cleanup::CleanupConfig;
pub(crate) use self::fargate::{Fargate, StrategyItem};
pub(crate) use self::file::{Config, Flags, Mode};
pub(crate) use self::globs::Globs;
pub(crate) use self::hedge::HedgeAfter;
pub(crate) use self::image_name::{image, split_host};
pub(crate) use self::job_image::JobImage;
pub(crate) use self::job_variables::JobVariables;
#[cfg(test)]
pub(crate) use self::keep::KeepFailed;
pub(crate) use self::logging::{LogFormat, Logging, log_format, log_level};
pub(crate) use self::pool::{Pool, PoolContainer, PoolKind};
pub(crate) use self::section::UNKNOWN_KEY;
pub(crate) use self::size::{Architecture, Cpu, Memory, STORAGE_INCLUDED, STORAGE_LIMIT, Storage};
pub(crate) use self::source::{DEFAULT_FILE, beside};
pub(crate) use self::ssh::Ssh;
pub(crate) use self::values::{
    TaskDefinitionName, capacity_provider, is_tag_character, platform_version, role,
};
