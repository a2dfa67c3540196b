//! Composes a job's task from the job's payload and the operator's settings.

use fargate_wire::{AGENT_PORT, HELPER_PORT};

use super::containers::containers;
use super::environments::environments;
use super::input::CompositionInput;
use super::overrides::ContainerEnvironment;
use super::reference;
use super::schema::TaskDefinition;
use super::services::{Service, services, waiting_note};
use super::variables::JobVariables;
use crate::config::image;
use crate::error::{Error, Result};
use crate::task::job_container::{JobContainer, ServiceContainer};

/// Most containers of a task definition (AWS: RegisterTaskDefinition).
const MOST_CONTAINERS: usize = 10;
/// Containers that are not services: bootstrap, coordinator and helper.
const OWN_CONTAINERS: usize = 3;

/// A job's task, composed.
#[derive(Debug)]
pub(crate) struct ComposedTask {
    pub(crate) definition: TaskDefinition,
    /// Variables that the containers get by overrides.
    pub(crate) environments: Vec<ContainerEnvironment>,
    /// The job's image.
    pub(crate) image: String,
    /// Whether the job named the image, rather than the operator.
    is_jobs: bool,
    pub(crate) services: Vec<ServiceContainer>,
    /// Notes for the job log.
    pub(crate) notes: Vec<String>,
}

impl ComposedTask {
    /// The part that the stages after prepare need.
    pub(crate) fn job_container(&self) -> JobContainer {
        JobContainer {
            port: AGENT_PORT,
            image: self.image.clone(),
            is_jobs: self.is_jobs,
            services: self.services.clone(),
        }
    }
}

/// Composes a job's task.
///
/// # Errors
///
/// [`crate::error::Blame::Job`] when the job's request is forbidden or impossible.
pub(crate) fn compose(from: &CompositionInput<'_>) -> Result<ComposedTask> {
    let mut notes = Vec::new();
    let image = job_image(from)?;
    let variables = JobVariables::new(from.asked.variables(), from.project_folder);
    let allowed = from.settings.allowed_services.as_ref();
    let services = services(from.asked.services(), allowed, &variables, &mut notes)?;
    check_ports(&services)?;
    notes.extend(waiting_note(&services));
    let most = MOST_CONTAINERS - OWN_CONTAINERS;
    if services.len() > most {
        return Err(Error::job(format!(
            "the job has {} services, and a Fargate task has room for {most} beside the job's own containers",
            services.len()
        ))
        .advise("Leave out services in the .gitlab-ci.yml, or split the job."));
    }
    let definition = TaskDefinition {
        cpu: from.size.0,
        memory: from.size.1,
        storage: from.settings.storage,
        architecture: from.architecture,
        execution_role: from.settings.execution_role.clone(),
        task_role: from.settings.task_role.clone(),
        containers: containers(from, &image, &services, &variables)?,
    };
    let environments = environments(from, &services, &variables.for_all(), &mut notes)?;
    Ok(ComposedTask {
        definition,
        environments,
        image,
        is_jobs: from.asked.image().is_some(),
        services: services.into_iter().map(|service| service.known).collect(),
        notes,
    })
}

/// The image of the job: its own if that is allowed, or the operator's default.
fn job_image(from: &CompositionInput<'_>) -> Result<String> {
    let settings = from.settings;
    let Some(requested) = from.asked.image() else {
        return settings.default_image.clone().ok_or_else(|| {
            Error::job("the job names no image, and this runner has none of its own")
                .advise("Add image: to the job in the .gitlab-ci.yml.")
        });
    };
    let name = image(&requested.name).map_err(|expected| {
        Error::job(format!(
            "the job's image is {:?}, but must be {expected}",
            requested.name
        ))
        .advise("Correct image: in the .gitlab-ci.yml.")
    })?;
    match &settings.allowed_images {
        Some(globs)
            if !globs.allow_named(&name, &reference::other_names(&name))
                && settings.default_image.as_ref() != Some(&name) =>
        {
            Err(Error::job(format!(
                "the image {name} is not allowed here; this runner allows {globs}"
            ))
            .advise("Choose an allowed image in the .gitlab-ci.yml, or ask the runner's operators ([JobImage] AllowedImages in fargate.toml)."))
        }
        _ => Ok(name),
    }
}

fn check_ports(services: &[Service]) -> Result<()> {
    for service in services {
        if let Some(port) = service
            .known
            .ports
            .iter()
            .find(|port| [AGENT_PORT, HELPER_PORT].contains(port))
        {
            return Err(Error::job(format!(
                "the service {} listens on port {port}, which this runner's own agent needs",
                service.known.label
            ))
            .advise("Make it listen on another port."));
        }
    }
    Ok(())
}
