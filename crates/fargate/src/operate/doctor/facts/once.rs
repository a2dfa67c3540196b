//! Answers that several categories need.

use tokio::sync::OnceCell;

use crate::aws::{AwsError, Cluster, Definition, Identity, Instance};

/// The answers so far.
#[derive(Debug, Default)]
pub(super) struct Once {
    pub(super) identity: OnceCell<Result<Identity, AwsError>>,
    pub(super) cluster: OnceCell<Result<Option<Cluster>, AwsError>>,
    pub(super) definition: OnceCell<Result<Option<Definition>, AwsError>>,
    pub(super) manager: OnceCell<Option<Instance>>,
}

impl Once {
    /// The caller, if STS has answered.
    pub(super) fn known_identity(&self) -> Option<Result<Identity, AwsError>> {
        self.identity.get().cloned()
    }

    /// Whether ECS answers, if it was asked.
    pub(super) fn known_ecs(&self) -> Option<Result<(), AwsError>> {
        let answer = self.cluster.get()?;
        Some(answer.as_ref().map(|_cluster| ()).map_err(Clone::clone))
    }
}
