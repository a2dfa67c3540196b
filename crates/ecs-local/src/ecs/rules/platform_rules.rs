//! The rules for the platform version of a task, and for what each version can do.

use super::override_rules::EffectiveSettings;
use crate::ecs::definition::DefinitionContent;
use crate::error::ApiError;

/// The least CPU units that need the current version (AWS: Fargate task sizes).
const LARGE_CPU: i64 = 8192;

/// A platform version for Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    /// 1.3.0
    Old,
    /// 1.4.0, which is also `LATEST`.
    Current,
}

impl Platform {
    /// The version that a request asks for.
    pub(super) fn requested(version: Option<&str>) -> Result<Self, ApiError> {
        match version {
            None | Some("" | "LATEST" | "1.4.0") => Ok(Self::Current),
            Some("1.3.0") => Ok(Self::Old),
            Some(_) => Err(ApiError::new(
                400,
                "PlatformUnknownException",
                "The specified platform does not exist.",
            )),
        }
    }

    pub(super) fn number(self) -> &'static str {
        match self {
            Self::Old => "1.3.0",
            Self::Current => "1.4.0",
        }
    }

    /// Checks that the version can do what a task needs. The text is AWS's, reported for EFS on 1.3.0
    /// (jenkinsci/amazon-ecs-plugin#218).
    pub(super) fn check(
        self,
        content: &DefinitionContent,
        settings: &EffectiveSettings,
    ) -> Result<(), ApiError> {
        if self == Self::Old && needs_current(content, settings) {
            return Err(ApiError::new(
                400,
                "PlatformTaskDefinitionIncompatibilityException",
                "One or more of the requested capabilities are not supported.",
            ));
        }
        Ok(())
    }
}

/// Whether a task needs 1.4.0: each of these members says so in the model or in AWS's guide.
fn needs_current(content: &DefinitionContent, settings: &EffectiveSettings) -> bool {
    let platform = content.runtime_platform.as_ref();
    let adds_capabilities = content.container_definitions.iter().any(|container| {
        let linux = container.linux_parameters.as_ref();
        linux
            .and_then(|linux| linux.capabilities.as_ref()?.add.as_ref())
            .is_some_and(|added| !added.is_empty())
    });
    let cpu: i64 = settings.cpu.parse().unwrap_or_default();
    let volumes = &content.volumes;
    content.ephemeral_storage.is_some()
        || settings.overrides.ephemeral_storage.is_some()
        || content.pid_mode.is_some()
        || adds_capabilities
        || cpu >= LARGE_CPU
        || platform.is_some_and(|given| given.cpu_architecture.as_deref() == Some("ARM64"))
        || volumes
            .iter()
            .any(|volume| volume.efs_volume_configuration.is_some())
}
