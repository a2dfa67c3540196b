//! Finds the job to run among the keys of a file.

use crate::file::problem::Problem;
use crate::yaml::Node;

/// Keys of the top level that are not jobs.
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

/// The job `name` with its key; without a name the file's only job.
///
/// # Errors
///
/// When the file does not have that job, or several where none is named.
pub(super) fn select<'a>(
    file: &'a Node,
    name: Option<&str>,
) -> Result<(&'a str, &'a Node), Problem> {
    let Some(wanted) = name else {
        return only_job(file);
    };
    if let Some(job) = jobs(file).find(|(name, _)| *name == wanted) {
        return Ok(job);
    }
    if wanted.starts_with('.') && file.get(wanted).is_some() {
        return Err(Problem::Template(wanted.to_owned()));
    }
    Err(Problem::UnknownJob {
        name: wanted.to_owned(),
        advice: alternatives(file, wanted),
    })
}

fn jobs(file: &Node) -> impl Iterator<Item = (&str, &Node)> {
    file.entries().filter(|(key, node)| {
        !key.starts_with('.') && !GLOBAL_KEYS.contains(key) && node.as_map().is_some()
    })
}

fn only_job(file: &Node) -> Result<(&str, &Node), Problem> {
    let mut all = jobs(file);
    match (all.next(), all.next()) {
        (Some(job), None) => Ok(job),
        (None, _) => Err(Problem::NoJobs),
        (Some(_), Some(_)) => {
            let names = jobs(file).map(|(name, _)| name.to_owned());
            Err(Problem::SeveralJobs(names.collect()))
        }
    }
}

/// Advice for a reader whose job is not in the file.
fn alternatives(file: &Node, wanted: &str) -> String {
    let names: Vec<&str> = jobs(file).map(|(name, _)| name).collect();
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
    match file.get("include") {
        Some(_) => advice + " Included files are not read.",
        None => advice,
    }
}
