//! Why a text is no YAML that GitLab takes.

use crate::yaml::node::Position;

/// Why a text is no YAML that GitLab takes, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct YamlError {
    /// Where reading stopped.
    pub(crate) at: Position,
    /// The fault, in the parser's or Psych's words.
    pub(crate) fault: String,
}
