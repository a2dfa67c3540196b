//! The containers of a job's task definition.

use fargate_wire::{
    AGENT_FILE, AGENT_FOLDER, AGENT_PORT, BOOTSTRAP_CONTAINER, BUILDS_FOLDER, CACHE_FOLDER,
    COORDINATOR_CONTAINER, HELPER_CONTAINER, HELPER_PORT, HOST_KEY_FILE,
};

use super::input::CompositionInput;
use super::reference;
use super::schema::{
    AGENT_VOLUME, After, BUILDS_VOLUME, CACHE_VOLUME, ContainerDefinition, LogConfiguration, Mount,
};
use super::services::{Service, user};
use super::variables::JobVariables;
use crate::error::Result;

/// Seconds that containers have between SIGTERM and SIGKILL: a database closes its files in that.
const STOP_TIMEOUT: u32 = 10;

/// The user of the driver's own containers, whatever their images say.
const ROOT: &str = "0";

/// The containers: bootstrap, coordinator, helper, and one for each service.
pub(super) fn containers(
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
        // Set explicitly, so that an agent image built by other means needs no entry point.
        entry_point: Some(words(&["/fargate-agent"])),
        command: Some(words(&["install", AGENT_FOLDER])),
        // A new volume is root's, whatever user the agent's image names (AWS: bind mounts, 0755).
        user: Some(ROOT.to_owned()),
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
        user: Some(ROOT.to_owned()),
        mounts: mounts(Some(true)),
        after: Some(After::Success(BOOTSTRAP_CONTAINER)),
        port: Some(HELPER_PORT),
        ..container(from, HELPER_CONTAINER, &helper_image)
    };
    // Services may look each other up as soon as they start, and the helper gives them their names. A single service
    // has no other to look up and does not wait.
    let after_helper = (services.len() > 1).then_some(After::Start(HELPER_CONTAINER));
    let mut containers = vec![bootstrap, coordinator, helper];
    containers.extend(services.iter().map(|service| {
        let (entry_point, command) = service_command(service);
        ContainerDefinition {
            entry_point,
            command,
            user: service.user.clone(),
            // A service that dies does not end the job; the job log reports it.
            essential: false,
            mounts: mounts(None),
            after: after_helper.clone(),
            ..container(from, &service.known.container, &service.image)
        }
    }));
    Ok(containers)
}

/// A container with the settings that all share.
fn container(from: &CompositionInput<'_>, name: &str, image: &str) -> ContainerDefinition {
    let settings = from.settings;
    let credentials = settings.registry_credentials.iter();
    let registry = reference::registry(image);
    ContainerDefinition {
        name: name.to_owned(),
        image: image.to_owned(),
        credentials: credentials
            // Docker Hub has several host names.
            .filter(|(host, _)| reference::registry(&format!("{host}/image")) == registry)
            .map(|(_, secret)| secret.clone())
            .next(),
        essential: true,
        entry_point: None,
        command: None,
        user: None,
        mounts: Vec::new(),
        after: None,
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
/// ours as its command, a job's `entrypoint:` replaces it, and `[""]` removes it.
///
/// Our command is one word, because an entry point like `sh -c` drops further words; the agent knows the rest.
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

/// Whether an entry point is `[""]`, the usual spelling of none.
fn is_none(entrypoint: &[String]) -> bool {
    matches!(entrypoint, [only] if only.is_empty())
}

/// Arguments of an agent.
fn agent(command: &[&str], port: u16) -> Vec<String> {
    // Of both families: the subnet may have IPv6 alone.
    let listen = format!("[::]:{port}");
    let options = ["--listen", &listen, "--host-key", HOST_KEY_FILE];
    words(&[command, &options].concat())
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
