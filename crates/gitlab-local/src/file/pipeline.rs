//! All jobs of a `.gitlab-ci.yml` and of what it includes.
//!
//! A chain of steps leads there, one file for each: documents, includes, `extends`, `!reference`, what jobs inherit,
//! `parallel`, and rules.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::file::budget::Budget;
use crate::file::definition::JobDefinition;
use crate::file::document::content;
use crate::file::include::{Includer, Merged};
use crate::file::include_entry::AbsentFile;
use crate::file::inherit::{JobNode, Shared};
use crate::file::job::{Surroundings, definitions};
use crate::file::lint::Lint;
use crate::file::problem::{FileError, Problem};
use crate::file::project_files::ProjectFiles;
use crate::file::reference::ResolvedFile;
use crate::file::selection::{GLOBAL_KEYS, closest, is_instance};
use crate::file::stages::Stages;
use crate::file::workflow::{Workflow, workflow};
use crate::variables::{Variable, Variables};
use crate::yaml::Node;

/// The facts that a pipeline is made with, beside its file.
#[derive(Debug, Clone, Default)]
pub(crate) struct PipelineFacts {
    /// The folder with included files of other places.
    pub(crate) include_dir: Option<PathBuf>,
    /// The predefined variables, as far as they are known before there is a job.
    pub(crate) predefined: Variables,
    /// Variables that were set from outside, which win over the file's.
    pub(crate) overrides: Vec<Variable>,
}

/// All jobs of a `.gitlab-ci.yml` and of what it includes.
#[derive(Debug)]
pub struct Pipeline {
    merged: Merged,
    facts: PipelineFacts,
    /// The file, as it was named.
    path: PathBuf,
    files: ProjectFiles,
    shared: Shared,
    stages: Stages,
    workflow: Workflow,
    jobs: OnceCell<Vec<Result<JobDefinition, BrokenJob>>>,
}

/// A job that cannot be defined.
#[derive(Debug)]
pub struct BrokenJob {
    /// Its name in the file.
    pub name: String,
    /// Why.
    pub problem: Problem,
}

impl Pipeline {
    /// Reads `file`. Its folder is the project.
    ///
    /// # Errors
    ///
    /// When it or a file that it includes cannot be read, or what all jobs have in common is wrong.
    pub(crate) fn read(file: &Path, facts: PipelineFacts) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(file).map_err(|source| FileError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(file, &text, facts).map_err(|problem| FileError::Unusable {
            file: file.to_owned(),
            problem,
        })
    }

    /// Reads the text of `file`.
    pub(crate) fn parse(file: &Path, text: &str, facts: PipelineFacts) -> Result<Self, Problem> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        let content = content(&name, text, None, &facts.predefined)?;
        let files = ProjectFiles::new(folder.unwrap_or(Path::new(".")));
        // Files are included before any file's own variables count (GitLab: Use variables with `include`).
        let mut variables = facts.predefined.clone();
        variables.extend(facts.overrides.iter().cloned());
        let includer = Includer::new(facts.include_dir.as_deref(), &variables);
        let merged = match content.as_map() {
            Some(map) => includer.merged(map, &files)?,
            None => return Err(Problem::NoJobs),
        };
        let mut resolved = ResolvedFile::new(&merged.file, !merged.absent.is_empty());
        let advise = |lint: Lint| advised(lint, &merged.absent);
        let shared = Shared::read(&mut resolved).map_err(advise)?;
        let stages = resolved.get("stages").map_err(advise)?;
        let stages = Stages::read(stages.as_ref().map(|stages| &stages.node))?;
        let workflow_node = resolved.get("workflow").map_err(advise)?;
        let workflow_node = workflow_node.as_ref().map(|workflow| &workflow.node);
        // The workflow sees those of all files.
        let mut variables = facts.predefined.clone();
        variables.extend(shared.variables().map_err(advise)?);
        variables.extend(facts.overrides.iter().cloned());
        let workflow = workflow(workflow_node, &variables, &files)?;
        Ok(Self {
            merged,
            facts,
            path: file.to_owned(),
            files,
            shared,
            stages,
            workflow,
            jobs: OnceCell::new(),
        })
    }

    /// All jobs in the order of their stages, and within a stage in that of the file.
    pub fn jobs(&self) -> &[Result<JobDefinition, BrokenJob>] {
        self.jobs.get_or_init(|| self.all_jobs())
    }

    fn all_jobs(&self) -> Vec<Result<JobDefinition, BrokenJob>> {
        let mut resolved = self.resolved();
        let budget = Budget::new();
        let mut jobs = Vec::new();
        for (name, _) in self.entries() {
            match self.define(name, &mut resolved, &budget) {
                Ok(defined) => jobs.extend(defined.into_iter().map(Ok)),
                Err(problem) => jobs.push(Err(BrokenJob {
                    name: name.to_owned(),
                    problem,
                })),
            }
        }
        jobs.sort_by_key(|job| match job {
            Ok(job) => self.stages.position(&job.stage).unwrap_or(usize::MAX),
            Err(_) => usize::MAX,
        });
        jobs
    }

    /// The job `name`; without a name the file's only job. The name of a job with `parallel` stands for its first
    /// instance.
    ///
    /// # Errors
    ///
    /// When the file does not have it, or several where none is named, or when it is wrong.
    pub fn job(&self, name: Option<&str>) -> Result<JobDefinition, FileError> {
        self.wanted(name).map_err(|problem| FileError::Unusable {
            file: self.path.clone(),
            problem,
        })
    }

    fn wanted(&self, name: Option<&str>) -> Result<JobDefinition, Problem> {
        let wanted = match name {
            Some(name) => name.to_owned(),
            None => self.only_job()?,
        };
        let names = self.entries().map(|(name, _)| name);
        let names: Vec<&str> = names.collect();
        let group = match names.contains(&wanted.as_str()) {
            true => Some(wanted.as_str()),
            false => names.into_iter().find(|group| is_instance(&wanted, group)),
        };
        let Some(group) = group else {
            return Err(self.unknown(&wanted));
        };
        let defined = self.define(group, &mut self.resolved(), &Budget::new())?;
        let total = defined.len();
        let index = defined.iter().position(|job| job.name == wanted);
        let index = index.or((group == wanted).then_some(0));
        let Some(mut job) = index.and_then(|index| defined.into_iter().nth(index)) else {
            return Err(self.unknown(&wanted));
        };
        if job.is_trigger {
            let fault =
                format!("jobs:{group}:trigger starts another pipeline and runs nothing itself");
            return Err(Lint::new(fault).into());
        }
        if total > 1 && job.name != wanted {
            let told = format!(
                "job {group} is {total} jobs in GitLab; this is {}",
                job.name
            );
            job.warnings.insert(0, told);
        }
        Ok(job)
    }

    /// The name of a job's image, with the variables put in that are known before the job runs.
    pub fn image(&self, job: &JobDefinition) -> Option<String> {
        let mut variables = self.facts.predefined.clone();
        variables.extend(job.variables.iter().cloned());
        // By GitLab, and then by the runner, as in a job.
        let variables = variables.completed().unwrap_or(variables);
        let variables = variables.expanded_by_runner();
        Some(variables.expand_by_runner(job.image()?))
    }

    /// Why a job cannot be defined, with the advice on it, in one line. Where files are not here, all jobs would have
    /// the same advice, so it is left out.
    pub fn told(&self, broken: &BrokenJob) -> String {
        let problem = &broken.problem;
        match problem.advice() {
            Some(advice) if self.absent().is_empty() => format!("{problem}. {advice}"),
            _ => problem.to_string(),
        }
    }

    /// Included files that are not on this machine.
    pub fn absent(&self) -> &[AbsentFile] {
        &self.merged.absent
    }

    /// Why GitLab would make no pipeline of this file, in one line.
    pub fn decision(&self) -> Option<&str> {
        self.workflow.told.as_deref()
    }

    fn resolved(&self) -> ResolvedFile<'_> {
        ResolvedFile::new(&self.merged.file, !self.merged.absent.is_empty())
    }

    /// The keys of the top level that are jobs, or that GitLab takes for some.
    fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = self.merged.file.iter();
        let entries = entries.map(|(key, node)| (key.name(), node));
        entries.filter(|(name, _)| is_job(name))
    }

    fn define(
        &self,
        name: &str,
        resolved: &mut ResolvedFile<'_>,
        budget: &Budget,
    ) -> Result<Vec<JobDefinition>, Problem> {
        let absent = &self.merged.absent;
        let advise = |lint: Lint| Problem::from(advised(lint, absent));
        let Some(own) = resolved.get(name).map_err(advise)? else {
            return Err(self.numbered(name));
        };
        let job = JobNode {
            name,
            own: &own.node,
            shared: &self.shared,
        };
        let around = Surroundings {
            shared: &self.shared,
            stages: &self.stages,
            predefined: &self.facts.predefined,
            workflow: &self.workflow,
            overrides: &self.facts.overrides,
            files: &self.files,
            absent,
            budget,
        };
        definitions(&job, &own.missing, &around).map_err(advise)
    }

    fn only_job(&self) -> Result<String, Problem> {
        // Nobody means a key without a map as a job.
        let jobs = self.entries().filter(|(_, node)| node.as_map().is_some());
        let names: Vec<&str> = jobs.map(|(name, _)| name).collect();
        match names.as_slice() {
            [name] => Ok((*name).to_owned()),
            [] if !self.merged.absent.is_empty() => Err(Problem::OnlyIncludes {
                absent: self.merged.absent.clone(),
                advice: AbsentFile::advice(&self.merged.absent),
            }),
            [] => Err(Problem::NoJobs),
            names => Err(Problem::SeveralJobs(
                names.iter().map(|&name| name.to_owned()).collect(),
            )),
        }
    }

    /// A name that is no text, such as `1` or `true`.
    fn numbered(&self, name: &str) -> Problem {
        let fault = Lint::new(format!("jobs:{name} name should be a symbol"));
        let fault = fault.advise("Put the name in quotes.");
        match self.entries().find(|(known, _)| *known == name) {
            Some((_, node)) => fault.at(&node.at).into(),
            None => fault.into(),
        }
    }

    fn unknown(&self, wanted: &str) -> Problem {
        if wanted.starts_with('.') && self.merged.file.contains_key(wanted) {
            return Problem::Template(wanted.to_owned());
        }
        let names: Vec<&str> = self.entries().map(|(name, _)| name).collect();
        let mut advice = closest(&names, wanted);
        if let Some(told) = told(&self.merged.absent) {
            advice.push_str(&format!(" {told}"));
        }
        Problem::UnknownJob {
            name: wanted.to_owned(),
            advice,
        }
    }
}

fn is_job(name: &str) -> bool {
    !name.starts_with('.') && !GLOBAL_KEYS.contains(&name)
}

/// A fault, which a file that is not here may explain.
fn advised(lint: Lint, absent: &[AbsentFile]) -> Lint {
    match (lint.advice(), told(absent)) {
        (None, Some(told)) => lint.advise(told),
        _ => lint,
    }
}

/// Which files are not here, and what brings them; none where all are.
fn told(absent: &[AbsentFile]) -> Option<String> {
    let names = AbsentFile::list(absent);
    let advice = AbsentFile::advice(absent).unwrap_or_default();
    (!absent.is_empty()).then(|| {
        let told = format!("These included files are not here: {names}. {advice}");
        told.trim_end().to_owned()
    })
}
