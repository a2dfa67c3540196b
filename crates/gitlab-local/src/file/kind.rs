//! Whether a key of the top level is a job that runs something, and whether its keywords go together.

use crate::file::inherit::JobNode;
use crate::file::keywords::job_keyword;
use crate::file::lint::Lint;
use crate::file::spelling::nearest;
use crate::yaml::Value;

/// Pairs of keywords that no job may have both of (`mutually_exclusive_keys`).
const EXCLUSIVE: &[[&str; 2]] = &[["script", "trigger"], ["run", "trigger"], ["script", "run"]];

/// The longest name of a job (`Entry::Processable`).
const MAX_NAME_CHARS: usize = 255;

/// Checks that the job has a script, or starts a pipeline. `is_partial`: an included file is not here, which may have
/// the script.
///
/// # Errors
///
/// GitLab's, or that the job runs nothing here.
pub(super) fn check_kind(job: &JobNode<'_>, is_partial: bool) -> Result<(), Lint> {
    let name = job.name;
    let fault = |fault: &str| Err(Lint::new(format!("jobs:{name} {fault}")).at(&job.own.at));
    if name.chars().count() > MAX_NAME_CHARS {
        return fault("name is too long (maximum is 255 characters)");
    }
    let has = |key: &&str| job.own.as_map().is_some_and(|own| own.contains_key(*key));
    if let Some(both) = EXCLUSIVE.iter().find(|both| both.iter().all(has)) {
        let both = both.join(", ");
        return fault(&format!(
            "config these keys cannot be used together: {both}"
        ));
    }
    if let Some(script) = job.own.as_map().and_then(|own| own.get("script")) {
        let is_blank = match &script.value {
            Value::Null => true,
            Value::Text(text) => text.trim().is_empty(),
            Value::List(items) => items.is_empty(),
            _ => false,
        };
        return match is_blank {
            true => fault("script can't be blank"),
            false => Ok(()),
        };
    }
    if job.own.get("trigger").is_some() {
        return Ok(());
    }
    if job.own.get("run").is_some() {
        return Err(job.wrong(
            "run",
            "is not followed: only jobs with a `script:` run here",
        ));
    }
    let fault = match is_partial && job.own.as_map().is_some() {
        true => format!("jobs:{name}:script is in a file that is not here"),
        false => {
            format!("jobs {name} config should implement the script:, run:, or trigger: keyword")
        }
    };
    let lint = Lint::new(fault).at(&job.own.at);
    Err(match (name, misspelt_script(job)) {
        ("spec", _) => lint.advise("A line `---` ends the header with `spec:`."),
        ("types", _) => lint.advise("GitLab has no `types:` any more. Use `stages:`."),
        (_, Some(key)) => lint.advise(format!("`{key}` is not a keyword. Did you mean `script`?")),
        (_, None) => lint,
    })
}

/// A key of the job that looks like `script` and is no keyword.
fn misspelt_script<'a>(job: &JobNode<'a>) -> Option<&'a str> {
    let mut keys = job.own.entries().map(|(key, _)| key);
    keys.find(|key| job_keyword(key).is_none() && nearest(key, ["script"]).is_some())
}

/// Keywords that `rules:` takes the place of (`Entry::Processable`).
const REPLACED_BY_RULES: &[&str] = &["only", "except", "start_in"];

/// Checks keywords that depend on each other.
///
/// # Errors
///
/// GitLab's.
pub(super) fn check_together(job: &JobNode<'_>) -> Result<(), Lint> {
    let name = job.name;
    let own = |key: &str| job.own.get(key);
    let fault = |key: &str, fault: &str| {
        let at = &own(key).unwrap_or(job.own).at;
        Err(Lint::new(format!("jobs:{name} {fault}")).at(at))
    };
    if own("rules").is_some() {
        let replaced = REPLACED_BY_RULES.iter().find(|key| own(key).is_some());
        return match replaced {
            Some(key) => fault(
                key,
                &format!("config key may not be used with `rules`: {key}"),
            ),
            None => Ok(()),
        };
    }
    let is_delayed = own("when").and_then(|when| when.scalar()).as_deref() == Some("delayed");
    match (is_delayed, own("start_in").is_some()) {
        (true, false) => fault("when", "start_in should be a duration"),
        (false, true) => fault("start_in", "start_in must be blank"),
        _ => Ok(()),
    }
}
