//! A pool's start: what a job of the pool asks for, without a job.

use serde_json::{Value, json};

use crate::config::{Pool, PoolContainer, PoolKind};
use crate::error::{Error, Result};
use crate::gitlab::{JobOverrides, JobPayload};

/// The variables by which a job of this pool changes its task.
pub(super) fn overrides(pool: &Pool) -> JobOverrides {
    let (definition, architecture) = match &pool.kind {
        PoolKind::Definition(definition) => (Some(definition.to_string()), None),
        PoolKind::Image(of) => (None, of.architecture),
    };
    JobOverrides {
        task_definition: definition,
        cpu: pool.cpu.map(|cpu| cpu.0.to_string()),
        memory: pool.memory.map(|memory| memory.0.to_string()),
        task_role: pool.task_role.clone(),
        capacity_provider: pool.capacity_provider.clone(),
        architecture: architecture.map(|architecture| architecture.to_string()),
        ..JobOverrides::default()
    }
}

/// The payload of a job of this pool.
///
/// # Errors
///
/// Never, as long as GitLab's form and ours agree.
pub(super) fn payload(pool: &Pool) -> Result<JobPayload> {
    let content = match &pool.kind {
        PoolKind::Definition(_) => json!({}),
        PoolKind::Image(of) => json!({
            "image": container(&of.image),
            "services": of.services.iter().map(container).collect::<Vec<_>>(),
            "variables": variables(&of.variables),
        }),
    };
    serde_json::from_value(content)
        .map_err(|error| Error::system(format!("the pool {} is no job: {error}", pool.name())))
}

fn container(container: &PoolContainer) -> Value {
    json!({
        "name": container.name,
        "alias": container.alias,
        "entrypoint": container.entrypoint,
        "command": container.command,
        "variables": variables(&container.variables),
        "executor_opts": { "docker": { "user": container.user } },
    })
}

/// Variables as GitLab sends those of the `.gitlab-ci.yml`.
fn variables<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    let variable = |(key, value)| json!({ "key": key, "value": value, "public": true });
    variables.into_iter().map(variable).collect()
}
