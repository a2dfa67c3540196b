//! What the job's task is to be: the operator's configuration, changed by the job's variables as far as
//! `[JobVariables]` allows.

use std::fmt::Display;
use std::str::FromStr;

use crate::aws::TaskOverrides;
use crate::config::{
    Architecture, Globs, JobImage, Mode, StrategyItem, TaskDefinitionName, capacity_provider,
    platform_version, role,
};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::gitlab::{JobOverrides, JobPayload, project_folder};
use crate::start::sizes::Sizes;
use crate::task::definition::{self, ComposedTask, CompositionInput, JobVariables};

/// Stands for a job's public key where only its length counts: an Ed25519 one in OpenSSH's form has 80 characters.
const SOME_KEY: &str =
    "ssh-ed25519 ....................................................................";

/// What the author of a job can do that asks for more than it may have.
pub(crate) const CHOOSE_ALLOWED: &str = "Choose an allowed value in the .gitlab-ci.yml, or ask the runner's operators ([JobVariables] in fargate.toml).";

/// What the job's task is to be.
pub(crate) struct TaskRequest<'a> {
    pub(crate) task: TaskSource<'a>,
    pub(crate) platform_version: Option<String>,
    /// What the job chose in place of the operator's capacity providers.
    pub(crate) strategy: Option<Vec<StrategyItem>>,
    /// What differs from the task definition.
    pub(crate) changes: TaskOverrides,
    /// What the job's variables changed, or did not, for the job log.
    pub(crate) notes: Vec<String>,
}

/// What the task is made of.
pub(crate) enum TaskSource<'a> {
    /// The operator's definition.
    Definition(TaskDefinitionName),
    /// The job's own image.
    JobImage(Box<JobImageSource<'a>>),
}

/// What a task is made of that is composed for its job.
pub(crate) struct JobImageSource<'a> {
    pub(crate) settings: &'a JobImage,
    region: &'a str,
    pub(crate) asked: JobPayload,
    sizes: Sizes,
    architecture: Architecture,
}

impl JobImageSource<'_> {
    /// The task for a job whose key is `public_key`, and which is over by `deadline`.
    pub(crate) fn compose(&self, public_key: &str, deadline: u64) -> Result<ComposedTask> {
        definition::compose(&CompositionInput {
            settings: self.settings,
            asked: &self.asked,
            region: self.region,
            size: self.sizes.usual,
            architecture: self.architecture,
            project_folder: project_folder().as_deref(),
            public_key,
            deadline,
        })
    }
}

impl<'a> TaskRequest<'a> {
    /// The operator's flag counts most, then the job's variable, then the configuration, as in GitLab's driver.
    ///
    /// # Errors
    ///
    /// [`Blame::Job`] when the job asks for what it may not have or what cannot be.
    pub(crate) fn of(context: &Context<'a>) -> Result<Self> {
        let (flags, config) = (context.flags, context.config);
        let allowed = &config.job_variables;
        let wishes = JobOverrides::from_environment();
        let mut notes = Vec::new();
        let platform_version = match given(flags.platform_version.as_deref()) {
            Some(flag) => {
                let version = platform_version(flag).map_err(|expected| {
                    usage(format!(
                        "--platform-version is {flag:?}, but must be {expected}"
                    ))
                })?;
                Some(version)
            }
            None => wish(
                "FARGATE_PLATFORM_VERSION",
                wishes.platform_version.clone(),
                platform_version,
                allowed.platform_versions.as_ref(),
                &mut notes,
            )?
            .or_else(|| config.fargate.platform_version.clone()),
        };
        let usual = match &config.mode {
            Mode::JobImage(settings) => Some((settings.cpu, settings.memory)),
            Mode::TaskDefinition(_) => None,
        };
        let (sizes, mut changes) = Sizes::of(&wishes, allowed, usual, &mut notes)?;
        changes.task_role = permitted(
            "FARGATE_TASK_ROLE",
            wishes.task_role.clone(),
            role,
            ("TaskRoles", allowed.task_roles.as_ref()),
            &mut notes,
        )?;
        let provider = permitted(
            "FARGATE_CAPACITY_PROVIDER",
            wishes.capacity_provider.clone(),
            capacity_provider,
            ("CapacityProviders", allowed.capacity_providers.as_ref()),
            &mut notes,
        )?;
        let strategy = provider.map(|provider| {
            vec![StrategyItem {
                provider,
                weight: 1,
                base: 0,
            }]
        });
        let task = match &config.mode {
            Mode::TaskDefinition(configured) => {
                if wishes.architecture.is_some() {
                    notes.push("FARGATE_CPU_ARCHITECTURE has no effect: jobs run in the operator's task definition".to_owned());
                }
                TaskSource::Definition(definition(context, wishes, configured, &mut notes)?)
            }
            Mode::JobImage(settings) => {
                if given(flags.task_definition.as_deref()).is_some() {
                    return Err(usage(
                        "--task-def and [JobImage] Enabled = true exclude each other".to_owned(),
                    ));
                }
                if wishes.task_definition.is_some() {
                    notes.push(
                        "FARGATE_TASK_DEFINITION has no effect: jobs run in their own image here"
                            .to_owned(),
                    );
                }
                let asked = JobPayload::from_environment()?;
                let listed = allowed.architectures.as_deref();
                let architecture =
                    architecture(&asked, settings, wishes.architecture, listed, &mut notes)?;
                TaskSource::JobImage(Box::new(JobImageSource {
                    settings,
                    region: &config.fargate.region,
                    asked,
                    sizes: sizes.ok_or_else(|| Error::system("the task has no size"))?,
                    architecture,
                }))
            }
        };
        let wanted = Self {
            task,
            platform_version,
            strategy,
            changes,
            notes,
        };
        // So that config already refuses what prepare would.
        if let TaskSource::JobImage(by_image) = &wanted.task {
            by_image.compose(SOME_KEY, u64::from(u32::MAX))?;
        }
        Ok(wanted)
    }
}

fn definition(
    context: &Context<'_>,
    wishes: JobOverrides,
    configured: &TaskDefinitionName,
    notes: &mut Vec<String>,
) -> Result<TaskDefinitionName> {
    if let Some(flag) = given(context.flags.task_definition.as_deref()) {
        return flag
            .parse()
            .map_err(|expected| usage(format!("--task-def is {flag:?}, but must be {expected}")));
    }
    let wished = wish(
        "FARGATE_TASK_DEFINITION",
        wishes.task_definition,
        |value| value.parse::<TaskDefinitionName>(),
        context.config.job_variables.task_definitions.as_ref(),
        notes,
    )?;
    let globs = context.config.job_variables.task_definitions.as_ref();
    if let (Some(name), Some(globs)) = (&wished, globs) {
        let value = name.to_string();
        if !globs.allow_named(&value, &name.other_names()) {
            return Err(not_allowed("FARGATE_TASK_DEFINITION", &value, globs));
        }
    }
    Ok(wished.unwrap_or_else(|| configured.clone()))
}

/// The processors of the task: as the job's variable says, as its images' platforms say, or the operator's.
fn architecture(
    asked: &JobPayload,
    settings: &JobImage,
    wished: Option<String>,
    allowed: Option<&[Architecture]>,
    notes: &mut Vec<String>,
) -> Result<Architecture> {
    const VARIABLE: &str = "FARGATE_CPU_ARCHITECTURE";
    let names = allowed.map(|list| {
        let names: Vec<_> = list.iter().map(ToString::to_string).collect();
        names.join(", ")
    });
    let may = |architecture| allowed.is_some_and(|list| list.contains(&architecture));
    let mut chosen = match (wished, names.as_deref()) {
        (Some(_), None) => {
            notes.push(ignored(VARIABLE, "CPUArchitectures"));
            None
        }
        (Some(value), Some(names)) => {
            let wish: Architecture = parse(VARIABLE, &value, str::parse)?;
            if !may(wish) {
                return Err(not_allowed(VARIABLE, &value, names));
            }
            notes.push(format!("{VARIABLE}: {wish}"));
            Some(wish)
        }
        (None, _) => None,
    };
    let folder = project_folder();
    let variables = JobVariables::new(asked.variables(), folder.as_deref());
    let options = asked.image_options();
    for image in std::iter::once(&options).chain(asked.services()) {
        let platform = image.platform().map(|platform| variables.named(platform));
        // As for the runner a reference to nothing is no wish.
        let Some(platform) = platform.filter(|platform| !platform.is_empty()) else {
            continue;
        };
        let wish = definition::architecture(&platform).ok_or_else(|| {
            Error::job(format!(
                "the image {} is to be of platform {platform}, and Fargate has linux/amd64 and linux/arm64",
                image.name
            ))
            .advise("Correct docker: platform: in the .gitlab-ci.yml.")
        })?;
        let decided = chosen.unwrap_or(settings.architecture);
        if wish == decided {
            chosen = Some(wish);
        } else if chosen.is_none() && may(wish) {
            notes.push(format!("platform {platform}: {wish}"));
            chosen = Some(wish);
        } else {
            return Err(Error::job(format!(
                "the image {} is to be of platform {platform}, and the task runs on {decided}",
                image.name
            ))
            .advise(
                "All containers of a task have the same processors. Correct docker: platform: in the .gitlab-ci.yml, or ask \
                 the runner's operators ([JobVariables] CPUArchitectures in fargate.toml).",
            ));
        }
    }
    Ok(chosen.unwrap_or(settings.architecture))
}

/// An empty flag counts as left out, as in GitLab's driver.
fn given(flag: Option<&str>) -> Option<&str> {
    flag.filter(|flag| !flag.is_empty())
}

fn usage(message: String) -> Error {
    Error::new(Blame::Usage, message)
}

/// A variable that any job may set unless the operator says otherwise.
fn wish<T>(
    variable: &str,
    value: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
    allowed: Option<&Globs>,
    notes: &mut Vec<String>,
) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    let parsed = self::parse(variable, &value, parse)?;
    match allowed {
        Some(globs) if !globs.allow(&value) => Err(not_allowed(variable, &value, globs)),
        _ => {
            notes.push(format!("{variable}: {value}"));
            Ok(Some(parsed))
        }
    }
}

/// A variable that no job may set unless the operator allows it.
fn permitted<T>(
    variable: &str,
    value: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
    (key, allowed): (&str, Option<&Globs>),
    notes: &mut Vec<String>,
) -> Result<Option<T>> {
    if value.is_some() && allowed.is_none() {
        notes.push(ignored(variable, key));
        return Ok(None);
    }
    wish(variable, value, parse, allowed, notes)
}

/// A variable that may ask for up to `most`, if the operator says how much that is.
pub(crate) fn limited<T>(
    variable: &str,
    value: Option<&String>,
    (key, most): (&str, Option<T>),
    notes: &mut Vec<String>,
) -> Result<Option<T>>
where
    T: FromStr<Err = String> + Display + Ord,
{
    let (value, most) = match (value, most) {
        (None, _) => return Ok(None),
        (Some(_), None) => {
            notes.push(ignored(variable, key));
            return Ok(None);
        }
        (Some(value), Some(most)) => (value, most),
    };
    let parsed: T = parse(variable, value, str::parse)?;
    if parsed > most {
        return Err(not_allowed(variable, value, format!("at most {most}")));
    }
    notes.push(format!("{variable}: {parsed}"));
    Ok(Some(parsed))
}

fn parse<T>(
    variable: &str,
    value: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T> {
    parse(value).map_err(|expected| {
        Error::job(format!(
            "the job's variable {variable} is {value:?}, but must be {expected}"
        ))
        .advise(format!(
            "Correct {variable} in the .gitlab-ci.yml, or leave it out."
        ))
    })
}

fn ignored(variable: &str, key: &str) -> String {
    format!("{variable} is ignored: this runner does not let jobs set it ([JobVariables] {key})")
}

fn not_allowed(variable: &str, value: &str, allowed: impl Display) -> Error {
    Error::job(format!(
        "the job's variable {variable} is {value:?}, and this runner allows {allowed}"
    ))
    .advise(CHOOSE_ALLOWED)
}
