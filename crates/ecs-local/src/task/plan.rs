//! What is to be run for a task: its definition and overrides, turned into commands, environments and dependencies.

use std::collections::BTreeMap;

use crate::ecs::Overrides;
use crate::ecs::shapes::{ContainerDefinition, HealthCheck, KeyValue};
use crate::engine::{self, Settings};
use crate::faults::{ContainerFaults, TaskFaults};
use crate::logs::Destination;
use crate::network::InterfaceRequest;
use crate::options::Backend;

/// Seconds a container has between SIGTERM and SIGKILL when its definition does not say.
const STOP_TIMEOUT: u64 = 30;

/// A task to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) region: String,
    pub(crate) interface: InterfaceRequest,
    pub(crate) attachment_id: String,
    /// What real containers would share.
    pub(crate) shared: engine::Shared,
    pub(crate) containers: Vec<ContainerPlan>,
}

/// A container to run.
#[derive(Clone, Debug)]
pub(crate) struct ContainerPlan {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    /// Program and arguments, still with placeholders; empty: nothing runs until it is stopped.
    pub(crate) command: Vec<String>,
    pub(crate) port: u16,
    pub(crate) environment: BTreeMap<String, String>,
    /// Positions of the containers it waits for.
    pub(crate) depends_on: Vec<(usize, Condition)>,
    pub(crate) start_timeout: Option<u64>,
    pub(crate) stop_timeout: u64,
    pub(crate) health_check: Option<HealthCheck>,
    /// Where its output goes, beside what is kept of it.
    pub(crate) log: Option<Destination>,
    /// What only a real container can have.
    pub(crate) settings: Settings,
    pub(crate) faults: ContainerFaults,
}

/// What a container waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// What the containers of a task have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a> {
    /// Where the task is asked about.
    pub(crate) metadata: &'a str,
    pub(crate) region: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) task_role: bool,
    /// MiB of the whole task.
    pub(crate) memory: i64,
    pub(crate) overrides: &'a Overrides,
    pub(crate) faults: &'a TaskFaults,
    pub(crate) backend: &'a Backend,
}

/// Plans the containers of a task.
pub(crate) fn containers(
    definitions: &[ContainerDefinition],
    shared: Shared<'_>,
) -> Vec<ContainerPlan> {
    let first_essential = definitions
        .iter()
        .position(|definition| definition.essential.unwrap_or(true));
    definitions
        .iter()
        .enumerate()
        .map(|(at, definition)| {
            container(definition, definitions, first_essential == Some(at), shared)
        })
        .collect()
}

fn container(
    definition: &ContainerDefinition,
    all: &[ContainerDefinition],
    first_essential: bool,
    shared: Shared<'_>,
) -> ContainerPlan {
    let name = definition.name.clone().unwrap_or_default();
    let change = shared
        .overrides
        .container_overrides
        .iter()
        .find(|change| change.name.as_deref() == Some(&name));
    let program = match shared.backend {
        Backend::Process { programs } => programs.get(&name),
        Backend::Container { .. } => None,
    };
    let command = match program {
        Some(program) => program.command.clone(),
        None => {
            let command = change
                .and_then(|change| change.command.clone())
                .or_else(|| definition.command.clone());
            let entry_point = definition.entry_point.clone().unwrap_or_default();
            entry_point
                .into_iter()
                .chain(command.unwrap_or_default())
                .collect()
        }
    };
    let mapped = definition
        .port_mappings
        .iter()
        .flatten()
        .find_map(|mapping| u16::try_from(mapping.container_port?).ok());
    let changed = change
        .and_then(|change| change.environment.as_deref())
        .unwrap_or_default();
    ContainerPlan {
        image: definition.image.clone().unwrap_or_default(),
        essential: definition.essential.unwrap_or(true),
        command,
        port: mapped.unwrap_or(program.map_or(0, |program| program.default_port)),
        environment: environment(
            &name,
            definition.environment.as_deref().unwrap_or_default(),
            changed,
            shared,
        ),
        depends_on: dependencies(definition, all),
        start_timeout: definition
            .start_timeout
            .and_then(|seconds| u64::try_from(seconds).ok()),
        stop_timeout: definition
            .stop_timeout
            .and_then(|seconds| u64::try_from(seconds).ok())
            .unwrap_or(STOP_TIMEOUT),
        health_check: definition.health_check.clone(),
        log: definition
            .log_configuration
            .as_ref()
            .and_then(|log| Destination::of(log, &name, shared.task_id)),
        settings: Settings::new(
            definition,
            all,
            change.and_then(|change| change.command.as_ref()),
            change.and_then(|change| change.memory),
            shared.memory,
        ),
        faults: shared.faults.of_container(&name, first_essential),
        name,
    }
}

/// The variables ECS sets for PID 1, then those of the definition, then those of the overrides.
fn environment(
    container: &str,
    defined: &[KeyValue],
    changed: &[KeyValue],
    shared: Shared<'_>,
) -> BTreeMap<String, String> {
    let id = format!("{}-{container}", shared.task_id);
    let mut variables = BTreeMap::from([
        (
            "ECS_CONTAINER_METADATA_URI_V4".to_owned(),
            format!("{}/v4/{id}", shared.metadata),
        ),
        (
            "ECS_CONTAINER_METADATA_URI".to_owned(),
            format!("http://169.254.170.2/v3/{id}"),
        ),
        (
            "ECS_AGENT_URI".to_owned(),
            format!("http://169.254.170.2/api/{id}"),
        ),
        ("AWS_EXECUTION_ENV".to_owned(), "AWS_ECS_FARGATE".to_owned()),
        ("AWS_REGION".to_owned(), shared.region.to_owned()),
        ("AWS_DEFAULT_REGION".to_owned(), shared.region.to_owned()),
    ]);
    if shared.task_role {
        variables.insert(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI".to_owned(),
            format!("/v2/credentials/{id}"),
        );
    }
    for variable in defined.iter().chain(changed) {
        if let Some(name) = &variable.name {
            variables.insert(name.clone(), variable.value.clone().unwrap_or_default());
        }
    }
    variables
}

fn dependencies(
    definition: &ContainerDefinition,
    all: &[ContainerDefinition],
) -> Vec<(usize, Condition)> {
    let one = |dependency: &crate::ecs::shapes::DependsOn| {
        let on = all
            .iter()
            .position(|other| other.name == dependency.container_name)?;
        let condition = match dependency.condition.as_deref()? {
            "COMPLETE" => Condition::Complete,
            "SUCCESS" => Condition::Success,
            "HEALTHY" => Condition::Healthy,
            _ => Condition::Start,
        };
        Some((on, condition))
    };
    definition
        .depends_on
        .iter()
        .flatten()
        .filter_map(one)
        .collect()
}

/// The order containers stop in: those nobody depends on first, then what they depended on, and so on.
pub(crate) fn stop_order(containers: &[ContainerPlan]) -> Vec<Vec<usize>> {
    let mut left: Vec<usize> = (0..containers.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let needed: Vec<usize> = left
            .iter()
            .filter_map(|at| containers.get(*at))
            .flat_map(|container| container.depends_on.iter().map(|(on, _)| *on))
            .collect();
        let (wait, go): (Vec<_>, Vec<_>) = left.iter().partition(|at| needed.contains(at));
        if go.is_empty() {
            // A cycle, which registration refuses: all at once.
            order.push(wait);
            break;
        }
        order.push(go);
        left = wait;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Program;

    fn shared<'a>(
        overrides: &'a Overrides,
        faults: &'a TaskFaults,
        backend: &'a Backend,
    ) -> Shared<'a> {
        Shared {
            metadata: "http://169.254.170.2",
            region: "eu-west-1",
            task_id: "7f",
            task_role: false,
            memory: 512,
            overrides,
            faults,
            backend,
        }
    }

    fn definitions(json: &str) -> Vec<ContainerDefinition> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn overrides_merge_by_name_and_replace_the_command() {
        let definitions = definitions(
            r#"[{"name": "web", "entryPoint": ["/bin/sh", "-c"], "command": ["old"],
                 "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]}]"#,
        );
        let overrides = serde_json::from_str(
            r#"{"containerOverrides": [{"name": "web", "command": ["new"], "environment": [{"name": "B", "value": "2"}, {"name": "C", "value": "2"}]}]}"#,
        )
        .unwrap();
        let plan = containers(
            &definitions,
            shared(&overrides, &TaskFaults::default(), &Backend::default()),
        );
        assert_eq!(plan[0].command, ["/bin/sh", "-c", "new"]);
        let variable = |name: &str| plan[0].environment.get(name).map(String::as_str);
        assert_eq!(
            [variable("A"), variable("B"), variable("C")],
            [Some("1"), Some("2"), Some("2")]
        );
        assert_eq!(variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), None);
        assert_eq!(variable("AWS_EXECUTION_ENV"), Some("AWS_ECS_FARGATE"));
    }

    #[test]
    fn a_program_stands_in_for_the_image_on_the_mapped_or_default_port() {
        let program = Program {
            command: vec!["agent".into(), "{port}".into()],
            default_port: 2222,
        };
        let backend = Backend::Process {
            programs: BTreeMap::from([("a".into(), program.clone()), ("b".into(), program)]),
        };
        let definitions = definitions(
            r#"[{"name": "a", "command": ["ignored"], "portMappings": [{"containerPort": 8022}]}, {"name": "b"}, {"name": "c"}]"#,
        );
        let plan = containers(
            &definitions,
            shared(&Overrides::default(), &TaskFaults::default(), &backend),
        );
        assert_eq!((plan[0].port, plan[1].port), (8022, 2222));
        assert_eq!(plan[0].command, ["agent", "{port}"]);
        assert!(plan[2].command.is_empty());
    }

    #[test]
    fn containers_stop_before_what_they_depend_on() {
        let definitions = definitions(
            r#"[{"name": "init"}, {"name": "build", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}, {"containerName": "db", "condition": "START"}]},
                {"name": "db", "dependsOn": [{"containerName": "init", "condition": "COMPLETE"}]}, {"name": "alone"}]"#,
        );
        let plan = containers(
            &definitions,
            shared(
                &Overrides::default(),
                &TaskFaults::default(),
                &Backend::default(),
            ),
        );
        assert_eq!(stop_order(&plan), [vec![1, 3], vec![2], vec![0]]);
    }
}
