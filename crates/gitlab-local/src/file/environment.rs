//! `environment:`: where a job deploys to, as far as its variables have it.

use crate::file::values::text;
use crate::yaml::Node;

/// Where a job deploys to. GitLab makes `CI_ENVIRONMENT_…` of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// With variables.
    pub(crate) name: String,
    /// With variables.
    pub(crate) url: Option<String>,
    /// `start` unless the job says otherwise.
    pub(crate) action: Option<String>,
    /// The job that stops the environment.
    pub(crate) on_stop: Option<String>,
    /// `production`, `staging`, `testing`, `development` or `other`, where the job says it.
    pub(crate) tier: Option<String>,
}

/// Reads `environment:`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_environment(node: &Node) -> Result<Environment, String> {
    if let Some(name) = node.scalar() {
        return Ok(Environment {
            name,
            ..Environment::default()
        });
    }
    Ok(Environment {
        name: text(node, "name")?.ok_or("name can't be blank")?,
        url: text(node, "url")?,
        action: text(node, "action")?,
        on_stop: text(node, "on_stop")?,
        tier: text(node, "deployment_tier")?,
    })
}
