//! The plan of a start, made before prepare calls AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, PUBLIC_KEY_VARIABLE};

use crate::error::Result;
use crate::gitlab::{debugs_services, job_timeout};
use crate::output::say;
use crate::ssh::KeyPair;
use crate::start::request::{TaskRequest, TaskSource};
use crate::state::clock;
use crate::task::definition::{ComposedTask, ContainerEnvironment};

/// Time that a task may outlive its job's timeout: the runner stops scripts gracefully, and runs some more.
const AFTER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The plan of a start.
pub(crate) struct StartPlan {
    /// The task definition's name, or the job's image and services.
    pub(crate) title: String,
    /// The job's own task; `None` when the operator's task definition runs.
    pub(crate) composed: Option<ComposedTask>,
    pub(crate) environments: Vec<ContainerEnvironment>,
    /// Time from now by which the job is over.
    pub(crate) lifetime: Duration,
    /// Whether the job asks for its services' output and there is no log to show it from.
    pub(crate) hides_output: bool,
}

impl StartPlan {
    pub(crate) fn new(
        request: &TaskRequest<'_>,
        key: &KeyPair,
        start_timeout: Duration,
    ) -> Result<Self> {
        Self::within(request, key, start_timeout + job_timeout() + AFTER_TIMEOUT)
    }

    /// The plan of a start whose task is over after `lifetime`.
    pub(crate) fn within(
        request: &TaskRequest<'_>,
        key: &KeyPair,
        lifetime: Duration,
    ) -> Result<Self> {
        let public_key = key.public()?;
        let by_image = match &request.source {
            TaskSource::JobImage(by_image) => by_image,
            TaskSource::Definition(definition) => {
                return Ok(Self {
                    title: definition.to_string(),
                    composed: None,
                    lifetime,
                    hides_output: false,
                    environments: vec![ContainerEnvironment {
                        container: COORDINATOR_CONTAINER.to_owned(),
                        variables: BTreeMap::from([(PUBLIC_KEY_VARIABLE.to_owned(), public_key)]),
                    }],
                });
            }
        };
        let deadline = clock::now() + lifetime;
        let composed = by_image.compose(&public_key, deadline.as_secs())?;
        for note in &composed.notes {
            say(note);
        }
        let labels: Vec<_> = composed
            .services
            .iter()
            .map(|service| service.label.as_str())
            .collect();
        let title = match labels.as_slice() {
            [] => composed.image.clone(),
            labels => format!("{} with {}", composed.image, labels.join(", ")),
        };
        Ok(Self {
            title,
            lifetime,
            environments: composed.environments.clone(),
            hides_output: debugs_services()
                && !labels.is_empty()
                && by_image.settings.log_group.is_none(),
            composed: Some(composed),
        })
    }
}
