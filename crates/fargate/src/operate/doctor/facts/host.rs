//! This machine, without AWS.

use std::path::{Path, PathBuf};

use super::configuration::Configuration;
use super::machine::Machine;
use super::runner::Runner;
use crate::config::DEFAULT_FILE;

/// What this machine shows without AWS.
#[derive(Debug)]
pub(in super::super) struct Facts {
    /// Whether nothing is installed yet.
    pub(in super::super) pre: bool,
    pub(in super::super) machine: Machine,
    pub(in super::super) configuration: Configuration,
    pub(in super::super) runner: Runner,
}

impl Facts {
    /// Looks at this machine. Without a file the configuration is the one that GitLab Runner names, and then the
    /// usual one.
    pub(in super::super) fn of_machine(
        file: Option<&Path>,
        runner_file: Option<&Path>,
        pre: bool,
    ) -> Self {
        let runner = Runner::find(runner_file);
        let file = file.map(Path::to_owned).or_else(|| runner.configuration());
        let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let configuration = Configuration::read(&file);
        let machine = Machine::look(configuration.metadata_directory.as_deref());
        Self {
            pre,
            machine,
            configuration,
            runner,
        }
    }
}
