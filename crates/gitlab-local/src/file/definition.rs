//! The definition of one job: what its author wrote, with defaults put in.

use std::path::Path;
use std::time::Duration;

use crate::file::image::{ImageEntry, read_image, read_variables};
use crate::file::inheritance::JobNode;
use crate::file::problem::{FileError, Problem};
use crate::file::selection::select;
use crate::file::unfollowed::{refuse_other_scripts, warnings};
use crate::inputs::interpolated;
use crate::variables::{InvalidName, Variable, Variables};
use crate::yaml::{Node, Value, documents};

/// GitLab's default timeout of a project's jobs.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// One job of a `.gitlab-ci.yml`, complete in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDefinition {
    pub(crate) name: String,
    pub(crate) stage: String,
    pub(crate) image: Option<ImageEntry>,
    pub(crate) services: Vec<ImageEntry>,
    /// The file's variables, then the job's own, then those that were set from outside.
    pub(crate) variables: Vec<Variable>,
    /// `before_script` and `script`.
    pub(crate) script: Vec<String>,
    pub(crate) after_script: Vec<String>,
    pub(crate) timeout: Duration,
    /// A line for each keyword of the file that has no effect here.
    pub(crate) warnings: Vec<String>,
}

impl JobDefinition {
    /// Reads job `name` from a file; without a name the file's only job.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, does not define the job, or uses a keyword that would have to be followed.
    pub fn read(file: &Path, name: Option<&str>) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(file).map_err(|source| FileError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(&text, name).map_err(|problem| FileError::Unusable {
            file: file.to_owned(),
            problem,
        })
    }

    /// Reads job `name` from the text of a file.
    pub(crate) fn parse(text: &str, name: Option<&str>) -> Result<Self, Problem> {
        let file = content(text)?;
        let (name, own) = select(&file, name)?;
        let job = JobNode {
            file: &file,
            name,
            own,
        };
        refuse_other_scripts(&job)?;
        Ok(Self {
            name: name.to_owned(),
            stage: stage(&job)?,
            image: image(&job)?,
            services: services(&job)?,
            variables: variables(&job)?,
            script: script(&job)?,
            after_script: after_script(&job)?,
            timeout: timeout(&job)?,
            warnings: warnings(&job),
        })
    }

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

    /// Whether the job names an image or services.
    pub fn names_images(&self) -> bool {
        self.image.is_some() || !self.services.is_empty()
    }

    /// A line for each keyword of the file that has no effect here.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The document of a file with its jobs.
fn content(text: &str) -> Result<Node, Problem> {
    let documents =
        documents(&".gitlab-ci.yml".into(), text).map_err(|error| Problem::InvalidYaml {
            line: error.at.line,
            column: error.at.column,
            fault: error.fault,
        })?;
    let is_header = |document: &Node| {
        document
            .as_map()
            .is_some_and(|map| map.contains_key("spec"))
    };
    let content = match documents.as_slice() {
        [header, content, ..] if is_header(header) => {
            interpolated(header, content, None, &Variables::default()).map_err(|error| {
                Problem::WrongInput {
                    line: error.at.line,
                    fault: error.fault,
                }
            })?
        }
        [content, ..] => content.clone(),
        [] => return Err(Problem::NoJobs),
    };
    match content.as_map() {
        Some(_) => Ok(content),
        None => Err(Problem::NoJobs),
    }
}

fn stage(job: &JobNode<'_>) -> Result<String, Problem> {
    match job.own.get("stage") {
        None => Ok("test".to_owned()),
        Some(node) => node
            .scalar()
            .ok_or_else(|| job.wrong("stage", "must be a name")),
    }
}

fn image(job: &JobNode<'_>) -> Result<Option<ImageEntry>, Problem> {
    let image = job.inherited("image")?.map(read_image).transpose();
    image.map_err(|fault| job.wrong("image", fault))
}

fn services(job: &JobNode<'_>) -> Result<Vec<ImageEntry>, Problem> {
    match job.inherited("services")? {
        Some(node) => {
            let items = node.as_list();
            let items = items.ok_or_else(|| job.wrong("services", "must be a list"))?;
            let services: Result<_, _> = items.iter().map(read_image).collect();
            services.map_err(|fault| job.wrong("services", fault))
        }
        None => Ok(Vec::new()),
    }
}

fn variables(job: &JobNode<'_>) -> Result<Vec<Variable>, Problem> {
    let mut variables = Vec::new();
    for node in [job.file.get("variables"), job.own.get("variables")]
        .into_iter()
        .flatten()
    {
        variables.extend(read_variables(node).map_err(|fault| job.wrong("variables", fault))?);
    }
    Ok(variables)
}

fn script(job: &JobNode<'_>) -> Result<Vec<String>, Problem> {
    let mut script = Vec::new();
    if let Some(node) = job.inherited("before_script")? {
        commands(node, &mut script).map_err(|fault| job.wrong("before_script", fault))?;
    }
    let own = job
        .own
        .get("script")
        .ok_or_else(|| job.wrong("script", "is missing"))?;
    commands(own, &mut script).map_err(|fault| job.wrong("script", fault))?;
    Ok(script)
}

fn after_script(job: &JobNode<'_>) -> Result<Vec<String>, Problem> {
    let mut script = Vec::new();
    if let Some(node) = job.inherited("after_script")? {
        commands(node, &mut script).map_err(|fault| job.wrong("after_script", fault))?;
    }
    Ok(script)
}

fn timeout(job: &JobNode<'_>) -> Result<Duration, Problem> {
    match job.own.get("timeout").or(job.default("timeout")) {
        None => Ok(DEFAULT_TIMEOUT),
        Some(node) => node
            .scalar()
            .and_then(|text| duration(&text))
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| job.wrong("timeout", "must be a duration such as `1h 30m`")),
    }
}

/// A duration such as `1h 30m`, or plain seconds.
fn duration(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

/// Flattens a script as GitLab does: a text, or lists of texts within lists.
fn commands(node: &Node, into: &mut Vec<String>) -> Result<(), &'static str> {
    match &node.value {
        Value::List(items) => items.iter().try_for_each(|item| commands(item, into)),
        Value::Text(command) => {
            into.push(command.to_string());
            Ok(())
        }
        _ => Err("must be a text or a list of texts (a command with `: ` in it needs quotes)"),
    }
}
