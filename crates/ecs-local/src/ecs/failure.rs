//! An element of `failures`, in the replies of several operations.

use serde::Serialize;

/// An element of `failures`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arn: Option<String>,
    pub(super) reason: String,
}

impl Failure {
    /// The failure of a resource that does not exist.
    pub(super) fn missing(arn: String) -> Self {
        Self {
            arn: Some(arn),
            reason: "MISSING".into(),
        }
    }
}
