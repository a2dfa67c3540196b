//! The shapes of task definitions and overrides. AWS's model calls the types of members shapes.
//!
//! Every member is optional on the wire. A member that Fargate refuses keeps the form in which it came: the refusal
//! names it, and a definition for EC2 shows it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A struct of optional members in AWS's spelling that reads and writes only those given.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $member:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(crate) struct $name {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(crate) $member: Option<$kind>,
            )*
        }
    };
}

shape!(
    /// A name and a value: environment, system controls, settings.
    KeyValue { name: String, value: String }
);

impl KeyValue {
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            value: Some(value.into()),
        }
    }
}

shape!(
    /// A container of a task definition.
    ContainerDefinition {
        name: String,
        image: String,
        repository_credentials: RepositoryCredentials,
        cpu: i64,
        memory: i64,
        memory_reservation: i64,
        links: Vec<String>,
        port_mappings: Vec<PortMapping>,
        essential: bool,
        restart_policy: RestartPolicy,
        entry_point: Vec<String>,
        command: Vec<String>,
        environment: Vec<KeyValue>,
        environment_files: Vec<EnvironmentFile>,
        mount_points: Vec<MountPoint>,
        volumes_from: Vec<VolumeFrom>,
        linux_parameters: LinuxParameters,
        secrets: Vec<Secret>,
        depends_on: Vec<DependsOn>,
        start_timeout: i64,
        stop_timeout: i64,
        version_consistency: String,
        hostname: String,
        user: String,
        working_directory: String,
        disable_networking: bool,
        privileged: bool,
        readonly_root_filesystem: bool,
        dns_servers: Vec<String>,
        dns_search_domains: Vec<String>,
        extra_hosts: Vec<Value>,
        docker_security_options: Vec<String>,
        interactive: bool,
        pseudo_terminal: bool,
        docker_labels: BTreeMap<String, String>,
        ulimits: Vec<Ulimit>,
        log_configuration: LogConfiguration,
        health_check: HealthCheck,
        system_controls: Vec<SystemControl>,
        resource_requirements: Vec<Value>,
        firelens_configuration: FirelensConfiguration,
        credential_specs: Vec<String>,
    }
);
shape!(RepositoryCredentials {
    credentials_parameter: String
});
shape!(PortMapping {
    container_port: i64,
    host_port: i64,
    protocol: String,
    name: String,
    app_protocol: String,
    container_port_range: String,
});
shape!(RestartPolicy { enabled: bool, ignored_exit_codes: Vec<i64>, restart_attempt_period: i64 });
shape!(EnvironmentFile {
    value: String,
    #[serde(rename = "type")]
    kind: String,
});
shape!(MountPoint {
    source_volume: String,
    container_path: String,
    read_only: bool
});
shape!(VolumeFrom {
    source_container: String,
    read_only: bool
});
shape!(LinuxParameters {
    capabilities: Capabilities,
    devices: Vec<Value>,
    init_process_enabled: bool,
    shared_memory_size: i64,
    tmpfs: Vec<Value>,
    max_swap: i64,
    swappiness: i64,
});
shape!(Capabilities { add: Vec<String>, drop: Vec<String> });
shape!(Secret {
    name: String,
    value_from: String
});
shape!(DependsOn {
    container_name: String,
    condition: String
});
shape!(Ulimit {
    name: String,
    soft_limit: i64,
    hard_limit: i64
});
shape!(LogConfiguration { log_driver: String, options: BTreeMap<String, String>, secret_options: Vec<Secret> });
shape!(HealthCheck { command: Vec<String>, interval: i64, timeout: i64, retries: i64, start_period: i64 });
shape!(SystemControl {
    namespace: String,
    value: String
});
shape!(FirelensConfiguration {
    #[serde(rename = "type")]
    kind: String,
    options: BTreeMap<String, String>,
});
shape!(Volume {
    name: String,
    host: Host,
    docker_volume_configuration: Value,
    efs_volume_configuration: EfsVolumeConfiguration,
    s3files_volume_configuration: Value,
    fsx_windows_file_server_volume_configuration: Value,
    configured_at_launch: bool,
});
shape!(Host {
    source_path: String
});
shape!(EfsVolumeConfiguration {
    file_system_id: String,
    root_directory: String,
    transit_encryption: String,
    transit_encryption_port: i64,
    authorization_config: EfsAuthorizationConfig,
});
shape!(EfsAuthorizationConfig {
    access_point_id: String,
    iam: String
});
shape!(EphemeralStorage {
    #[serde(rename = "sizeInGiB")]
    size_in_gib: i64,
});
shape!(RuntimePlatform {
    cpu_architecture: String,
    operating_system_family: String
});

/// `overrides` of a request, and of the task in replies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Overrides {
    pub(crate) container_overrides: Vec<ContainerOverride>,
    pub(crate) inference_accelerator_overrides: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ephemeral_storage: Option<EphemeralStorage>,
}

/// The changes to one container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerOverride {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<Vec<KeyValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment_files: Option<Vec<EnvironmentFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_reservation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_requirements: Option<Vec<Value>>,
}
