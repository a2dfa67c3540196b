//! `[JobImage]`: tasks of jobs that bring their own image.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fargate::of_region;
use super::globs::Globs;
use super::image_name::{image, registry_host};
use super::section::Section;
use super::size::{Architecture, Cpu, Memory, STORAGE_INCLUDED, Storage};
use super::ssh::Ssh;
use super::values;

/// `[JobImage]`.
#[derive(Debug, Clone)]
pub(crate) struct JobImage {
    /// Image of the bootstrap container: the agent.
    pub(crate) agent_image: String,
    /// Image of the helper container.
    pub(crate) helper_image: String,
    /// Image of jobs that name none.
    pub(crate) default_image: Option<String>,
    /// Images that jobs may name. `None` allows any.
    pub(crate) allowed_images: Option<Globs>,
    /// Images that services may have. `None` allows any.
    pub(crate) allowed_services: Option<Globs>,
    /// CPU of a task, before rounding.
    pub(crate) cpu: Cpu,
    /// Memory of a task, before rounding.
    pub(crate) memory: Memory,
    /// Disk of a task.
    pub(crate) storage: Storage,
    /// Processor architecture of a task.
    pub(crate) architecture: Architecture,
    /// Role with which ECS pulls images and writes logs.
    pub(crate) execution_role: Option<String>,
    /// Role of the job's own processes.
    pub(crate) task_role: Option<String>,
    /// Log group of the containers' output. `None` discards it.
    pub(crate) log_group: Option<String>,
    /// Registry host to the ARN of the secret with its credentials.
    pub(crate) registry_credentials: BTreeMap<String, String>,
    /// Time after which a task without a driver's connection ends.
    pub(crate) idle_timeout: Duration,
}

impl JobImage {
    /// Reads the section, for tasks in `region`. The caller checks that the mode is on.
    pub(super) fn read(
        section: Section<'_>,
        ssh: Option<&Ssh>,
        region: Option<&str>,
    ) -> Option<Self> {
        let images = |key| {
            let patterns = section.strings(key).filter(|list| !list.is_empty())?;
            Globs::of_images(&patterns)
                .map_err(|problem| section.error(key, &problem))
                .ok()
        };
        let agent_image = section.required(
            "AgentImage",
            section.parsed("AgentImage", image),
            "the image of the agent, which `fargate agent push` puts into a registry",
        );
        let helper_image = section.required(
            "HelperImage",
            section.parsed("HelperImage", image),
            "GitLab's helper image, in the version of GitLab Runner",
        );
        let default_image = section.parsed("DefaultImage", image);
        let (allowed_images, allowed_services) =
            (images("AllowedImages"), images("AllowedServices"));
        let cpu = section.amount("CPU", str::parse).unwrap_or(Cpu(1024));
        let memory = section.amount("Memory", str::parse).unwrap_or(Memory(2048));
        let storage = section
            .amount("EphemeralStorage", str::parse)
            .unwrap_or(Storage(STORAGE_INCLUDED));
        let architecture = section
            .parsed("CPUArchitecture", str::parse)
            .unwrap_or(Architecture::X86_64);
        let execution_role = section.parsed("ExecutionRole", values::role);
        let task_role = section.parsed("TaskRole", values::role);
        let log_group = section.parsed("LogGroup", values::log_group);
        let registry_credentials =
            registry_credentials(&section.table("RegistryCredentials"), region);
        let idle_timeout = section.duration("IdleTimeout", Duration::from_secs(10 * 60));
        if ssh.is_some_and(|ssh| ssh.reconnect_timeout > idle_timeout) {
            section.warn(
                "IdleTimeout",
                "is shorter than SSH.ReconnectTimeout: a task whose connection is lost may be gone before that",
            );
        }
        let from_ecr = [&agent_image, &helper_image, &default_image]
            .into_iter()
            .flatten()
            .any(|image| image.contains(".dkr.ecr."));
        let uses = [
            (log_group.is_some(), "LogGroup"),
            (!registry_credentials.is_empty(), "RegistryCredentials"),
            (from_ecr, "images in ECR"),
        ];
        require_execution_role(&section, uses);
        section.finish();
        Some(Self {
            agent_image: agent_image?,
            helper_image: helper_image?,
            default_image,
            allowed_images,
            allowed_services,
            cpu,
            memory,
            storage,
            architecture,
            execution_role,
            task_role,
            log_group,
            registry_credentials,
            idle_timeout,
        })
    }
}

/// Registry host to the ARN of the secret with its credentials, which must be in the task's Region (AWS:
/// RepositoryCredentials).
fn registry_credentials(section: &Section<'_>, region: Option<&str>) -> BTreeMap<String, String> {
    let mut credentials = BTreeMap::new();
    for (host, secret) in section.entries() {
        if let Some(region) = region {
            of_region(section, &host, Some(&secret), region);
        }
        match (registry_host(&host), values::secret(&secret)) {
            (Ok(host), Ok(secret)) => drop(credentials.insert(host, secret)),
            (Err(expected), _) => section.error(&host, &format!("must be {expected}")),
            (_, Err(expected)) => {
                section.error(&host, &format!("is {secret:?}, but must be {expected}"));
            }
        }
    }
    credentials
}

/// Reports a missing role, without which AWS refuses a definition that has one of these `uses`.
fn require_execution_role(section: &Section<'_>, uses: [(bool, &str); 3]) {
    let is_missing = section.text("ExecutionRole").is_none();
    if let Some((_, user)) = uses.into_iter().find(|(is_used, _)| *is_used && is_missing) {
        section.error(
            "ExecutionRole",
            &format!("is missing; {user} need the role that ECS pulls images and writes logs with"),
        );
    }
}
