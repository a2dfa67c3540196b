//! What the job's task is to be: the operator's configuration, changed by the job's variables as far as
//! `[JobVariables]` allows.

use super::Context;
use crate::config::{Globs, TaskDefinitionName, platform_version};
use crate::error::{Blame, Error, Result};
use crate::runner::Wishes;

/// The task definition and platform version to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) definition: TaskDefinitionName,
    pub(super) platform_version: Option<String>,
    /// What the job's variables changed, for the job log.
    pub(super) changes: Vec<String>,
}

impl Wanted {
    /// The operator's flag counts most, then the job's variable, then the configuration, as in GitLab's driver.
    ///
    /// # Errors
    ///
    /// [`Blame::Job`] when a variable has a value that is malformed or not allowed.
    pub(super) fn of(context: &Context<'_>) -> Result<Self> {
        let (options, fargate, allowed) = (
            context.options,
            &context.config.fargate,
            &context.config.job_variables,
        );
        let wishes = Wishes::from_environment();
        let mut changes = Vec::new();
        let definition = match given(options.task_def.as_deref()) {
            Some(flag) => flag.parse().map_err(|expected| {
                usage(format!("--task-def is {flag:?}, but must be {expected}"))
            })?,
            None => wish(
                "FARGATE_TASK_DEFINITION",
                wishes.task_definition,
                |value| value.parse::<TaskDefinitionName>(),
                allowed.task_definitions.as_ref(),
                &mut changes,
            )?
            .unwrap_or_else(|| fargate.task_definition.clone()),
        };
        let platform_version = match given(options.platform_version.as_deref()) {
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
                wishes.platform_version,
                platform_version,
                allowed.platform_versions.as_ref(),
                &mut changes,
            )?
            .or_else(|| fargate.platform_version.clone()),
        };
        Ok(Self {
            definition,
            platform_version,
            changes,
        })
    }
}

/// An empty flag counts as left out, as in GitLab's driver.
fn given(flag: Option<&str>) -> Option<&str> {
    flag.filter(|flag| !flag.is_empty())
}

fn usage(message: String) -> Error {
    Error::new(Blame::Usage, message)
}

fn wish<T>(
    variable: &str,
    value: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
    allowed: Option<&Globs>,
    changes: &mut Vec<String>,
) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    let parsed = parse(&value).map_err(|expected| {
        Error::job(format!(
            "the job's variable {variable} is {value:?}, but must be {expected}"
        ))
        .advise(format!(
            "Correct {variable} in the .gitlab-ci.yml, or leave it out."
        ))
    })?;
    match allowed {
        Some(globs) if !globs.allow(&value) => Err(Error::job(format!(
            "the job's variable {variable} is {value:?}, and this runner allows {globs}"
        ))
        .advise(format!(
            "Choose an allowed value in the .gitlab-ci.yml, or ask the runner's operators ([JobVariables] in fargate.toml)."
        ))),
        _ => {
            changes.push(format!("{variable}: {value}"));
            Ok(Some(parsed))
        }
    }
}
