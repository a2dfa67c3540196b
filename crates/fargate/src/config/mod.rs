//! `fargate.toml`: read raw, then checked into types that cannot be wrong.
//!
//! The format is a contract, and files written for GitLab's driver load unchanged.

mod cleanup;
mod job_image;
mod logging;
mod section;
mod size;
mod source;
mod ssh;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fargate_wire::HELPER_PORT;
use toml::de::DeTable;

pub(crate) use self::cleanup::CleanupConfig;
pub(crate) use self::job_image::JobImage;
pub(crate) use self::logging::{LogFormat, Logging, log_format, log_level};
use self::section::{Findings, Section, position};
pub(crate) use self::size::{Architecture, Cpu, Memory, STORAGE_INCLUDED, STORAGE_LIMIT, Storage};
pub(crate) use self::source::DEFAULT_FILE;
pub(crate) use self::ssh::Ssh;
pub(crate) use self::values::{
    Globs, StrategyItem, TaskDefinitionName, capacity_provider, image, is_tag_character,
    platform_version, role,
};
use crate::error::{Error, Result};

/// Whom the driver logs in as where the agent listens, which takes any name: it is its own user.
const AGENT_USER: &str = "fargate";

/// What the command line says over the file, as GitLab's driver lets it.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// `--task-def`: family, family:revision or ARN.
    pub(crate) task_definition: Option<String>,
    /// `--platform-version`.
    pub(crate) platform_version: Option<String>,
}

/// The whole of `fargate.toml`.
#[derive(Debug)]
pub(crate) struct Config {
    /// What is logged, how and where.
    pub(crate) log: Logging,
    /// `[Fargate]`, but for its task definition.
    pub(crate) fargate: Fargate,
    /// What jobs run in.
    pub(crate) mode: Mode,
    /// `[TaskMetadata] Directory`: where job records lie. Absolute.
    pub(crate) metadata_directory: PathBuf,
    /// `[TaskMetadata] Manager`: this manager's name; the folder's id when none.
    pub(crate) manager: Option<String>,
    /// `[SSH]`.
    pub(crate) ssh: Ssh,
    /// `[JobVariables]`.
    pub(crate) job_variables: JobVariables,
    /// What is odd in the file without being wrong, each with its line.
    pub(crate) warnings: Vec<String>,
}

/// What jobs run in.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The operator's task definition, or the allowed one that the job's variables name.
    TaskDefinition(TaskDefinitionName),
    /// The job's own image and services.
    JobImage(Box<JobImage>),
}

/// `[Fargate]`: what tasks are made of.
#[derive(Debug)]
pub(crate) struct Fargate {
    /// Name or ARN.
    pub(crate) cluster: String,
    /// Region of the cluster.
    pub(crate) region: String,
    /// At least one.
    pub(crate) subnets: Vec<String>,
    /// At least one, at most five.
    pub(crate) security_groups: Vec<String>,
    /// Whether tasks get a public IP.
    pub(crate) assign_public_ip: bool,
    /// Whether the driver connects to that one.
    pub(crate) connect_to_public_ip: bool,
    /// AWS's default when none.
    pub(crate) platform_version: Option<String>,
    /// The cluster's default strategy when empty.
    pub(crate) strategy: Vec<StrategyItem>,
    /// What is tried when `strategy` finds no capacity.
    pub(crate) fallback_strategy: Vec<StrategyItem>,
    /// Bound from the first RunTask until the first script can run.
    pub(crate) start_timeout: Duration,
    /// Whether ECS Exec is enabled in tasks.
    pub(crate) execute_command: bool,
    /// Where AWS's APIs are, when not where the SDK finds them.
    pub(crate) endpoint: Option<String>,
    /// Put on every task.
    pub(crate) tags: BTreeMap<String, String>,
}

/// `[JobVariables]`: what a job may change by its variables.
#[derive(Debug)]
pub(crate) struct JobVariables {
    /// Values of `FARGATE_TASK_DEFINITION`; any when none.
    pub(crate) task_definitions: Option<Globs>,
    /// Values of `FARGATE_PLATFORM_VERSION`; any when none.
    pub(crate) platform_versions: Option<Globs>,
    /// The most that `FARGATE_CPU` may ask for; ignored when none, and so are those below.
    pub(crate) max_cpu: Option<Cpu>,
    /// The most that `FARGATE_MEMORY` may ask for.
    pub(crate) max_memory: Option<Memory>,
    /// The most that `FARGATE_EPHEMERAL_STORAGE` may ask for.
    pub(crate) max_storage: Option<Storage>,
    /// Values of `FARGATE_TASK_ROLE`.
    pub(crate) task_roles: Option<Globs>,
    /// Values of `FARGATE_CAPACITY_PROVIDER`.
    pub(crate) capacity_providers: Option<Globs>,
    /// Values of `FARGATE_CPU_ARCHITECTURE`, and of an image's platform.
    pub(crate) architectures: Option<Vec<Architecture>>,
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no TOML (with line and column), or has missing or wrong values (all of them,
    /// each with its line and what would be right).
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let (text, directory) = source::read(path)?;
        Self::parse(&text, &directory).map_err(|error| error.context(path.display()))
    }

    /// Checks `text`, in which relative paths start at `directory`.
    fn parse(text: &str, directory: &Path) -> Result<Self> {
        let document = DeTable::parse(text).map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            Error::system(format!(
                "line {line}, column {column}: invalid TOML: {}",
                error.message()
            ))
            .advise("Correct the file there; https://toml.io describes the format.")
        })?;
        let findings = Findings::default();
        let config = Self::check(Section::root(document.get_ref(), &findings), directory);
        let (errors, warnings) = findings.into_lines(text);
        match config {
            Some(config) if errors.is_empty() => Ok(Self { warnings, ..config }),
            _ => Err(Error::system(errors.join("\n  ").to_string())
                .advise("Correct these values; docs/configuration.md describes each key.")),
        }
    }

    /// The configuration, or nothing when a value that it cannot do without is missing or wrong; every
    /// problem is in the findings.
    fn check(root: Section<'_>, directory: &Path) -> Option<Self> {
        let log = logging::read(&root, directory);
        let section = root.table("JobImage");
        let job_image = (section.boolean("Enabled") == Some(true)).then_some(section);
        let by_job_image = job_image.is_some();
        let (fargate, definition) = fargate(root.table("Fargate"), by_job_image);
        let metadata = root.table("TaskMetadata");
        let metadata_directory = metadata.required(
            "Directory",
            metadata.text("Directory"),
            "the folder for job records",
        );
        let manager = metadata.parsed("Manager", values::manager);
        metadata.finish();
        let ssh = ssh(root.table("SSH"), by_job_image);
        let mode = match job_image {
            Some(section) => {
                JobImage::read(section, ssh.as_ref()).map(|read| Mode::JobImage(Box::new(read)))
            }
            None => definition.map(Mode::TaskDefinition),
        };
        let job_variables = job_variables(root.table("JobVariables"));
        root.finish();
        Some(Self {
            log,
            fargate: fargate?,
            mode: mode?,
            metadata_directory: directory.join(metadata_directory?),
            manager,
            ssh: ssh?,
            job_variables,
            warnings: Vec::new(),
        })
    }
}

/// What tasks are made of, and the task definition, which is nobody's concern when jobs bring their own image.
fn fargate(
    section: Section<'_>,
    by_job_image: bool,
) -> (Option<Fargate>, Option<TaskDefinitionName>) {
    let cluster = section.required(
        "Cluster",
        section.parsed("Cluster", values::cluster),
        "the ECS cluster's name or ARN",
    );
    let region = section.required(
        "Region",
        section.parsed("Region", values::region),
        "the AWS region of the cluster",
    );
    let subnets = ids(&section, "Subnet", "Subnets", "subnet-", 16);
    let security_groups = ids(&section, "SecurityGroup", "SecurityGroups", "sg-", 5);
    let mut task_definition = section.parsed("TaskDefinition", str::parse);
    if !by_job_image {
        let what = "the task definition that jobs run";
        task_definition = section.required("TaskDefinition", task_definition, what);
    }
    let assign_public_ip = section.boolean("EnablePublicIP").unwrap_or(false);
    let use_public_ip = section.boolean("UsePublicIP").unwrap_or(assign_public_ip);
    if use_public_ip && !assign_public_ip {
        section.warn(
            "UsePublicIP",
            "has no effect: tasks have no public IP, because EnablePublicIP is not true",
        );
    }
    let tags = section.table("Tags");
    for (key, value) in tags.entries() {
        if let Err(expected) = values::tag(&key, &value) {
            tags.error(
                &key,
                &format!("is not a valid AWS tag; it must be {expected}"),
            );
        }
    }
    let platform_version = section.parsed("PlatformVersion", platform_version);
    let default_strategy = strategy(&section, "CapacityProviderStrategy");
    let fallback_strategy = strategy(&section, "FallbackCapacityProviderStrategy");
    let start_timeout = section.duration("StartTimeout", Duration::from_secs(15 * 60));
    let execute_command = section.boolean("EnableExecuteCommand").unwrap_or(false);
    let endpoint = section.parsed("Endpoint", values::endpoint);
    section.finish();
    let fargate = (|| {
        Some(Fargate {
            cluster: cluster?,
            region: region?,
            subnets: subnets?,
            security_groups: security_groups?,
            assign_public_ip,
            connect_to_public_ip: use_public_ip && assign_public_ip,
            platform_version,
            strategy: default_strategy,
            fallback_strategy,
            start_timeout,
            execute_command,
            endpoint,
            tags: tags.entries().into_iter().collect(),
        })
    })();
    (fargate, task_definition)
}

/// The ids under `one`, a string, or `many`, a list.
fn ids(
    section: &Section<'_>,
    one: &'static str,
    many: &'static str,
    prefix: &str,
    limit: usize,
) -> Option<Vec<String>> {
    let check = |key, id: &str| {
        values::ec2_id(prefix, id)
            .map_err(|expected| section.error(key, &format!("is {id:?}, but must be {expected}")))
            .ok()
    };
    let single = section.text(one);
    let list = section.strings(many);
    match (single, list) {
        (Some(_), Some(_)) => {
            section.error(many, &format!("and {one} are both set; keep one of them"));
            None
        }
        (None, Some(list)) if list.is_empty() => {
            section.error(many, "is empty; it must name at least one");
            None
        }
        (None, Some(list)) if list.len() > limit => {
            section.error(
                many,
                &format!("names {}, and AWS takes at most {limit}", list.len()),
            );
            None
        }
        (None, Some(list)) => list.iter().map(|id| check(many, id)).collect(),
        (single, None) => {
            let id = section.required(one, single, &format!("an id that starts with {prefix}"))?;
            check(one, &id).map(|id| vec![id])
        }
    }
}

fn strategy(section: &Section<'_>, key: &'static str) -> Vec<StrategyItem> {
    let mut items = Vec::new();
    for item in section.tables(key).unwrap_or_default() {
        let provider = item.required(
            "Name",
            item.text("Name"),
            "a capacity provider, like \"FARGATE_SPOT\"",
        );
        let number = |key, default, limit: i32| match item.integer(key) {
            None => default,
            Some(number) => match i32::try_from(number) {
                Ok(number) if (0..=limit).contains(&number) => number,
                _ => {
                    item.error(key, &format!("is {number}, but must be 0 to {limit}"));
                    default
                }
            },
        };
        let (weight, base) = (number("Weight", 1, 1_000), number("Base", 0, 100_000));
        item.finish();
        items.extend(provider.map(|provider| StrategyItem {
            provider,
            weight,
            base,
        }));
    }
    if items.iter().filter(|item| item.base > 0).count() > 1 {
        section.error(
            key,
            "has a Base above 0 for more than one provider, which AWS refuses",
        );
    }
    if !items.is_empty() && items.iter().all(|item| item.weight == 0) {
        section.error(
            key,
            "has Weight 0 for every provider, so none would get a task",
        );
    }
    items
}

/// How the task is reached. In JobImage mode that is the agent's: user and port are not the operator's to choose.
fn ssh(section: Section<'_>, by_job_image: bool) -> Option<Ssh> {
    let mut username = section.text("Username");
    if by_job_image {
        username = Some(AGENT_USER.to_owned());
    } else {
        let what = "whom scripts run as, like \"root\"";
        username = section.required("Username", username, what);
    }
    let port = match section.integer("Port") {
        // As in GitLab's driver, where anything below 1 meant the default.
        None | Some(..1) => 22,
        Some(port) => u16::try_from(port).unwrap_or_else(|_| {
            section.error("Port", &format!("is {port}, but must be 1 to 65535"));
            22
        }),
    };
    let ssh = username.map(|username| Ssh {
        username,
        port: if by_job_image { HELPER_PORT } else { port },
        connect_timeout: section.duration("ConnectTimeout", Duration::from_secs(10)),
        keepalive_interval: section.duration("KeepAliveInterval", Duration::from_secs(15)),
        reconnect_timeout: section.duration("ReconnectTimeout", Duration::from_secs(300)),
    });
    section.finish();
    ssh
}

fn job_variables(section: Section<'_>) -> JobVariables {
    let globs = |key| {
        Globs::new(&section.strings(key)?)
            .map_err(|problem| section.error(key, &problem))
            .ok()
    };
    let architectures = section.strings("CPUArchitectures").map(|names| {
        let parse = |name: String| {
            name.parse()
                .map_err(|expected| {
                    let problem = format!("has {name:?}, but each must be {expected}");
                    section.error("CPUArchitectures", &problem);
                })
                .ok()
        };
        names.into_iter().filter_map(parse).collect()
    });
    let variables = JobVariables {
        task_definitions: globs("TaskDefinitions"),
        platform_versions: globs("PlatformVersions"),
        max_cpu: section.amount("MaxCPU", str::parse),
        max_memory: section.amount("MaxMemory", str::parse),
        max_storage: section.amount("MaxEphemeralStorage", str::parse),
        task_roles: globs("TaskRoles"),
        capacity_providers: globs("CapacityProviders"),
        architectures,
    };
    section.finish();
    variables
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
