//! The length of a task's overrides, within the limit of RunTask.

use std::collections::BTreeMap;

use serde::Serialize;

/// Limit in characters of all overrides together (AWS: RunTask), less a reserve, as AWS may serialize them differently.
pub(crate) const LIMIT: usize = 8192 - 192;

/// Variables of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerEnvironment {
    /// The container's name.
    pub(crate) container: String,
    pub(crate) variables: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
}

/// Characters of the overrides as AWS writes them.
pub(crate) fn length(environments: &[ContainerEnvironment]) -> usize {
    // `{"containerOverrides":[],"inferenceAcceleratorOverrides":[]}`, and a task's own size and role.
    const FRAME: usize = 256;
    // `{"name":"","environment":[]},`
    const CONTAINER: usize = 30;
    let container = |environment: &ContainerEnvironment| {
        let variables: usize = environment
            .variables
            .iter()
            .map(|(name, value)| cost(name, value))
            .sum();
        CONTAINER + environment.container.len() + variables
    };
    FRAME + environments.iter().map(container).sum::<usize>()
}

/// Characters of one variable, with the comma after it.
pub(crate) fn cost(name: &str, value: &str) -> usize {
    let written = serde_json::to_string(&Pair { name, value }).unwrap_or_default();
    written.chars().count() + 1
}
