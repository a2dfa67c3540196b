//! `[[Warm.Pool]]`: tasks of one kind that wait for jobs, described as jobs describe them.

use std::collections::BTreeMap;

use super::fargate::of_region;
use super::image_name::image;
use super::schedule::Schedule;
use super::section::{Item, Section};
use super::size::{Architecture, Cpu, Memory};
use super::values::{self, TaskDefinitionName};

/// Most tasks of all pools, and of one: each costs money while it waits.
const MOST_TASKS: usize = 1000;

/// Keys of a pool that JobImage mode alone has.
const OF_IMAGES: [&str; 5] = [
    "Services",
    "Variables",
    "Entrypoint",
    "User",
    "CPUArchitecture",
];

/// What pools consist of, by the mode of the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum PoolsOf<'a> {
    /// The operator's task definitions. `None` where the file's own one is wrong.
    Definitions(Option<&'a TaskDefinitionName>),
    /// Images of jobs.
    Images,
}

/// Tasks of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) kind: PoolKind,
    /// `FARGATE_CPU` of its jobs; so for the three below. `None` where they set none.
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    pub(crate) task_role: Option<String>,
    pub(crate) capacity_provider: Option<String>,
    /// How many wait while `schedule` is open.
    pub(crate) tasks: usize,
    pub(crate) schedule: Schedule,
}

/// What runs in a pool's tasks.
#[derive(Debug, Clone)]
pub(crate) enum PoolKind {
    /// The operator's task definition.
    Definition(TaskDefinitionName),
    /// The image of jobs, with their services.
    Image(Box<PoolImage>),
}

/// The image and the services of a pool's jobs, as their `.gitlab-ci.yml` names them.
#[derive(Debug, Clone)]
pub(crate) struct PoolImage {
    pub(crate) image: PoolContainer,
    pub(crate) services: Vec<PoolContainer>,
    /// The jobs' own variables in the `.gitlab-ci.yml`, as services get them.
    pub(crate) variables: BTreeMap<String, String>,
    /// `FARGATE_CPU_ARCHITECTURE`.
    pub(crate) architecture: Option<Architecture>,
}

/// `image:` or a service of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PoolContainer {
    pub(crate) name: String,
    /// Further names of a service.
    pub(crate) alias: Option<String>,
    pub(crate) entrypoint: Option<Vec<String>>,
    /// The command of a service.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) user: Option<String>,
    /// A service's own variables.
    pub(crate) variables: BTreeMap<String, String>,
}

impl PoolContainer {
    /// One that is as its image has it.
    fn named(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

impl Pool {
    /// Its name for people: what its jobs name.
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            PoolKind::Definition(definition) => definition.to_string(),
            PoolKind::Image(of) => of.image.name.clone(),
        }
    }
}

/// Reads a pool.
pub(super) fn read(
    section: Section<'_>,
    region: Option<&str>,
    pools_of: PoolsOf<'_>,
) -> Option<Pool> {
    let kind = match pools_of {
        PoolsOf::Definitions(usual) => {
            definition(&section, region, usual).map(PoolKind::Definition)
        }
        PoolsOf::Images => of_image(&section).map(|image| PoolKind::Image(Box::new(image))),
    };
    let cpu = section.amount("CPU", str::parse);
    let memory = section.amount("Memory", str::parse);
    let task_role = section.parsed("TaskRole", values::role);
    let capacity_provider = section.parsed("CapacityProvider", values::capacity_provider);
    let tasks = section.required("Tasks", count(&section, "Tasks"), "how many tasks wait");
    let schedule = schedule(&section);
    section.finish();
    Some(Pool {
        kind: kind?,
        cpu,
        memory,
        task_role,
        capacity_provider,
        tasks: tasks?,
        schedule,
    })
}

/// The task definition of a pool, or that of all jobs.
fn definition(
    section: &Section<'_>,
    region: Option<&str>,
    usual: Option<&TaskDefinitionName>,
) -> Option<TaskDefinitionName> {
    for key in OF_IMAGES {
        if section.has(key) {
            section.warn(
                key,
                "has no effect: jobs run in the operator's task definition",
            );
        }
    }
    if section.has("Image") {
        section.error(
            "Image",
            "needs [JobImage] Enabled = true; jobs run in a TaskDefinition here",
        );
        return None;
    }
    let named: Option<TaskDefinitionName> = section.parsed("TaskDefinition", str::parse);
    if let (Some(name), Some(region)) = (&named, region) {
        of_region(section, "TaskDefinition", Some(&name.to_string()), region);
    }
    named.or_else(|| usual.filter(|_| !section.has("TaskDefinition")).cloned())
}

/// The image and the services of a pool.
fn of_image(section: &Section<'_>) -> Option<PoolImage> {
    if section.has("TaskDefinition") {
        section.error(
            "TaskDefinition",
            "is not for JobImage mode, in which jobs name an Image",
        );
    }
    let name = section.required(
        "Image",
        section.parsed("Image", image),
        "the image of its jobs",
    );
    let variables = variables(section);
    let services = section.items("Services").into_iter();
    let services = services.filter_map(|item| match item {
        Item::Text(name) => image(&name)
            .map_err(|expected| {
                section.error(
                    "Services",
                    &format!("has {name:?}, but each must be {expected}"),
                );
            })
            .map(PoolContainer::named)
            .ok(),
        Item::Table(table) => service(table),
    });
    Some(PoolImage {
        services: services.collect(),
        variables,
        architecture: section.parsed("CPUArchitecture", str::parse),
        image: PoolContainer {
            entrypoint: section.words("Entrypoint"),
            user: user(section),
            ..PoolContainer::named(name?)
        },
    })
}

/// A service with more than a name.
fn service(section: Section<'_>) -> Option<PoolContainer> {
    let name = section.required("Name", section.parsed("Name", image), "the service's image");
    let service = PoolContainer {
        name: String::new(),
        alias: section.text("Alias"),
        entrypoint: section.words("Entrypoint"),
        command: section.words("Command"),
        user: user(&section),
        variables: variables(&section),
    };
    section.finish();
    Some(PoolContainer {
        name: name?,
        ..service
    })
}

/// A user's name or number.
fn user(section: &Section<'_>) -> Option<String> {
    section.amount("User", |text| Ok(text.to_owned()))
}

fn variables(section: &Section<'_>) -> BTreeMap<String, String> {
    section.table("Variables").entries().into_iter().collect()
}

/// `Schedule`, a string or a list of them.
fn schedule(section: &Section<'_>) -> Schedule {
    const KEY: &str = "Schedule";
    let parse = |text: &str| {
        Schedule::parse(text)
            .map_err(|expected| section.error(KEY, &format!("is {text:?}, but must be {expected}")))
            .ok()
    };
    let texts = match section.is_list(KEY) {
        true => section.strings(KEY).unwrap_or_default(),
        false => match section.string(KEY) {
            None => return Schedule::default(),
            Some(text) => vec![text],
        },
    };
    if texts.iter().all(|text| text.trim().is_empty()) {
        // Without windows it would be open at all times, which costs the most.
        section.error(
            KEY,
            "has no hours; remove it for a pool that waits at all times",
        );
        return Schedule::default();
    }
    Schedule::together(texts.iter().filter_map(|text| parse(text)).collect())
}

/// A number of tasks.
pub(super) fn count(section: &Section<'_>, key: &'static str) -> Option<usize> {
    let given = section.integer(key)?;
    let count = usize::try_from(given)
        .ok()
        .filter(|count| *count <= MOST_TASKS);
    if count.is_none() {
        section.error(key, &format!("is {given}, but must be 0 to {MOST_TASKS}"));
    }
    count
}
