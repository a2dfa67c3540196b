//! `[JobVariables]`: limits of the variables that a job may set.

use super::globs::Globs;
use super::section::Section;
use super::size::{Architecture, Cpu, Memory, Storage};

/// `[JobVariables]`: limits of the variables that a job may set.
#[derive(Debug)]
pub(crate) struct JobVariables {
    /// Values of `FARGATE_TASK_DEFINITION`. `None` allows any.
    pub(crate) task_definitions: Option<Globs>,
    /// Values of `FARGATE_PLATFORM_VERSION`. `None` allows any.
    pub(crate) platform_versions: Option<Globs>,
    /// Largest `FARGATE_CPU`. Without a limit the driver ignores the variable; so for all below.
    pub(crate) max_cpu: Option<Cpu>,
    /// Largest `FARGATE_MEMORY`.
    pub(crate) max_memory: Option<Memory>,
    /// Largest `FARGATE_EPHEMERAL_STORAGE`.
    pub(crate) max_storage: Option<Storage>,
    /// Values of `FARGATE_TASK_ROLE`.
    pub(crate) task_roles: Option<Globs>,
    /// Values of `FARGATE_CAPACITY_PROVIDER`.
    pub(crate) capacity_providers: Option<Globs>,
    /// Values of `FARGATE_CPU_ARCHITECTURE`, and of an image's platform.
    pub(crate) architectures: Option<Vec<Architecture>>,
}

/// Reads the section.
pub(super) fn read(section: Section<'_>) -> JobVariables {
    let globs = |key| {
        Globs::new(&section.strings(key)?)
            .map_err(|problem| section.error(key, &problem))
            .ok()
    };
    let architectures = section.strings("CPUArchitectures").map(|names| {
        let parse = |name: String| {
            name.parse()
                .map_err(|expected| {
                    let problem = format!("has {name:?}, but each must be {expected}");
                    section.error("CPUArchitectures", &problem);
                })
                .ok()
        };
        names.into_iter().filter_map(parse).collect()
    });
    let variables = JobVariables {
        task_definitions: globs("TaskDefinitions"),
        platform_versions: globs("PlatformVersions"),
        max_cpu: section.amount("MaxCPU", str::parse),
        max_memory: section.amount("MaxMemory", str::parse),
        max_storage: section.amount("MaxEphemeralStorage", str::parse),
        task_roles: globs("TaskRoles"),
        capacity_providers: globs("CapacityProviders"),
        architectures,
    };
    section.finish();
    variables
}
