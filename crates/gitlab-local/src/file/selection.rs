//! Names of jobs among the keys of a file.

/// Keys of the top level that are not jobs.
pub(super) const GLOBAL_KEYS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "types",
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
    let nearest = names
        .iter()
        .min_by_key(|name| strsim::osa_distance(wanted, name));
    match nearest {
        Some(nearest) if strsim::osa_distance(wanted, nearest) <= 2 => {
            format!("Did you mean {nearest}?")
        }
        Some(_) => format!("It has: {}", names.join(", ")),
        None => "It has none.".to_owned(),
    }
}
