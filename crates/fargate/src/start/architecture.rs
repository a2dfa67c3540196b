//! The processors of a job's task.

use super::permission::{ignored, not_allowed, parse};
use crate::config::{Architecture, JobImage};
use crate::error::{Error, Result};
use crate::gitlab::{JobPayload, project_folder};
use crate::task::definition::{self, JobVariables};

/// The processors of the task: as the job's variable says, as its images' platforms say, or the operator's.
pub(super) fn architecture(
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
                "the image {} needs platform {platform}, and Fargate has linux/amd64 and linux/arm64",
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
                "the image {} needs platform {platform}, and the task runs on {decided}",
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
