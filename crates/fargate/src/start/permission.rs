//! Checks job variables against `[JobVariables]`.

use std::fmt::Display;
use std::str::FromStr;

use crate::config::Globs;
use crate::error::{Error, Result};

/// Advice for the author of a job that asks for more than it may have.
pub(super) const CHOOSE_ALLOWED: &str = "Choose an allowed value in the .gitlab-ci.yml, or ask the runner's operators ([JobVariables] in fargate.toml).";

/// A variable that any job may set unless the operator says otherwise.
pub(super) fn wish<T>(
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
pub(super) fn permitted<T>(
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
pub(super) fn limited<T>(
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

pub(super) fn parse<T>(
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

pub(super) fn ignored(variable: &str, key: &str) -> String {
    format!("{variable} is ignored: jobs may not set it on this runner ([JobVariables] {key})")
}

pub(super) fn not_allowed(variable: &str, value: &str, allowed: impl Display) -> Error {
    Error::job(format!(
        "the job's variable {variable} is {value:?}, and this runner allows {allowed}"
    ))
    .advise(CHOOSE_ALLOWED)
}
