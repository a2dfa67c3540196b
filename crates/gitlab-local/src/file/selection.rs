//! Names of jobs among the keys of a file.

use crate::file::spelling::nearest;

/// Keys of the top level that are not jobs.
pub(super) const GLOBAL_KEYS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "stages",
    "variables",
    "workflow",
];

/// Whether `name` could be that of an instance of the job `group`: `group 1/3` or `group: [a, b]`.
pub(super) fn is_instance(name: &str, group: &str) -> bool {
    let Some(rest) = name.strip_prefix(group) else {
        return false;
    };
    let is_matrix = rest.starts_with(": [") && rest.ends_with(']');
    let is_number = rest.strip_prefix(' ').and_then(|rest| rest.split_once('/'));
    is_matrix || is_number.is_some()
}

/// Advice for a reader whose job is not among `names`.
pub(super) fn closest(names: &[&str], wanted: &str) -> String {
    match nearest(wanted, names.iter().copied()) {
        Some(nearest) => format!("Did you mean {nearest}?"),
        None if names.is_empty() => "It has none.".to_owned(),
        None => format!("It has: {}", names.join(", ")),
    }
}
