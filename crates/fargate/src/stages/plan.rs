//! What prepare is about to start, decided before anything is.

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, PUBLIC_KEY_VARIABLE};

use super::say;
use super::wanted::{Task, Wanted};
use crate::error::Result;
use crate::job_image::{Composed, Environment};
use crate::record;
use crate::runner::{debugs_services, job_timeout};
use crate::ssh::KeyPair;

/// How long after a job's own time its task may still be there: the runner stops scripts gracefully, and runs some more.
const AFTER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What is to be started, decided before anything is.
pub(super) struct Plan {
    /// The task definition's name, or the job's image and services.
    pub(super) title: String,
    /// Nothing when the operator's task definition runs.
    pub(super) composed: Option<Composed>,
    pub(super) environments: Vec<Environment>,
    /// When the job is over in any case, from now on.
    pub(super) lifetime: Duration,
    /// Whether somebody wants to see what the services print and cannot.
    pub(super) hides_output: bool,
}

impl Plan {
    pub(super) fn of(wanted: &Wanted<'_>, key: &KeyPair, start_timeout: Duration) -> Result<Self> {
        let public_key = key.public()?;
        let lifetime = start_timeout + job_timeout() + AFTER_TIMEOUT;
        let by_image = match &wanted.task {
            Task::JobImage(by_image) => by_image,
            Task::Definition(definition) => {
                return Ok(Self {
                    title: definition.to_string(),
                    composed: None,
                    lifetime,
                    hides_output: false,
                    environments: vec![Environment {
                        container: COORDINATOR_CONTAINER.to_owned(),
                        variables: BTreeMap::from([(PUBLIC_KEY_VARIABLE.to_owned(), public_key)]),
                    }],
                });
            }
        };
        let deadline = record::now() + lifetime;
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
