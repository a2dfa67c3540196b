//! The names that IAM policies need: from a configuration, and from AWS where it does not have them.

use std::time::Duration;

use tokio::time::timeout;

use super::policies::{Names, Policy};
use crate::aws::{Aws, ImageName};
use crate::config::{Config, Mode};

/// Bound of the calls together.
const BOUND: Duration = Duration::from_secs(5);

/// The policies that the mode needs.
pub(super) fn policies(config: &Config) -> Vec<Policy> {
    match config.mode {
        Mode::TaskDefinition(_) => vec![Policy::Manager, Policy::Doctor],
        Mode::JobImage(_) => vec![
            Policy::ManagerJobImage,
            Policy::Doctor,
            Policy::ExecutionRole,
            Policy::TasksTrust,
        ],
    }
}

/// What a policy does not have, for AWS did not show it.
pub(super) fn gap(config: &Config, names: &Names) -> Option<String> {
    let is_unknown =
        matches!(config.mode, Mode::TaskDefinition(_)) && names.execution_role.is_none();
    is_unknown.then(|| {
        "manager.json gives no role to tasks: AWS shows none in the task definition. If it has one, run init again with \
         --force once it is there."
            .to_owned()
    })
}

/// The names, or why there are none: without the account no policy can be written.
pub(super) async fn find(config: &Config, aws: &Aws) -> Result<Names, String> {
    let identity = timeout(BOUND, aws.identity()).await;
    let identity = identity.map_err(|_| "AWS did not answer in time".to_owned())?;
    let identity = identity.map_err(|refusal| refusal.to_string())?;
    let fargate = &config.fargate;
    let subnets = timeout(BOUND, aws.subnets(&fargate.subnets)).await;
    let subnets = subnets.ok().and_then(Result::ok).unwrap_or_default();
    let mut names = Names {
        partition: identity.partition().to_owned(),
        account: identity.account.clone(),
        region: fargate.region.clone(),
        cluster: fargate
            .cluster
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
        manager_role: identity.role_name().map(|name| identity.role(name)),
        vpc: subnets.first().map(|subnet| subnet.vpc_id.clone()),
        ..Names::default()
    };
    let repository = |image: &str| Some(ImageName::parse(image)?.repository_arn(&names.partition));
    match &config.mode {
        Mode::JobImage(image) => {
            let images = [
                Some(&image.agent_image),
                Some(&image.helper_image),
                image.default_image.as_ref(),
            ];
            names.repositories = images
                .into_iter()
                .flatten()
                .filter_map(|image| repository(image))
                .collect();
            names.execution_role = image.execution_role.clone();
            names.task_role = image.task_role.clone();
            names.log_group = image.log_group.clone();
            names.secrets = image.registry_credentials.values().cloned().collect();
        }
        Mode::TaskDefinition(name) => {
            let [_, family] = &name.other_names()[..] else {
                return Ok(names);
            };
            let found = timeout(BOUND, aws.definition(&name.to_string())).await;
            let found = found.ok().and_then(Result::ok).flatten();
            if let Some(found) = found {
                let images = found.containers.iter();
                names.repositories = images
                    .filter_map(|container| repository(&container.image))
                    .collect();
                names.execution_role = found.execution_role;
                names.task_role = found.task_role;
            }
            names.family = Some(family.clone());
        }
    }
    Ok(names)
}
