//! JobImage mode: what a job asks for, turned into a task definition and what a task gets beyond it. Decisions only.
//!
//! A task has the containers `bootstrap`, which puts the agent into a volume, `ci-coordinator` from the job's image,
//! `helper` from GitLab's, and one for each service. They share network, processes and the volumes.

mod names;
mod overrides;
mod pairs;
mod reference;
mod services;
mod shape;
mod variables;

use std::collections::BTreeMap;

use fargate_wire::{
    AGENT_FILE, AGENT_FOLDER, AGENT_PORT, BOOTSTRAP_CONTAINER, BUILDS_FOLDER, CACHE_FOLDER,
    COORDINATOR_CONTAINER, DEADLINE_VARIABLE, HELPER_CONTAINER, HELPER_PORT, HOST_KEY_FILE,
    HOST_NAMES_VARIABLE, IDLE_LIMIT_VARIABLE, PUBLIC_KEY_VARIABLE,
};

pub(crate) use self::overrides::ContainerEnvironment;
pub(crate) use self::pairs::smallest_pair;
pub(crate) use self::reference::architecture;
use self::services::{Service, services, user};
pub(crate) use self::shape::{
    AGENT_VOLUME, After, BUILDS_VOLUME, CACHE_VOLUME, ContainerDefinition, LogConfiguration, Mount,
    TaskDefinition,
};
pub(crate) use self::variables::JobVariables;
use crate::config::{Architecture, Cpu, JobImage, Memory, image};
use crate::error::{Error, Result};
use crate::gitlab::JobPayload;
use crate::task::job_container::{JobContainer, ServiceContainer};

/// Containers of a task definition at most (AWS: RegisterTaskDefinition), and those that are not services.
const MOST_CONTAINERS: usize = 10;
const OWN_CONTAINERS: usize = 3;

/// The host name by which services find the job's own container, as in the Docker executor.
const BUILD_NAME: &str = "build";

/// Seconds that containers have between SIGTERM and SIGKILL: a database closes its files in that.
const STOP_TIMEOUT: u32 = 10;

/// What a job's task is to be.
#[derive(Debug)]
pub(crate) struct ComposedTask {
    pub(crate) definition: TaskDefinition,
    /// What the containers get by overrides.
    pub(crate) environments: Vec<ContainerEnvironment>,
    /// The job's image.
    pub(crate) image: String,
    /// Whether the job named it, rather than the operator.
    is_jobs: bool,
    pub(crate) services: Vec<ServiceContainer>,
    /// What the job log should say about it.
    pub(crate) notes: Vec<String>,
}

impl ComposedTask {
    /// What the stages after prepare must know of it.
    pub(crate) fn job_container(&self) -> JobContainer {
        JobContainer {
            port: AGENT_PORT,
            image: self.image.clone(),
            is_jobs: self.is_jobs,
            services: self.services.clone(),
        }
    }
}

/// What a task is composed of.
pub(crate) struct CompositionInput<'a> {
    pub(crate) settings: &'a JobImage,
    pub(crate) asked: &'a JobPayload,
    /// Region of the cluster, for logs.
    pub(crate) region: &'a str,
    /// Size before the job's own changes, as Fargate has it.
    pub(crate) size: (Cpu, Memory),
    pub(crate) architecture: Architecture,
    /// Where the project will be, once the runner knows.
    pub(crate) project_folder: Option<&'a str>,
    /// The key that may log in.
    pub(crate) public_key: &'a str,
    /// When the task ends by itself, in seconds since 1970.
    pub(crate) deadline: u64,
}

/// Composes a job's task.
///
/// # Errors
///
/// [`crate::error::Blame::Job`] when the job asks for what it may not have or what cannot be.
pub(crate) fn compose(from: &CompositionInput<'_>) -> Result<ComposedTask> {
    let mut notes = Vec::new();
    let image = job_image(from)?;
    let variables = JobVariables::new(from.asked.variables(), from.project_folder);
    let allowed = from.settings.allowed_services.as_ref();
    let services = services(from.asked.services(), allowed, &variables, &mut notes)?;
    check_ports(&services)?;
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

/// The image of the job: its own if it may have it, or the operator's.
fn job_image(from: &CompositionInput<'_>) -> Result<String> {
    let settings = from.settings;
    let Some(wish) = from.asked.image() else {
        return settings.default_image.clone().ok_or_else(|| {
            Error::job("the job names no image, and this runner has none of its own")
                .advise("Add image: to the job in the .gitlab-ci.yml.")
        });
    };
    let name = image(&wish.name).map_err(|expected| {
        Error::job(format!(
            "the job's image is {:?}, but must be {expected}",
            wish.name
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

fn containers(
    from: &CompositionInput<'_>,
    job_image: &str,
    services: &[Service],
    variables: &JobVariables<'_>,
) -> Result<Vec<ContainerDefinition>> {
    let settings = from.settings;
    let options = from.asked.image_options();
    let user = user(&options, "the job's image", variables)?;
    let helper_image = reference::helper_image(&settings.helper_image, from.architecture);
    let bootstrap = ContainerDefinition {
        // Named, though it is the image's own: whoever builds that image by other means need not think of it.
        entry_point: Some(words(&["/fargate-agent"])),
        command: Some(words(&["install", AGENT_FOLDER])),
        essential: false,
        mounts: mounts(Some(false)),
        ..container(from, BOOTSTRAP_CONTAINER, &settings.agent_image)
    };
    let (entry_point, command) = job_command(options.entrypoint.as_deref());
    let coordinator = ContainerDefinition {
        entry_point,
        command,
        user,
        mounts: mounts(Some(true)),
        after: Some(After::Success(BOOTSTRAP_CONTAINER)),
        port: Some(AGENT_PORT),
        ..container(from, COORDINATOR_CONTAINER, job_image)
    };
    let helper = ContainerDefinition {
        entry_point: Some(words(&[AGENT_FILE])),
        command: Some(agent(&["serve", "--helper"], HELPER_PORT)),
        user: Some("0".to_owned()),
        mounts: mounts(Some(true)),
        after: Some(After::Success(BOOTSTRAP_CONTAINER)),
        sees_all: true,
        port: Some(HELPER_PORT),
        ..container(from, HELPER_CONTAINER, &helper_image)
    };
    // Services may look for each other when they have hardly started, and the helper is who gives them their names. One alone has
    // nobody to look for, and need not wait.
    let named = (services.len() > 1).then_some(After::Start(HELPER_CONTAINER));
    let mut containers = vec![bootstrap, coordinator, helper];
    containers.extend(services.iter().map(|service| {
        let (entry_point, command) = service_command(service);
        ContainerDefinition {
            entry_point,
            command,
            user: service.user.clone(),
            // One that dies must not take the job with it: the job log says it instead.
            essential: false,
            mounts: mounts(None),
            after: named.clone(),
            ..container(from, &service.known.container, &service.image)
        }
    }));
    Ok(containers)
}

/// A container with what all have.
fn container(from: &CompositionInput<'_>, name: &str, image: &str) -> ContainerDefinition {
    let settings = from.settings;
    let credentials = settings.registry_credentials.iter();
    let registry = reference::registry(image);
    ContainerDefinition {
        name: name.to_owned(),
        image: image.to_owned(),
        credentials: credentials
            // Whatever host Docker Hub is called by.
            .filter(|(host, _)| reference::registry(&format!("{host}/image")) == registry)
            .map(|(_, secret)| secret.clone())
            .next(),
        essential: true,
        entry_point: None,
        command: None,
        user: None,
        mounts: Vec::new(),
        after: None,
        sees_all: false,
        port: None,
        stop_timeout: STOP_TIMEOUT,
        log: settings.log_group.clone().map(|group| LogConfiguration {
            group,
            region: from.region.to_owned(),
        }),
    }
}

/// The volumes of a container: project and cache, and the agent's, read-only or not, where it is needed.
fn mounts(agent_read_only: Option<bool>) -> Vec<Mount> {
    let agent = agent_read_only.map(|read_only| Mount {
        volume: AGENT_VOLUME,
        path: AGENT_FOLDER,
        read_only,
    });
    let shared = |volume, path| Mount {
        volume,
        path,
        read_only: false,
    };
    agent
        .into_iter()
        .chain([
            shared(BUILDS_VOLUME, BUILDS_FOLDER),
            shared(CACHE_VOLUME, CACHE_FOLDER),
        ])
        .collect()
}

/// Entry point and command of the job's container. As in the Docker executor an image's own entry point runs with
/// ours as its command, a job's `entrypoint:` takes its place, and `[""]` is none.
///
/// Our command is one word, from which the agent knows the rest: more are lost on an entry point like `sh -c`.
fn job_command(entrypoint: Option<&[String]>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let agent_alone = Some(words(&[AGENT_FILE]));
    match entrypoint {
        // With arguments, because an image's own command stays where only its entry point is replaced.
        Some(words) if is_none(words) => (agent_alone, Some(agent(&["serve"], AGENT_PORT))),
        Some(given) if !given.is_empty() => (Some(given.to_vec()), agent_alone),
        _ => (None, agent_alone),
    }
}

/// Entry point and command of a service's container: each replaces the image's own.
fn service_command(service: &Service) -> (Option<Vec<String>>, Option<Vec<String>>) {
    match (&service.entrypoint, &service.command) {
        // ECS knows no empty entry point, so the command takes its place.
        (Some(none), Some(command)) if is_none(none) => (Some(command.clone()), None),
        (Some(none), None) if is_none(none) => (None, None),
        (entrypoint, command) => (entrypoint.clone(), command.clone()),
    }
}

/// Whether an entry point is the usual spelling of none.
fn is_none(entrypoint: &[String]) -> bool {
    matches!(entrypoint, [only] if only.is_empty())
}

/// Arguments of an agent.
fn agent(command: &[&str], port: u16) -> Vec<String> {
    let listen = format!("0.0.0.0:{port}");
    let options = ["--listen", &listen, "--host-key", HOST_KEY_FILE];
    words(&[command, &options].concat())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What the containers get by overrides.
///
/// # Errors
///
/// When the services' own variables do not fit. Those of the job that do not fit beside them are only left out,
/// because nobody said that a service needs them.
fn environments(
    from: &CompositionInput<'_>,
    services: &[Service],
    for_all: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> Result<Vec<ContainerEnvironment>> {
    let mut names: Vec<&str> = services
        .iter()
        .flat_map(|service| service.names.iter().map(String::as_str))
        .collect();
    if !services.is_empty() {
        names.push(BUILD_NAME);
    }
    let idle = from.settings.idle_timeout.as_secs().max(1);
    let shared = [
        (PUBLIC_KEY_VARIABLE, from.public_key.to_owned()),
        (DEADLINE_VARIABLE, from.deadline.to_string()),
        (IDLE_LIMIT_VARIABLE, idle.to_string()),
        (HOST_NAMES_VARIABLE, names.join(" ")),
    ];
    let shared: BTreeMap<_, _> = shared
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let environment = |container: &str, variables| ContainerEnvironment {
        container: container.to_owned(),
        variables,
    };
    let mut environments = vec![
        environment(COORDINATOR_CONTAINER, shared.clone()),
        environment(HELPER_CONTAINER, shared),
    ];
    environments.extend(
        services
            .iter()
            .map(|service| environment(&service.known.container, service.variables.clone())),
    );
    let length = overrides::length(&environments);
    if length > overrides::LIMIT {
        return Err(too_long(services, length));
    }
    fill(&mut environments, length, for_all, notes);
    Ok(environments)
}

/// Gives the services the job's variables that fit, small ones first.
fn fill(
    environments: &mut [ContainerEnvironment],
    mut length: usize,
    for_all: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) {
    let mut by_size: Vec<_> = for_all.iter().collect();
    by_size.sort_by_key(|(name, value)| overrides::cost(name, value));
    let mut left_out = Vec::new();
    for (name, value) in by_size {
        let mut takers: Vec<_> = environments
            .iter_mut()
            .skip(OWN_CONTAINERS - 1)
            .filter(|environment| !environment.variables.contains_key(name))
            .collect();
        let cost = overrides::cost(name, value) * takers.len();
        if length + cost > overrides::LIMIT {
            left_out.push(format!("{name} ({} characters)", value.chars().count()));
            continue;
        }
        length += cost;
        for taker in &mut takers {
            taker.variables.insert(name.clone(), value.clone());
        }
    }
    if !left_out.is_empty() {
        notes.push(format!(
            "WARNING: the job's variables {} are not given to the services: ECS takes 8,192 characters for all of them. \
             A service that needs one must name it in its own variables:.",
            left_out.join(", ")
        ));
    }
}

fn too_long(services: &[Service], length: usize) -> Error {
    let mut variables: Vec<_> = services
        .iter()
        .flat_map(|service| {
            let cost = |(name, value): (&String, &String)| {
                (
                    overrides::cost(name, value),
                    format!("{name} of service {}", service.known.label),
                )
            };
            service.variables.iter().map(cost).collect::<Vec<_>>()
        })
        .collect();
    variables.sort_by(|one, other| other.cmp(one));
    let mut over = length - overrides::LIMIT;
    let mut named = Vec::new();
    for (cost, name) in variables {
        named.push(format!("{name} ({cost} characters)"));
        over = over.saturating_sub(cost);
        if over == 0 {
            break;
        }
    }
    if named.is_empty() {
        named.push("the host names of the services".to_owned());
    }
    Error::job(format!(
        "the variables of the job's services need {length} characters, and ECS takes {} for all of them; too long: {}",
        overrides::LIMIT,
        named.join(", ")
    ))
    .advise("Make them shorter in the .gitlab-ci.yml; put long values into a file of the service's image.")
}

#[cfg(test)]
mod tests;
