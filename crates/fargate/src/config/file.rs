//! The whole file: all sections, read and checked together.

use std::path::{Path, PathBuf};

use super::fargate::{self, Fargate};
use super::findings::Findings;
use super::job_image::JobImage;
use super::job_variables::{self, JobVariables};
use super::ledger;
use super::logging::{self, Logging};
use super::pool::PoolsOf;
use super::section::Section;
use super::source::Source;
use super::ssh::{self, Ssh};
use super::values::{self, TaskDefinitionName};
use super::warm::{self, Warm};
use crate::error::{Error, Result};

/// Options of the command line that override the file, as in GitLab's driver.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// `--task-def`: family, family:revision or ARN.
    pub(crate) task_definition: Option<String>,
    /// `--platform-version`.
    pub(crate) platform_version: Option<String>,
}

/// The whole of `fargate.toml`.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file, as an absolute path.
    pub(crate) file: PathBuf,
    /// Level, format and file of the log.
    pub(crate) log: Logging,
    /// `[Fargate]`, except its task definition.
    pub(crate) fargate: Fargate,
    /// The task definition or the settings of JobImage mode.
    pub(crate) mode: Mode,
    /// `[TaskMetadata] Directory`: the folder of job records, as an absolute path.
    pub(crate) metadata_directory: PathBuf,
    /// `[TaskMetadata] Manager`: this manager's name. `None` for the folder's id.
    pub(crate) manager: Option<String>,
    /// `[TaskMetadata] LedgerMonths`: how many months the ledger remembers.
    pub(crate) ledger_months: u32,
    /// `[SSH]`.
    pub(crate) ssh: Ssh,
    /// `[JobVariables]`.
    pub(crate) job_variables: JobVariables,
    /// `[Warm]`: tasks that wait for jobs.
    pub(crate) warm: Warm,
    /// `[Report] Prices`: a table of prices in place of the one that comes along.
    pub(crate) prices: Option<PathBuf>,
    /// Remarks on keys without effect, each with its line.
    pub(crate) warnings: Vec<String>,
}

/// The image that jobs run in: the operator's or their own.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The operator's task definition, or the allowed one that the job's variables name.
    TaskDefinition(TaskDefinitionName),
    /// The job's own image and services.
    JobImage(Box<JobImage>),
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML (with line and column), or has missing or wrong values (all of them,
    /// each with its line and the expected value).
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let source = Source::read(path)?;
        let mut config = Self::of(&source).map_err(|error| error.context(path.display()))?;
        for warning in &mut config.warnings {
            *warning = format!("{}, {warning}", path.display());
        }
        if let Some(name) = path.file_name() {
            config.file = source.directory.join(name);
        }
        Ok(config)
    }

    /// Checks `text`, in which relative paths start at `directory`.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub(crate) fn parse(text: &str, directory: &Path) -> Result<Self> {
        Self::of(&Source::of(text, directory))
    }

    fn of(source: &Source) -> Result<Self> {
        let (document, faults) = source.document();
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault.into_error());
        }
        let findings = Findings::default();
        let config = Self::check(Section::root(&document, &findings), &source.directory);
        let (errors, warnings) = findings.into_lines(|at| source.line(at));
        match config {
            Some(config) if errors.is_empty() => Ok(Self { warnings, ..config }),
            _ => Err(Error::system(errors.join("\n  ").to_string())
                .advise("Correct these values; docs/configuration.md describes each key.")),
        }
    }

    /// The configuration, or nothing when a required value is missing or wrong.
    ///
    /// The findings list every problem.
    fn check(root: Section<'_>, directory: &Path) -> Option<Self> {
        let log = logging::read(&root, directory);
        let section = root.table("JobImage");
        let job_image = (section.boolean("Enabled") == Some(true)).then_some(section);
        let by_job_image = job_image.is_some();
        let (fargate, definition) = fargate::read(root.table("Fargate"), by_job_image);
        let metadata = root.table("TaskMetadata");
        let metadata_directory = metadata.required(
            "Directory",
            metadata.text("Directory"),
            "the folder for job records",
        );
        let manager = metadata.parsed("Manager", values::manager);
        let ledger_months = ledger::months(&metadata);
        if let Some(fargate) = &fargate {
            fargate.hedge_after.remark(&metadata, ledger_months);
        }
        metadata.finish();
        let ssh = ssh::read(root.table("SSH"), by_job_image);
        let region = fargate.as_ref().map(|fargate| fargate.region.as_str());
        let pools_of = match by_job_image {
            true => PoolsOf::Images,
            false => PoolsOf::Definitions(definition.as_ref()),
        };
        let warm = warm::read(root.table("Warm"), region, pools_of);
        let mode = match job_image {
            Some(section) => {
                let read = JobImage::read(section, ssh.as_ref(), region);
                read.map(|read| Mode::JobImage(Box::new(read)))
            }
            None => definition.map(Mode::TaskDefinition),
        };
        let job_variables = job_variables::read(root.table("JobVariables"));
        let prices = ledger::prices(root.table("Report"), directory);
        root.finish();
        Some(Self {
            file: PathBuf::new(),
            log,
            fargate: fargate?,
            mode: mode?,
            metadata_directory: directory.join(metadata_directory?),
            manager,
            ledger_months,
            ssh: ssh?,
            job_variables,
            warm,
            prices,
            warnings: Vec::new(),
        })
    }
}
