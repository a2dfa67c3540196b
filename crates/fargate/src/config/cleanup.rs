//! Cleanup's part of `fargate.toml`, read leniently: a wrong value elsewhere must not leave a task running.

use std::path::{Path, PathBuf};

use super::findings::Findings;
use super::keep::{KeepFailed, MOST_TASKS};
use super::ledger;
use super::logging::{self, Logging};
use super::section::Section;
use super::source::Source;
use super::values;
use crate::error::{Error, Result};

/// The values that cleanup needs, where the file has them. The job's record also names cluster and region.
#[derive(Debug)]
pub(crate) struct CleanupConfig {
    /// Level, format and file of the log.
    pub(crate) log: Logging,
    /// `[TaskMetadata] Directory`. Absolute.
    pub(crate) metadata_directory: PathBuf,
    /// `[TaskMetadata] Manager`.
    pub(crate) manager: Option<String>,
    /// `[TaskMetadata] LedgerMonths`.
    pub(crate) ledger_months: u32,
    /// `[Fargate] Cluster`.
    pub(crate) cluster: Option<String>,
    /// `[Fargate] Region`.
    pub(crate) region: Option<String>,
    /// `[Fargate] Endpoint`.
    pub(crate) endpoint: Option<String>,
    /// `[Fargate] KeepFailedTasks`: how many tasks of failed jobs are kept at a time.
    pub(crate) kept_tasks: usize,
    /// The syntax error of a file that is not TOML. Values may be missing then.
    pub(crate) damage: Option<String>,
    /// The wrong values among these, each with its line.
    pub(crate) warnings: Vec<String>,
}

impl CleanupConfig {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or does not name the metadata folder.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let source = Source::read(path)?;
        let mut config = Self::of(&source).map_err(|error| error.context(path.display()))?;
        for warning in &mut config.warnings {
            *warning = format!("{}, {warning}", path.display());
        }
        Ok(config)
    }

    fn of(source: &Source) -> Result<Self> {
        let (document, faults) = source.document();
        let damage = faults
            .into_iter()
            .next()
            .map(|fault| fault.into_error().to_string());
        let directory = source.directory.as_path();
        let findings = Findings::default();
        let root = Section::root(&document, &findings);
        let log = logging::read(&root, directory);
        let metadata = root.table("TaskMetadata");
        let metadata_directory = metadata.text("Directory");
        let manager = metadata.parsed("Manager", values::manager);
        let ledger_months = ledger::months(&metadata);
        let fargate = root.table("Fargate");
        let cluster = fargate.parsed("Cluster", values::cluster);
        let region = fargate.parsed("Region", values::region);
        let endpoint = fargate.parsed("Endpoint", values::endpoint);
        // A damaged file may say anything.
        let kept_tasks = match damage {
            None => KeepFailed::read(&fargate).tasks,
            Some(_) => MOST_TASKS,
        };
        let (mut warnings, _) = findings.into_lines(|at| source.line(at));
        warnings.splice(0..0, damage.clone());
        let Some(metadata_directory) = metadata_directory else {
            warnings.push("[TaskMetadata] Directory is missing, the folder for job records".into());
            return Err(Error::system(warnings.join("\n  ")).advise(
                "Correct the file. A task of this job runs on until GitLab Runner ends, or a day after the job's time \
                 is over; `fargate reap` ends it then.",
            ));
        };
        Ok(Self {
            log,
            metadata_directory: directory.join(metadata_directory),
            manager,
            ledger_months,
            cluster,
            region,
            endpoint,
            kept_tasks,
            damage,
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
LogLevel = "debug"
[Fargate]
  Cluster = "ci"
  Region = "eu-west-1"
  Endpoint = "http://127.0.0.1:1"
  KeepFailedTasks = 3
[TaskMetadata]
  Directory = "metadata"
  Manager = "m1"
  LedgerMonths = 2
"#;

    fn parse(text: &str) -> Result<CleanupConfig> {
        CleanupConfig::of(&Source::of(text, Path::new("/etc/runner")))
    }

    #[test]
    fn what_cleanup_needs_is_read_whatever_else_is_wrong() {
        let more = "Follow = 3\n[Fargate.Tags]\n  a = 1\n[JobImage]\n  Enabled = \"maybe\"\n";
        for text in [WHOLE.to_owned(), format!("{WHOLE}{more}")] {
            let read = parse(&text).unwrap();
            let directory = Path::new("/etc/runner/metadata");
            assert_eq!(read.metadata_directory, directory);
            assert_eq!(read.cluster.as_deref(), Some("ci"));
            assert_eq!(read.region.as_deref(), Some("eu-west-1"));
            assert_eq!(read.endpoint.as_deref(), Some("http://127.0.0.1:1"));
            assert_eq!(read.manager.as_deref(), Some("m1"));
            assert_eq!((read.ledger_months, read.kept_tasks), (2, 3));
            assert_eq!((read.damage, read.warnings), (None, Vec::new()));
        }
    }

    #[test]
    fn a_wrong_value_is_left_out_with_a_warning() {
        let text = WHOLE.replace("\"ci\"", "\"c i\"").replace("\"m1\"", "7");
        let read = parse(&text.replace("Tasks = 3", "Tasks = 200")).unwrap();
        assert_eq!((read.cluster, read.manager), (None, None));
        assert_eq!(read.kept_tasks, MOST_TASKS, "nothing ends for it");
        assert_eq!(read.warnings.len(), 3, "{:?}", read.warnings);
        assert_eq!(read.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn the_readable_part_of_a_broken_file_is_used() {
        for damage in [
            "Subnets = [",
            "what",
            "[Fargate",
            "x = \"",
            "[TaskMetadata]",
        ] {
            let read = parse(&format!("{WHOLE}{damage}\n")).unwrap();
            assert_eq!(read.metadata_directory, Path::new("/etc/runner/metadata"));
            assert_eq!(read.kept_tasks, MOST_TASKS, "nothing ends for it");
            assert!(
                read.damage
                    .is_some_and(|damage| damage.starts_with("line "))
            );
        }
        assert!(parse("[Fargate").is_err());
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused_without_panic(at in 0..WHOLE.len(), insert in "[\\[\\]\"=a-z0-9\n.{}]{0,4}") {
            let mut text = WHOLE.to_owned();
            text.insert_str(at, &insert);
            let _config = parse(&text);
        }
    }
}
