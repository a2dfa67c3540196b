//! The request for a container, made from its definition.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits,
};

use super::client::CONTAINER;
use super::image::Image;
use super::sandbox::Sandbox;
use crate::shapes::{ContainerDefinition, Ulimit};

/// A volume of the task in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    volume: String,
    path: String,
    read_only: bool,
}

/// The settings of a real container, from its definition and its override.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContainerSettings {
    pub(super) name: String,
    image: String,
    entry_point: Option<Vec<String>>,
    command: Option<Vec<String>>,
    user: Option<String>,
    working_directory: Option<String>,
    mounts: Vec<Mount>,
    read_only_root: bool,
    ulimits: Vec<Ulimit>,
    added: Vec<String>,
    dropped: Vec<String>,
    init: bool,
    memory_mib: i64,
    terminal: bool,
    interactive: bool,
    labels: BTreeMap<String, String>,
    system_controls: HashMap<String, String>,
}

impl ContainerSettings {
    /// The settings of a container among `all` of a task with `task_memory` MiB. An override may give it another
    /// `command` and `memory`.
    pub(crate) fn new(
        definition: &ContainerDefinition,
        all: &[ContainerDefinition],
        command: Option<&Vec<String>>,
        memory: Option<i64>,
        task_memory: i64,
    ) -> Self {
        let given = |words: &Option<Vec<String>>| words.clone().filter(|words| !words.is_empty());
        let linux = definition.linux_parameters.clone().unwrap_or_default();
        let capabilities = linux.capabilities.unwrap_or_default();
        Self {
            name: definition.name.clone().unwrap_or_default(),
            image: definition.image.clone().unwrap_or_default(),
            entry_point: given(&definition.entry_point),
            command: given(&command.or(definition.command.as_ref()).cloned()),
            user: definition.user.clone(),
            working_directory: definition.working_directory.clone(),
            mounts: mounts(definition, all),
            read_only_root: definition.readonly_root_filesystem == Some(true),
            ulimits: definition.ulimits.clone().unwrap_or_default(),
            added: capabilities.add.unwrap_or_default(),
            dropped: capabilities.drop.unwrap_or_default(),
            init: linux.init_process_enabled == Some(true),
            memory_mib: memory.or(definition.memory).unwrap_or(task_memory),
            terminal: definition.pseudo_terminal == Some(true),
            interactive: definition.interactive == Some(true),
            labels: definition.docker_labels.clone().unwrap_or_default(),
            system_controls: definition
                .system_controls
                .iter()
                .flatten()
                .filter_map(|control| Some((control.namespace.clone()?, control.value.clone()?)))
                .collect(),
        }
    }

    /// The request for a container of a task.
    pub(super) fn request(
        &self,
        image: &Image,
        environment: &BTreeMap<String, String>,
        sandbox: &Sandbox,
    ) -> ContainerCreateBody {
        let mut labels = sandbox.engine.labels(&sandbox.spec.task_id);
        labels.insert(CONTAINER.to_owned(), self.name.clone());
        labels.extend(self.labels.clone());
        let environment = environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: self.entry_point.clone(),
            cmd: self.command.clone(),
            env: Some(environment.collect()),
            user: self.user.clone(),
            working_dir: self.working_directory.clone(),
            tty: Some(self.terminal),
            open_stdin: Some(self.interactive),
            labels: Some(labels),
            // ECS ignores the health check of an image, and runs those of definitions itself.
            healthcheck: Some(HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..Default::default()
            }),
            host_config: Some(self.host_config(image, sandbox)),
            ..Default::default()
        }
    }

    fn host_config(&self, image: &Image, sandbox: &Sandbox) -> HostConfig {
        let join = format!("container:{}", sandbox.holder);
        let shares_processes = sandbox.spec.processes;
        let binds = self.mounts.iter().map(|mount| mount.bind(image, sandbox));
        let ulimits = self.ulimits.iter().map(|limit| ResourcesUlimits {
            name: limit.name.clone(),
            soft: limit.soft_limit,
            hard: limit.hard_limit,
        });
        let memory = self.memory_mib.saturating_mul(1024 * 1024);
        HostConfig {
            network_mode: Some(join.clone()),
            pid_mode: shares_processes.then_some(join),
            // Among shared processes it could not be the first one, and the sandbox reaps orphans.
            init: Some(self.init && !shares_processes),
            binds: Some(binds.collect()),
            readonly_rootfs: Some(self.read_only_root),
            ulimits: Some(ulimits.collect()).filter(|list: &Vec<_>| !list.is_empty()),
            cap_add: Some(self.added.clone()),
            cap_drop: Some(self.dropped.clone()),
            memory: Some(memory),
            // Fargate has no swap.
            memory_swap: Some(memory),
            sysctls: Some(self.system_controls.clone()).filter(|map| !map.is_empty()),
            // A log that can be read again, whatever the engine's default is.
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: None,
            }),
            ..Default::default()
        }
    }
}

impl Mount {
    /// The mount in Docker's spelling.
    fn bind(&self, image: &Image, sandbox: &Sandbox) -> String {
        let volume = sandbox.spec.volume(&self.volume);
        let mode = if self.read_only { "ro" } else { "rw" };
        // An image's own files go into a volume only where the image declares one.
        let copy = if image.volumes.contains(&self.path) {
            ""
        } else {
            ",nocopy"
        };
        format!("{volume}:{}:{mode}{copy}", self.path)
    }
}

/// A container's own mounts, and those of other containers that it uses.
fn mounts(definition: &ContainerDefinition, all: &[ContainerDefinition]) -> Vec<Mount> {
    let mut mounts = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(definition, false)];
    while let Some((container, read_only)) = open.pop() {
        // A valid definition may have containers that use each other's volumes.
        if !seen.insert(container.name.as_deref()) {
            continue;
        }
        for mount in container.mount_points.iter().flatten() {
            let (Some(volume), Some(path)) = (&mount.source_volume, &mount.container_path) else {
                continue;
            };
            mounts.push(Mount {
                volume: volume.clone(),
                path: path.clone(),
                read_only: read_only || mount.read_only == Some(true),
            });
        }
        for from in container.volumes_from.iter().flatten() {
            open.extend(
                all.iter()
                    .filter(|other| other.name.is_some() && other.name == from.source_container)
                    .map(|other| (other, read_only || from.read_only == Some(true))),
            );
        }
    }
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_come_from_other_containers_too() {
        let all: Vec<ContainerDefinition> = serde_json::from_str(
            r#"[{"name": "a", "mountPoints": [{"sourceVolume": "x", "containerPath": "/x"}], "volumesFrom": [{"sourceContainer": "b", "readOnly": true}]},
                {"name": "b", "mountPoints": [{"sourceVolume": "y", "containerPath": "/y"}], "volumesFrom": [{"sourceContainer": "a"}]}]"#,
        )
        .unwrap();
        let mount = |volume: &str, read_only| Mount {
            volume: volume.into(),
            path: format!("/{volume}"),
            read_only,
        };
        assert_eq!(mounts(&all[0], &all), [mount("x", false), mount("y", true)]);
        assert_eq!(
            mounts(&all[1], &all),
            [mount("y", false), mount("x", false)]
        );
    }

    #[test]
    fn an_override_replaces_the_command_and_the_memory() {
        let definition = serde_json::from_str(
            r#"{"name": "a", "entryPoint": ["e"], "command": ["old"], "memory": 64}"#,
        )
        .unwrap();
        let given =
            ContainerSettings::new(&definition, &[], Some(&vec!["new".into()]), Some(32), 512);
        assert_eq!(given.entry_point, Some(vec!["e".into()]));
        assert_eq!(
            (given.command, given.memory_mib),
            (Some(vec!["new".into()]), 32)
        );
        let own = ContainerSettings::new(&definition, &[], None, None, 512);
        assert_eq!(
            (own.command, own.memory_mib),
            (Some(vec!["old".into()]), 64)
        );
        let bare = ContainerSettings::new(&Default::default(), &[], None, None, 512);
        assert_eq!((bare.command, bare.memory_mib), (None, 512));
    }
}
