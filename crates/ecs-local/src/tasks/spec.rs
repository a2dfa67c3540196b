//! The specification of a task to run: its definition and overrides, turned into commands, environments and
//! dependencies.

use std::collections::BTreeMap;

use super::awslogs::LogDestination;
use crate::engine::{ContainerSettings, SandboxSpec};
use crate::faults::{ContainerFaults, TaskFaults};
use crate::network::InterfaceRequest;
use crate::options::{Backend, Program};
use crate::shapes::{
    ContainerDefinition, ContainerOverride, DependsOn, HealthCheck, KeyValue, Overrides,
};

/// The default of `stopTimeout`: the seconds between SIGTERM and SIGKILL.
const STOP_TIMEOUT: u64 = 30;

/// A task to run.
#[derive(Debug)]
pub(crate) struct TaskSpec {
    pub(crate) region: String,
    pub(crate) task_id: String,
    pub(crate) interface: InterfaceRequest,
    pub(crate) attachment_id: String,
    /// The memory of all containers together, in MiB.
    pub(crate) memory_mib: i64,
    /// The sandbox of real containers.
    pub(crate) sandbox: SandboxSpec,
    pub(crate) containers: Vec<ContainerSpec>,
}

/// A container to run.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    /// Program and arguments, still with placeholders. If empty, the container does nothing until it is stopped.
    pub(crate) command: Vec<String>,
    pub(crate) port: u16,
    pub(crate) environment: BTreeMap<String, String>,
    /// The positions of the containers it depends on, with the conditions.
    pub(crate) depends_on: Vec<(usize, Condition)>,
    pub(crate) start_timeout: Option<u64>,
    pub(crate) stop_timeout: u64,
    pub(crate) health_check: Option<HealthCheck>,
    /// The log stream of its output.
    pub(crate) log: Option<LogDestination>,
    /// The settings of a real container.
    pub(crate) settings: ContainerSettings,
    pub(crate) faults: ContainerFaults,
}

/// The condition of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// The context of a task that the specification of each container needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskContext<'a> {
    /// The address of the task metadata endpoint.
    pub(crate) metadata: &'a str,
    pub(crate) region: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) task_role: bool,
    /// The memory of the whole task, in MiB.
    pub(crate) memory: i64,
    pub(crate) overrides: &'a Overrides,
    pub(crate) faults: &'a TaskFaults,
    pub(crate) backend: &'a Backend,
}

/// Specifies the containers of a task.
pub(crate) fn containers(
    definitions: &[ContainerDefinition],
    task: TaskContext<'_>,
) -> Vec<ContainerSpec> {
    let first_essential = definitions
        .iter()
        .position(|definition| definition.essential.unwrap_or(true));
    definitions
        .iter()
        .enumerate()
        .map(|(at, definition)| {
            container(definition, definitions, first_essential == Some(at), task)
        })
        .collect()
}

fn container(
    definition: &ContainerDefinition,
    all: &[ContainerDefinition],
    first_essential: bool,
    task: TaskContext<'_>,
) -> ContainerSpec {
    let name = definition.name.clone().unwrap_or_default();
    let overrides = &task.overrides.container_overrides;
    let change = overrides
        .iter()
        .find(|change| change.name.as_deref() == Some(&name));
    let program = match task.backend {
        Backend::Process { programs } => programs.get(&name),
        Backend::Container { .. } => None,
    };
    let mut mappings = definition.port_mappings.iter().flatten();
    let mapped = mappings.find_map(|mapping| u16::try_from(mapping.container_port?).ok());
    let seconds = |value: Option<i64>| value.and_then(|seconds| u64::try_from(seconds).ok());
    let log = definition.log_configuration.as_ref();
    ContainerSpec {
        image: definition.image.clone().unwrap_or_default(),
        essential: definition.essential.unwrap_or(true),
        command: command(definition, change, program),
        port: mapped.unwrap_or(program.map_or(0, |program| program.default_port)),
        environment: environment(
            &name,
            definition.environment.as_deref().unwrap_or_default(),
            change
                .and_then(|change| change.environment.as_deref())
                .unwrap_or_default(),
            task,
        ),
        depends_on: dependencies(definition, all),
        start_timeout: seconds(definition.start_timeout),
        stop_timeout: seconds(definition.stop_timeout).unwrap_or(STOP_TIMEOUT),
        health_check: definition.health_check.clone(),
        log: log.and_then(|log| LogDestination::new(log, &name, task.task_id)),
        settings: ContainerSettings::new(
            definition,
            all,
            change.and_then(|change| change.command.as_ref()),
            change.and_then(|change| change.memory),
            task.memory,
        ),
        faults: task.faults.for_container(&name, first_essential),
        name,
    }
}

/// The command of a process: a program in place of the image, or the entry point and the command.
fn command(
    definition: &ContainerDefinition,
    change: Option<&ContainerOverride>,
    program: Option<&Program>,
) -> Vec<String> {
    if let Some(program) = program {
        return program.command.clone();
    }
    let command = change
        .and_then(|change| change.command.clone())
        .or_else(|| definition.command.clone());
    let entry_point = definition.entry_point.clone().unwrap_or_default();
    entry_point
        .into_iter()
        .chain(command.unwrap_or_default())
        .collect()
}

/// The variables that ECS sets, then those of the definition, then those of the overrides.
fn environment(
    container: &str,
    defined: &[KeyValue],
    changed: &[KeyValue],
    task: TaskContext<'_>,
) -> BTreeMap<String, String> {
    let id = format!("{}-{container}", task.task_id);
    let mut variables = BTreeMap::from([
        (
            "ECS_CONTAINER_METADATA_URI_V4".to_owned(),
            format!("{}/v4/{id}", task.metadata),
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
        ("AWS_REGION".to_owned(), task.region.to_owned()),
        ("AWS_DEFAULT_REGION".to_owned(), task.region.to_owned()),
    ]);
    if task.task_role {
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

/// The dependencies of a container, by the positions of the other containers.
fn dependencies(
    definition: &ContainerDefinition,
    all: &[ContainerDefinition],
) -> Vec<(usize, Condition)> {
    let one = |dependency: &DependsOn| {
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

/// The order in which containers stop: first those on which no other depends, then their dependencies, and so on.
pub(crate) fn stop_order(containers: &[ContainerSpec]) -> Vec<Vec<usize>> {
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
            // A cycle, which registration refuses: all of them at once.
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

    fn context<'a>(
        overrides: &'a Overrides,
        faults: &'a TaskFaults,
        backend: &'a Backend,
    ) -> TaskContext<'a> {
        TaskContext {
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
        let specs = containers(
            &definitions,
            context(&overrides, &TaskFaults::default(), &Backend::default()),
        );
        assert_eq!(specs[0].command, ["/bin/sh", "-c", "new"]);
        let variable = |name: &str| specs[0].environment.get(name).map(String::as_str);
        assert_eq!(
            [variable("A"), variable("B"), variable("C")],
            [Some("1"), Some("2"), Some("2")]
        );
        assert_eq!(variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), None);
        assert_eq!(variable("AWS_EXECUTION_ENV"), Some("AWS_ECS_FARGATE"));
    }

    #[test]
    fn a_program_runs_in_place_of_the_image_on_the_mapped_or_default_port() {
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
        let specs = containers(
            &definitions,
            context(&Overrides::default(), &TaskFaults::default(), &backend),
        );
        assert_eq!((specs[0].port, specs[1].port), (8022, 2222));
        assert_eq!(specs[0].command, ["agent", "{port}"]);
        assert!(specs[2].command.is_empty());
    }

    #[test]
    fn containers_stop_before_what_they_depend_on() {
        let definitions = definitions(
            r#"[{"name": "init"}, {"name": "build", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}, {"containerName": "db", "condition": "START"}]},
                {"name": "db", "dependsOn": [{"containerName": "init", "condition": "COMPLETE"}]}, {"name": "alone"}]"#,
        );
        let specs = containers(
            &definitions,
            context(
                &Overrides::default(),
                &TaskFaults::default(),
                &Backend::default(),
            ),
        );
        assert_eq!(stop_order(&specs), [vec![1, 3], vec![2], vec![0]]);
    }
}
