//! The variables that containers get by overrides, within what RunTask takes.

use std::collections::BTreeMap;

use fargate_wire::{
    COORDINATOR_CONTAINER, DEADLINE_VARIABLE, HELPER_CONTAINER, HOST_NAMES_VARIABLE,
    IDLE_LIMIT_VARIABLE, NO_TERMINALS_VARIABLE, PUBLIC_KEY_VARIABLE,
};

use super::input::CompositionInput;
use super::overrides::{self, ContainerEnvironment};
use super::services::Service;
use crate::error::{Error, Result};

/// The host name by which services find the job's own container, as in the Docker executor.
const BUILD_NAME: &str = "build";

/// The variables that containers get by overrides.
///
/// # Errors
///
/// When the services' own variables do not fit. The job's variables that do not fit beside them are left out, because
/// no service named them.
pub(super) fn environments(
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
    let no_terminals = if from.is_interactive { "" } else { "1" };
    let shared = [
        (PUBLIC_KEY_VARIABLE, from.public_key.to_owned()),
        (DEADLINE_VARIABLE, from.deadline.to_string()),
        (IDLE_LIMIT_VARIABLE, idle.to_string()),
        (HOST_NAMES_VARIABLE, names.join(" ")),
        (NO_TERMINALS_VARIABLE, no_terminals.to_owned()),
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
    let own = [
        environment(COORDINATOR_CONTAINER, shared.clone()),
        environment(HELPER_CONTAINER, shared),
    ];
    let own_count = own.len();
    let services_environments = services
        .iter()
        .map(|service| environment(&service.known.container, service.variables.clone()));
    let mut environments: Vec<_> = own.into_iter().chain(services_environments).collect();
    let length = overrides::length(&environments);
    if length > overrides::LIMIT {
        return Err(too_long(services, length));
    }
    let service_environments = environments.get_mut(own_count..).unwrap_or_default();
    fill(service_environments, length, for_all, notes);
    Ok(environments)
}

/// Gives the services the job's variables that fit, smallest first.
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
