//! The services of a job while it runs: waits until they listen, and reports their ends (JobImage mode).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use crate::aws::Aws;
use crate::connect::job_container::target;
use crate::context::Context;
use crate::error::Result;
use crate::output::say;
use crate::ssh::{Connection, KeyPair};
use crate::state::record::{Login, Record};
use crate::task::JobContainer;

/// How long the services may take to listen, before the job goes on without (GitLab: wait_for_services_timeout).
const LIMIT: Duration = Duration::from_secs(30);

/// Time between looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Bound of the look at the services' ends: it must not hold up the job's end.
const INQUIRY: Duration = Duration::from_secs(10);

/// The warning for a job that asks for the output of services where none is kept.
pub(super) const NO_OUTPUT: &str = "CI_DEBUG_SERVICES has no effect: this runner keeps no output of services ([JobImage] LogGroup in fargate.toml)";

/// Ports that something listens on in the helper's network, which is the task's: state 0A in the kernel's tables. Needs
/// nothing but a shell, and leaves the services without half a connection to complain of.
const LISTENING: &str = "exec sh -c 'for table in /proc/net/tcp /proc/net/tcp6; do if [ -r $table ]; then \
    while read -r number local remote state rest; do if [ \"$state\" = 0A ]; then echo \"${local##*:}\"; fi; done <$table; fi; done'";

/// Waits until each service listens on its ports, or the time is over. The job goes on either way, as with the Docker
/// executor.
pub(super) async fn wait(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    build: &JobContainer,
) -> Result<()> {
    let mut missing: BTreeSet<u16> = build
        .services
        .iter()
        .flat_map(|service| service.ports.iter().copied())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let begun = Instant::now();
    let key = KeyPair::parse(&login.private_key)?;
    let target = target(context, login);

    let mut trouble = None;
    let waiting = async {
        let mut connection = None;
        let mut announced = false;
        while !missing.is_empty() {
            match listening(&mut connection, &target, &key).await {
                Ok(listening) => missing.retain(|port| !listening.contains(port)),
                Err(why) => trouble = Some(why),
            }
            if !missing.is_empty() {
                if !announced && begun.elapsed() > Duration::from_secs(1) {
                    say(&format!(
                        "Waiting for services: {}",
                        describe(build, &missing)
                    ));
                    announced = true;
                }
                sleep(PAUSE).await;
            }
        }
    };
    let in_time = context
        .shutdown
        .or(async { Ok(timeout(LIMIT, waiting).await.is_ok()) })
        .await?;
    if !in_time {
        let why = trouble.map_or_else(String::new, |why| format!(" ({why})"));
        say(&format!(
            "WARNING: nothing listens for {} after {} s{why}; the service probably did not start properly. The job goes on.",
            describe(build, &missing),
            LIMIT.as_secs()
        ));
        report(context, record, login, build).await;
    }
    Ok(())
}

async fn listening(
    connection: &mut Option<Connection>,
    target: &crate::ssh::Target,
    key: &KeyPair,
) -> Result<BTreeSet<u16>, String> {
    let open = match connection.take().filter(|connection| !connection.is_over()) {
        Some(open) => open,
        None => Connection::open(target, key)
            .await
            .map_err(|refusal| refusal.to_string())?,
    };
    let answer = open.ask(LISTENING).await?;
    *connection = Some(open);
    Ok(answer
        .lines()
        .filter_map(|line| u16::from_str_radix(line.trim(), 16).ok())
        .collect())
}

fn describe(build: &JobContainer, ports: &BTreeSet<u16>) -> String {
    let services = build.services.iter().filter_map(|service| {
        let own: Vec<_> = service
            .ports
            .iter()
            .filter(|port| ports.contains(port))
            .map(u16::to_string)
            .collect();
        (!own.is_empty()).then(|| format!("{} on port {}", service.label, own.join(", ")))
    });
    services.collect::<Vec<_>>().join("; ")
}

/// Reports services that have ended, and why. A failure of this report does not fail the job.
pub(super) async fn report(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    build: &JobContainer,
) {
    let Some(arn) = record.task().filter(|_| !build.services.is_empty()) else {
        return;
    };
    let fargate = &context.config.fargate;
    let asking = async {
        let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
        aws.describe_task(&record.cluster, arn).await
    };
    let both = async {
        tokio::join!(
            timeout(INQUIRY, asking),
            timeout(INQUIRY, ended_within(context, login))
        )
    };
    let (answer, within) = tokio::select! {
        both = both => both,
        _ = context.shutdown.requested() => return,
    };
    let within = within.unwrap_or_else(|_| Err("no answer".to_owned()));
    let within = within.unwrap_or_else(|why| {
        tracing::debug!("the task itself does not say what became of the services: {why}");
        BTreeMap::new()
    });
    let task = match answer {
        Ok(Ok(task)) => task,
        Err(_) => None,
        Ok(Err(refusal)) => {
            tracing::warn!("could not ask AWS about the services: {refusal}");
            None
        }
    };
    for service in &build.services {
        let name = service.container.as_str();
        let container = task.as_ref().and_then(|task| task.container(name));
        let code = container
            .and_then(|container| container.exit_code)
            .or_else(|| within.get(name).copied());
        let reason = container
            .and_then(|container| container.reason.as_deref())
            .map(str::trim);
        let end = match (code, reason) {
            (Some(code), Some(reason)) => format!("exited with status {code} ({reason})"),
            (Some(code), None) => format!("exited with status {code}"),
            (None, Some(reason)) => format!("did not start: {reason}"),
            (None, None) => continue,
        };
        let image = container
            .and_then(|container| container.image.as_deref())
            .unwrap_or("its image");
        say(&format!(
            "WARNING: service {} ({image}) {end}",
            service.label
        ));
    }
}

/// The part of ECS's task metadata that is read (ECS: task metadata endpoint, version 4).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default)]
    containers: Vec<ContainerMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerMetadata {
    name: String,
    exit_code: Option<i32>,
}

/// The exit codes of containers that have ended, as the task's metadata endpoint shows them to the helper.
/// ECS's API may show them half a minute later, after the job's end.
async fn ended_within(
    context: &Context<'_>,
    login: &Login,
) -> Result<BTreeMap<String, i32>, String> {
    let key = KeyPair::parse(&login.private_key).map_err(|error| error.to_string())?;
    let connection = Connection::open(&target(context, login), &key)
        .await
        .map_err(|refusal| refusal.to_string())?;
    let answer = connection.metadata().await?;
    let metadata: Metadata =
        serde_json::from_str(&answer).map_err(|error| format!("{error} in its answer"))?;
    let ended = metadata
        .containers
        .into_iter()
        .filter_map(|container| Some((container.name, container.exit_code?)));
    Ok(ended.collect())
}
