//! The definition of one job: what its author wrote, with all put in that it takes from elsewhere.

use std::time::Duration;

use crate::file::artifacts::Artifacts;
use crate::file::cache::Cache;
use crate::file::environment::Environment;
use crate::file::image::ImageEntry;
use crate::file::needs::Needs;
use crate::file::outcome::{AllowFailure, Decision};
use crate::file::parallel::Combination;
use crate::file::rules::When;
use crate::variables::{InvalidName, Variable};

/// One job of a pipeline, complete in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDefinition {
    /// With the number or the variables of an instance of `parallel`: `job 1/3`, `job: [a, b]`.
    pub(crate) name: String,
    /// The name in the file, which all instances of a job with `parallel` have in common.
    pub(crate) group: String,
    /// Its place among the instances of `group`, counted from 1, and their number. None without `parallel`.
    pub(crate) node: Option<(usize, usize)>,
    /// Its variables of a matrix.
    pub(crate) matrix: Combination,
    pub(crate) stage: String,
    /// It has `trigger:` and no script.
    pub(crate) is_trigger: bool,
    pub(crate) image: Option<ImageEntry>,
    pub(crate) services: Vec<ImageEntry>,
    /// The file's variables, then the workflow's, the job's own, a matrix's and those of the rule that matched, then
    /// those that were set from outside.
    pub(crate) variables: Vec<Variable>,
    /// `before_script` and `script`.
    pub(crate) script: Vec<String>,
    pub(crate) after_script: Vec<String>,
    /// `hooks:pre_get_sources_script`: commands before the job's files come.
    pub(crate) pre_get_sources_script: Vec<String>,
    pub(crate) timeout: Duration,
    /// When GitLab would run it: `Never` is a job that its rules keep out of the pipeline.
    pub(crate) when: When,
    pub(crate) allow_failure: AllowFailure,
    /// None: the job waits for all jobs of the stages before. With an empty list it waits for nothing.
    pub(crate) needs: Option<Needs>,
    /// None: the job gets the artifacts of all jobs that it needs, or of all stages before.
    pub(crate) dependencies: Option<Vec<String>>,
    pub(crate) artifacts: Option<Artifacts>,
    pub(crate) caches: Vec<Cache>,
    pub(crate) environment: Option<Environment>,
    /// What decides whether GitLab would run the job, where something does.
    pub(crate) decision: Option<Decision>,
    /// A line for each thing of the file that has no effect here.
    pub(crate) warnings: Vec<String>,
}

impl JobDefinition {
    /// Puts `image` in place of the job's own.
    pub fn set_image(&mut self, image: &str) {
        self.image = Some(ImageEntry {
            name: image.to_owned(),
            ..ImageEntry::default()
        });
    }

    /// Sets a variable, which wins over the file's.
    ///
    /// # Errors
    ///
    /// When no shell could export `key`.
    pub fn set_variable(&mut self, key: &str, value: &str) -> Result<(), InvalidName> {
        self.variables.push(Variable::named(key, value)?);
        Ok(())
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The job's name in the file, which all instances of a job with `parallel` have in common.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The job's stage.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// The name of the job's image, as it is written.
    pub fn image(&self) -> Option<&str> {
        self.image.as_ref().map(|image| image.name.as_str())
    }

    /// When GitLab would run the job: `never` for one that its rules keep out of the pipeline.
    pub fn when(&self) -> &'static str {
        self.when.text()
    }

    /// Whether the pipeline goes on when the job fails.
    pub fn allows_failure(&self) -> bool {
        self.allow_failure.always
    }

    /// Exit codes of the script with which the pipeline goes on.
    pub fn allowed_exit_codes(&self) -> &[i64] {
        &self.allow_failure.exit_codes
    }

    /// Whether the job starts another pipeline, and runs nothing itself.
    pub fn is_trigger(&self) -> bool {
        self.is_trigger
    }

    /// Names of jobs that it waits for; none where it waits for all stages before.
    pub fn needs(&self) -> Option<Vec<&str>> {
        let needs = self.needs.as_ref()?.jobs.iter();
        let names = needs.flat_map(|need| match need.instances.as_slice() {
            [] => std::slice::from_ref(&need.job),
            instances => instances,
        });
        Some(names.map(String::as_str).collect())
    }

    /// Whether the job names an image or services.
    pub fn names_images(&self) -> bool {
        self.image.is_some() || !self.services.is_empty()
    }

    /// What decides whether GitLab would run the job, in one line.
    pub fn decision(&self) -> Option<String> {
        let decision = self.decision.as_ref()?;
        let (name, reason) = (&self.name, &decision.reason);
        Some(match (self.when, decision.is_guess) {
            (When::Never, _) => {
                format!("GitLab would not run job {name} in this pipeline: {reason}")
            }
            (_, true) => format!("GitLab may run job {name} in this pipeline by {reason}"),
            (_, false) => format!("GitLab would run job {name} in this pipeline by {reason}"),
        })
    }

    /// Why GitLab would not have the job in this pipeline: `none of its rules matches`.
    pub fn left_out(&self) -> Option<&str> {
        let decision = self.decision.as_ref()?;
        (self.when == When::Never).then_some(decision.reason.as_str())
    }

    /// Whether the decision rests on something that a trial does not know, such as `changes`.
    pub fn is_guess(&self) -> bool {
        self.decision
            .as_ref()
            .is_some_and(|decision| decision.is_guess)
    }

    /// A line for each thing of the file that has no effect here.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
