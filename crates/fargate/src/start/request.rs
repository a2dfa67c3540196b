//! A job's request for a task: the operator's configuration, changed by the job's variables as far as `[JobVariables]`
//! allows.

use super::architecture::architecture;
use super::permission::{not_allowed, permitted, wish};
use super::sizes::Sizes;
use crate::aws::TaskOverrides;
use crate::config::{
    Architecture, HedgeAfter, JobImage, JobVariables, Mode, StrategyItem, TaskDefinitionName,
    capacity_provider, platform_version, role,
};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::gitlab::{JobOverrides, JobPayload, project_folder};
use crate::task::definition::{self, ComposedTask, CompositionInput};

/// A placeholder of the length of a public key: an Ed25519 key in OpenSSH's form has 80 characters.
const PLACEHOLDER_KEY: &str =
    "ssh-ed25519 ....................................................................";

/// Why a job takes no waiting task, by its own wish.
pub(crate) const COLD_BY_VARIABLE: &str = "FARGATE_WARM is false";
pub(crate) const COLD_BY_PULL_POLICY: &str = "its pull_policy is always";

/// A request for a task, checked.
pub(crate) struct TaskRequest<'a> {
    pub(crate) source: TaskSource<'a>,
    pub(crate) platform_version: Option<String>,
    /// The job's choice in place of the operator's capacity providers.
    pub(crate) strategy: Option<Vec<StrategyItem>>,
    /// Differences from the task definition.
    pub(crate) overrides: TaskOverrides,
    /// Why the job takes no waiting task, where it does not.
    pub(crate) cold: Option<&'static str>,
    /// When a second task is started beside one that lags.
    pub(crate) hedge_after: HedgeAfter,
    /// Effects of the job's variables, for the job log.
    pub(crate) notes: Vec<String>,
}

/// Where a task's definition comes from.
pub(crate) enum TaskSource<'a> {
    /// The operator.
    Definition(TaskDefinitionName),
    /// The job's own image.
    JobImage(Box<JobImageSource<'a>>),
}

/// The input for the task of a job with its own image.
pub(crate) struct JobImageSource<'a> {
    pub(crate) settings: &'a JobImage,
    region: &'a str,
    is_interactive: bool,
    pub(crate) payload: JobPayload,
    sizes: Sizes,
    architecture: Architecture,
}

impl JobImageSource<'_> {
    /// Composes the task of a job with this public key, which is over by `deadline`.
    pub(crate) fn compose(&self, public_key: &str, deadline: u64) -> Result<ComposedTask> {
        definition::compose(&CompositionInput {
            settings: self.settings,
            asked: &self.payload,
            region: self.region,
            size: self.sizes.usual,
            architecture: self.architecture,
            project_folder: project_folder().as_deref(),
            is_interactive: self.is_interactive,
            public_key,
            deadline,
        })
    }
}

impl<'a> TaskRequest<'a> {
    /// The request of the job of this call. The operator's flag counts most, then the job's variable, then the
    /// configuration, as in GitLab's driver.
    ///
    /// # Errors
    ///
    /// [`Blame::Job`] when the job's request is forbidden or impossible.
    pub(crate) fn new(context: &Context<'a>) -> Result<Self> {
        Self::of(context, JobOverrides::from_environment(), None)
    }

    /// The request of a job that asks for these changes, with this payload, or that of the job of this call.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn of(
        context: &Context<'a>,
        asked: JobOverrides,
        payload: Option<JobPayload>,
    ) -> Result<Self> {
        let config = context.config;
        let allowed = &config.job_variables;
        let declines = asked.warm.as_deref() == Some("false");
        let mut notes = Vec::new();
        let platform_version = platform(context, &asked, &mut notes)?;
        let usual = match &config.mode {
            Mode::JobImage(settings) => Some((settings.cpu, settings.memory)),
            Mode::TaskDefinition(_) => None,
        };
        let (sizes, mut overrides) = Sizes::new(&asked, allowed, usual, &mut notes)?;
        overrides.task_role = permitted(
            "FARGATE_TASK_ROLE",
            asked.task_role.clone(),
            role,
            ("TaskRoles", allowed.task_roles.as_ref()),
            &mut notes,
        )?;
        let strategy = strategy(&asked, allowed, &mut notes)?;
        let hedge_after = hedge_after(&asked, config.fargate.hedge_after, &mut notes)?;
        let source = match &config.mode {
            Mode::TaskDefinition(configured) => {
                notes.extend(ignored_images());
                TaskSource::Definition(definition(context, asked, configured, &mut notes)?)
            }
            Mode::JobImage(settings) => {
                let source = job_image(context, asked, payload, settings, sizes, &mut notes)?;
                // Composed already here, so that config refuses what prepare would refuse.
                source.compose(PLACEHOLDER_KEY, u64::from(u32::MAX))?;
                TaskSource::JobImage(Box::new(source))
            }
        };
        let needs_new_images = match &source {
            TaskSource::JobImage(by_image) => by_image.payload.needs_new_images(),
            TaskSource::Definition(_) => false,
        };
        let cold = match (declines, needs_new_images) {
            (true, _) => Some(COLD_BY_VARIABLE),
            (false, true) => Some(COLD_BY_PULL_POLICY),
            (false, false) => None,
        };
        Ok(Self {
            source,
            platform_version,
            strategy,
            overrides,
            cold,
            hedge_after,
            notes,
        })
    }
}

fn platform(
    context: &Context<'_>,
    asked: &JobOverrides,
    notes: &mut Vec<String>,
) -> Result<Option<String>> {
    if let Some(flag) = given(context.flags.platform_version.as_deref()) {
        let version = platform_version(flag).map_err(|expected| {
            usage(format!(
                "--platform-version is {flag:?}, but must be {expected}"
            ))
        })?;
        return Ok(Some(version));
    }
    let chosen = wish(
        "FARGATE_PLATFORM_VERSION",
        asked.platform_version.clone(),
        platform_version,
        context.config.job_variables.platform_versions.as_ref(),
        notes,
    )?;
    Ok(chosen.or_else(|| context.config.fargate.platform_version.clone()))
}

fn strategy(
    asked: &JobOverrides,
    allowed: &JobVariables,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<StrategyItem>>> {
    let provider = permitted(
        "FARGATE_CAPACITY_PROVIDER",
        asked.capacity_provider.clone(),
        capacity_provider,
        ("CapacityProviders", allowed.capacity_providers.as_ref()),
        notes,
    )?;
    Ok(provider.map(|provider| {
        vec![StrategyItem {
            provider,
            weight: 1,
            base: 0,
        }]
    }))
}

/// The operator's setting, unless the job does without a second task. A job cannot ask for more than the operator does.
fn hedge_after(
    asked: &JobOverrides,
    configured: HedgeAfter,
    notes: &mut Vec<String>,
) -> Result<HedgeAfter> {
    let parse = |text: &str| text.parse::<bool>().map_err(|_| "true or false".to_owned());
    let wished = wish("FARGATE_HEDGE", asked.hedge.clone(), parse, None, notes)?;
    Ok(match wished {
        Some(false) => HedgeAfter::Off,
        Some(true) | None => configured,
    })
}

fn definition(
    context: &Context<'_>,
    asked: JobOverrides,
    configured: &TaskDefinitionName,
    notes: &mut Vec<String>,
) -> Result<TaskDefinitionName> {
    if asked.architecture.is_some() {
        notes.push(
            "FARGATE_CPU_ARCHITECTURE has no effect: jobs run in the operator's task definition"
                .to_owned(),
        );
    }
    if let Some(flag) = given(context.flags.task_definition.as_deref()) {
        return flag
            .parse()
            .map_err(|expected| usage(format!("--task-def is {flag:?}, but must be {expected}")));
    }
    let globs = context.config.job_variables.task_definitions.as_ref();
    let chosen = wish(
        "FARGATE_TASK_DEFINITION",
        asked.task_definition,
        |value| value.parse::<TaskDefinitionName>(),
        globs,
        notes,
    )?;
    if let (Some(name), Some(globs)) = (&chosen, globs) {
        let value = name.to_string();
        if !globs.allow_named(&value, &name.other_names()) {
            return Err(not_allowed("FARGATE_TASK_DEFINITION", &value, globs));
        }
    }
    Ok(chosen.unwrap_or_else(|| configured.clone()))
}

/// The line about the job's image and services, which the operator's task definition replaces.
fn ignored_images() -> Option<String> {
    // The mode does without the job response file.
    let payload = JobPayload::from_environment().ok()?;
    let image = payload
        .image()
        .map(|image| format!("image: {}", image.name));
    let services: Vec<_> = payload
        .services()
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let services = (!services.is_empty()).then(|| format!("services: {}", services.join(", ")));
    let verb = if services.is_some() { "have" } else { "has" };
    let ignored: Vec<_> = [image, services].into_iter().flatten().collect();
    (!ignored.is_empty()).then(|| {
        format!(
            "The job's {} {verb} no effect: jobs run in the operator's task definition",
            ignored.join(" and ")
        )
    })
}

fn job_image<'a>(
    context: &Context<'a>,
    asked: JobOverrides,
    payload: Option<JobPayload>,
    settings: &'a JobImage,
    sizes: Option<Sizes>,
    notes: &mut Vec<String>,
) -> Result<JobImageSource<'a>> {
    let config = context.config;
    if given(context.flags.task_definition.as_deref()).is_some() {
        return Err(usage(
            "--task-def and [JobImage] Enabled = true exclude each other".to_owned(),
        ));
    }
    if asked.task_definition.is_some() {
        notes.push(
            "FARGATE_TASK_DEFINITION has no effect: jobs run in their own image here".to_owned(),
        );
    }
    let payload = payload.map_or_else(JobPayload::from_environment, Ok)?;
    let listed = config.job_variables.architectures.as_deref();
    Ok(JobImageSource {
        settings,
        region: &config.fargate.region,
        is_interactive: config.ssh.is_interactive,
        architecture: architecture(&payload, settings, asked.architecture, listed, notes)?,
        payload,
        sizes: sizes.ok_or_else(|| Error::system("the task has no size"))?,
    })
}

/// An empty flag counts as left out, as in GitLab's driver.
fn given(flag: Option<&str>) -> Option<&str> {
    flag.filter(|flag| !flag.is_empty())
}

fn usage(message: String) -> Error {
    Error::new(Blame::Usage, message)
}
