//! What there is: this machine, the two configurations, AWS. Nothing here judges.

mod account;
mod ask;
mod configuration;
mod folder;
mod host;
mod inquiry;
mod machine;
mod named;
mod names;
mod once;
mod own_task;
mod probes;
mod pulls;
mod reaper;
mod runner;
mod runner_program;
mod shared;
mod vpc;
mod wishes;

pub(super) use self::account::{Account, Named, PrefixLists, Vcpus};
pub(super) use self::ask::{Answer, BOUND};
pub(super) use self::folder::{Folder, FolderState, Present};
pub(super) use self::host::Facts;
pub(super) use self::inquiry::Inquiry;
pub(super) use self::names::EXECUTION;
pub(super) use self::probes::Probed;
pub(super) use self::pulls::Pulls;
pub(super) use self::runner::{Executable, Runner, RunnerConfig, RunnerEntry, Stage};
pub(super) use self::runner_program::{Lint, RunnerProgram};
pub(super) use self::vpc::Vpc;
