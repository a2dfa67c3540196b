//! What a plain `.gitlab-ci.yml` says about one job.
//!
//! Only what makes the job's image, variables and scripts is followed. Anything else that could make the job
//! behave differently in GitLab is answered with a warning, or with an error where the job's script itself
//! would be another one: a trial that quietly ran something else would be worse than none.

use std::time::Duration;

use crate::error::{Blame, Error, Result};

use super::image::{IMAGE_KEYS, Image, read_image, read_variables};
use super::node::Node;
use super::variables::Variable;

/// GitLab's default timeout of a project's jobs.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Keys of the top level that are no jobs.
const GLOBAL_KEYS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "variables",
    "workflow",
];

/// Keys that jobs inherit from `default:` or, in the old way, from the top level.
const INHERITED_KEYS: &[&str] = &["image", "services", "before_script", "after_script"];

/// A job's own keys that are followed, beside those.
const OWN_KEYS: &[&str] = &["script", "stage", "timeout", "variables"];

/// One job, complete in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) image: Option<Image>,
    pub(super) services: Vec<Image>,
    /// The file's variables, then the job's own.
    pub(super) variables: Vec<Variable>,
    /// before_script and script.
    pub(super) script: Vec<String>,
    pub(super) after_script: Vec<String>,
    pub(super) timeout: Duration,
    /// What of the file has no effect here, a line each.
    pub(super) warnings: Vec<String>,
}

/// Reads job `name` from the text of a `.gitlab-ci.yml`; without a name its only runnable job.
///
/// # Errors
///
/// [`Blame::Usage`] when the text is no YAML, the job is not in it, or it says what cannot be followed.
pub(super) fn read_job(text: &str, name: Option<&str>) -> Result<Job> {
    let file = Node::parse(text).map_err(|error| {
        refused(format!("is no YAML that can be read: {error}")).advise(
            "`fargate try` reads one document; a `spec:` header with inputs is not followed.",
        )
    })?;
    let (name, job) = select(&file, name)?;
    Reader {
        file: &file,
        name,
        job,
    }
    .read()
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Blame::Usage, what)
}

fn runnable(file: &Node) -> impl Iterator<Item = (&str, &Node)> {
    file.entries().filter(|(key, node)| {
        !key.starts_with('.') && !GLOBAL_KEYS.contains(key) && matches!(node, Node::Map(_))
    })
}

fn select<'a>(file: &'a Node, name: Option<&str>) -> Result<(&'a str, &'a Node)> {
    let names: Vec<&str> = runnable(file).map(|(name, _)| name).collect();
    let Some(wanted) = name else {
        return match (runnable(file).next(), names.len()) {
            (Some(job), 1) => Ok(job),
            (None, _) => Err(refused("has no job that can be run").advise(
                "A job is a key of the top level with a `script:`; one whose name starts with a dot is a template.",
            )),
            _ => Err(refused(format!("has several jobs: {}", names.join(", "))).advise("Name one: fargate try JOB")),
        };
    };
    if let Some(job) = runnable(file).find(|(name, _)| *name == wanted) {
        return Ok(job);
    }
    if wanted.starts_with('.') && file.get(wanted).is_some() {
        return Err(refused(format!(
            "has {wanted} only as a template: a name with a dot in front is not run"
        )));
    }
    let nearest = names
        .iter()
        .min_by_key(|name| strsim::osa_distance(wanted, name));
    let advice = match nearest {
        Some(nearest) if strsim::osa_distance(wanted, nearest) <= 2 => {
            format!("Did you mean {nearest}?")
        }
        Some(_) => format!("It has: {}", names.join(", ")),
        None => "It has none.".to_owned(),
    };
    let included = match file.get("include") {
        Some(_) => " Included files are not read.",
        None => "",
    };
    Err(refused(format!("has no job {wanted}")).advise(advice + included))
}

/// Reads one job of a file.
struct Reader<'a> {
    file: &'a Node,
    name: &'a str,
    job: &'a Node,
}

impl<'a> Reader<'a> {
    fn read(&self) -> Result<Job> {
        self.refuse_what_changes_the_script()?;
        let mut script = Vec::new();
        if let Some(node) = self.inherited("before_script")? {
            commands(node, &mut script).map_err(|what| self.wrong("before_script", &what))?;
        }
        let own = self
            .job
            .get("script")
            .ok_or_else(|| self.wrong("script", "is missing"))?;
        commands(own, &mut script).map_err(|what| self.wrong("script", &what))?;
        let mut after_script = Vec::new();
        if let Some(node) = self.inherited("after_script")? {
            commands(node, &mut after_script).map_err(|what| self.wrong("after_script", &what))?;
        }
        let image = match self.inherited("image")? {
            Some(node) => Some(read_image(node).map_err(|what| self.wrong("image", &what))?),
            None => None,
        };
        let services = match self.inherited("services")? {
            Some(Node::List(items)) => items
                .iter()
                .map(read_image)
                .collect::<Result<_, _>>()
                .map_err(|what| self.wrong("services", &what))?,
            Some(_) => return Err(self.wrong("services", "must be a list")),
            None => Vec::new(),
        };
        let mut variables = Vec::new();
        for node in [self.file.get("variables"), self.job.get("variables")]
            .into_iter()
            .flatten()
        {
            variables.extend(read_variables(node).map_err(|what| self.wrong("variables", &what))?);
        }
        Ok(Job {
            name: self.name.to_owned(),
            stage: self.stage()?,
            image,
            services,
            variables,
            script,
            after_script,
            timeout: self.timeout()?,
            warnings: self.warnings(),
        })
    }

    fn wrong(&self, key: &str, what: &str) -> Error {
        refused(format!("job {}: `{key}` {what}", self.name))
    }

    /// The job's own value of `key`, or else the one of `default:` or of the top level.
    fn inherited(&self, key: &str) -> Result<Option<&'a Node>> {
        let default = self
            .file
            .get("default")
            .and_then(|default| default.get(key));
        let global = self.file.get(key);
        if default.is_some() && global.is_some() {
            return Err(refused(format!(
                "has `{key}` both at the top level and in `default:`; GitLab allows one"
            )));
        }
        Ok(self.job.get(key).or(default).or(global))
    }

    fn refuse_what_changes_the_script(&self) -> Result<()> {
        for (key, instead) in [
            (
                "extends",
                "Write the job out, or use a YAML anchor, which is followed.",
            ),
            ("run", "Only jobs with a `script:` are followed."),
            (
                "trigger",
                "It starts another pipeline and runs nothing itself.",
            ),
            (
                "inherit",
                "Write out what the job uses of `default:` and `variables:`.",
            ),
            (
                "hooks",
                "Move the commands into `before_script:` for the trial.",
            ),
        ] {
            if self.job.get(key).is_some() {
                return Err(self
                    .wrong(
                        key,
                        "is not followed, and the job would run something else without it",
                    )
                    .advise(instead));
            }
        }
        let shared = INHERITED_KEYS
            .iter()
            .filter_map(|key| self.inherited(key).ok().flatten());
        let tagged = shared
            .chain(self.file.get("variables"))
            .chain([self.job])
            .find_map(Node::tag);
        match tagged {
            Some(tag) => Err(
                refused(format!("job {}: the tag {tag} is not followed", self.name)).advise(
                    "Write out what it refers to, or use a YAML anchor, which is followed.",
                ),
            ),
            None => Ok(()),
        }
    }

    fn stage(&self) -> Result<String> {
        match self.job.get("stage") {
            None => Ok("test".to_owned()),
            Some(node) => node
                .scalar()
                .ok_or_else(|| self.wrong("stage", "must be a name")),
        }
    }

    fn timeout(&self) -> Result<Duration> {
        let default = self
            .file
            .get("default")
            .and_then(|default| default.get("timeout"));
        match self.job.get("timeout").or(default) {
            None => Ok(DEFAULT_TIMEOUT),
            Some(node) => node
                .scalar()
                .and_then(|text| duration(&text))
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| self.wrong("timeout", "must be a duration such as `1h 30m`")),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.file.get("include").is_some() {
            warnings.push(
                "`include` is not followed: variables and defaults of included files are missing"
                    .to_owned(),
            );
        }
        let keys =
            |node: Option<&'a Node>| node.into_iter().flat_map(Node::entries).map(|(key, _)| key);
        for key in keys(Some(self.file)).filter(|key| ["cache", "workflow"].contains(key)) {
            warnings.push(unfollowed(key));
        }
        for key in keys(self.file.get("default"))
            .filter(|key| !INHERITED_KEYS.contains(key) && *key != "timeout")
        {
            warnings.push(format!("default: {}", unfollowed(key)));
        }
        for key in keys(Some(self.job))
            .filter(|key| !INHERITED_KEYS.contains(key) && !OWN_KEYS.contains(key))
        {
            warnings.push(format!("job {}: {}", self.name, unfollowed(key)));
        }
        let services = match self.inherited("services") {
            Ok(Some(Node::List(services))) => services.as_slice(),
            _ => &[],
        };
        let images = self.inherited("image").ok().flatten().into_iter();
        for key in images
            .chain(services)
            .flat_map(Node::entries)
            .map(|(key, _)| key)
            .filter(|key| !IMAGE_KEYS.contains(key))
        {
            warnings.push(format!(
                "job {}: image or service: {}",
                self.name,
                unfollowed(key)
            ));
        }
        warnings
    }
}

/// What it means that `key` is not followed.
fn unfollowed(key: &str) -> String {
    let effect = match key {
        "rules" | "only" | "except" | "when" | "workflow" => "is not evaluated: the job runs",
        "needs" | "dependencies" => {
            "is not followed: no other job runs before, and its artifacts are missing"
        }
        "artifacts" => "is not followed: nothing is uploaded",
        "cache" => "is not followed: nothing is restored or saved",
        "parallel" => "is not followed: the job runs once, without variables of a matrix",
        "retry" => "is not followed: the job runs once",
        "allow_failure" => "is not followed: a failure is shown as one",
        "secrets" | "id_tokens" => "is not followed: its variables are missing",
        "environment" | "release" | "pages" => "is not followed: nothing is published",
        "tags" => "is not followed: this runner takes every job",
        _ => "is not followed",
    };
    format!("`{key}` {effect}")
}

/// A duration such as `1h 30m`, or plain seconds.
fn duration(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

/// Flattens a script as GitLab does: a text, or lists of texts within lists.
fn commands(node: &Node, into: &mut Vec<String>) -> Result<(), String> {
    match node {
        Node::List(items) => items.iter().try_for_each(|item| commands(item, into)),
        Node::Text(command) => {
            into.push(command.clone());
            Ok(())
        }
        _ => Err(
            "must be a text or a list of texts (a command with `: ` in it needs quotes)".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
