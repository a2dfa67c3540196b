//! What there is: this machine, the two configurations, AWS. Nothing here judges.

mod account;
mod configuration;
mod folder;
mod host;
mod machine;
mod runner;
mod runner_program;

pub(super) use self::account::Account;
pub(super) use self::folder::{Folder, FolderState, Present};
pub(super) use self::host::Facts;
pub(super) use self::runner::{Executable, Runner, RunnerConfig, RunnerEntry, Stage};
pub(super) use self::runner_program::Lint;
