//! The operator's task definition.

use super::super::catalog::{
    DEFINITION, DEFINITION_CONTAINER, DEFINITION_FARGATE, DEFINITION_PORT, DEFINITION_ROLE,
};
use super::super::check::Check;
use super::super::facts::{Account, Facts};
use super::answers::read;
use super::prerequisite::named;
use crate::aws::{Definition, ImageName};
use crate::config::{Config, Mode};
use fargate_wire::COORDINATOR_CONTAINER as COORDINATOR;

/// Judges the task definition, in TaskDefinition mode.
pub(in super::super) fn definition(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &DEFINITION) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let (Mode::TaskDefinition(name), Some(answer)) = (&config.mode, &named.definition) else {
        return vec![DEFINITION.pass("none is named: in JobImage mode the driver registers them")];
    };
    let region = &config.fargate.region;
    let fix = format!(
        "Correct [Fargate] TaskDefinition; these are there:\n$ aws ecs list-task-definitions --region {region}"
    );
    let definition = match read(answer, &DEFINITION) {
        Err(skipped) => return vec![skipped],
        Ok(None) => {
            return vec![DEFINITION.fail(
                format!("there is no active task definition {name} in {region}"),
                fix,
            )];
        }
        Ok(Some(definition)) => definition,
    };
    if !definition.is_active {
        return vec![DEFINITION.fail(format!("{} is not ACTIVE", definition.arn), fix)];
    }
    let mut checks = vec![
        DEFINITION.pass(definition.arn.as_str()),
        fitness(definition),
    ];
    checks.extend(container(definition, config));
    checks.push(role(definition));
    checks
}

fn fitness(definition: &Definition) -> Check {
    let fix = "Register a revision with requiresCompatibilities FARGATE, networkMode awsvpc, and cpu and memory of the task.";
    if !definition.has_own_network {
        return DEFINITION_FARGATE.fail("its networkMode is not awsvpc", fix);
    }
    match definition.fits_fargate {
        true => DEFINITION_FARGATE.pass("made for Fargate"),
        false => DEFINITION_FARGATE.fail("AWS finds it unfit for Fargate", fix),
    }
}

fn container(definition: &Definition, config: &Config) -> Vec<Check> {
    let mut containers = definition.containers.iter();
    let Some(container) = containers.find(|container| container.name == COORDINATOR) else {
        let names = definition
            .containers
            .iter()
            .map(|container| container.name.as_str());
        return vec![DEFINITION_CONTAINER.fail(
            format!(
                "its containers are called {}",
                names.collect::<Vec<_>>().join(", ")
            ),
            format!(
                "Register a revision in which the container for scripts is called {COORDINATOR}."
            ),
        )];
    };
    let port = config.ssh.port;
    let has_port = container.ports.contains(&i32::from(port));
    let port = match has_port {
        true => DEFINITION_PORT.pass(port.to_string()),
        false => DEFINITION_PORT.warn(
            format!("{COORDINATOR} maps no port {port}, which is [SSH] Port"),
            format!("Add {{ \"containerPort\": {port} }} to its portMappings, or set [SSH] Port to that of its SSH server."),
        ),
    };
    vec![DEFINITION_CONTAINER.pass(COORDINATOR), port]
}

/// The execution role, which ECS needs for some containers (AWS: task execution IAM role).
fn role(definition: &Definition) -> Check {
    let needing = definition.containers.iter().find_map(|container| {
        let why = if ImageName::parse(&container.image).is_some() {
            "its image is in ECR"
        } else if container.has_secrets {
            "it has secrets"
        } else if container.registry_secret.is_some() {
            "its registry needs a login"
        } else if container.log_group.is_some() {
            "it writes to CloudWatch Logs"
        } else {
            return None;
        };
        Some((container.name.as_str(), why))
    });
    match (&definition.execution_role, needing) {
        (Some(role), _) => DEFINITION_ROLE.pass(role.as_str()),
        (None, None) => DEFINITION_ROLE.pass("none, and none is needed"),
        (None, Some((name, why))) => DEFINITION_ROLE.fail(
            format!("it has no executionRoleArn, and container {name} needs one: {why}"),
            "Register a revision with an executionRoleArn whose policy is docs/iam/execution-role.json.",
        ),
    }
}
