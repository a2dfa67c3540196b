//! The names in the configuration and its task definition that AWS can be asked about.

use crate::aws::{Definition, ImageName};
use crate::config::{Config, Mode};

/// Names of resources, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Roles of tasks, by the key that names them.
    pub(super) roles: Vec<(&'static str, String)>,
    /// Images in ECR.
    pub(super) images: Vec<(String, ImageName)>,
    pub(super) log_groups: Vec<String>,
    /// ARNs of secrets for registries.
    pub(super) secrets: Vec<String>,
}

/// The keys of roles.
pub(in super::super) const EXECUTION: &str = "execution role";
const TASK: &str = "task role";

impl Names {
    pub(super) fn of(config: &Config, definition: Option<&Definition>) -> Self {
        let mut names = Self::default();
        match (&config.mode, definition) {
            (Mode::JobImage(image), _) => {
                names.role(EXECUTION, image.execution_role.as_deref());
                names.role(TASK, image.task_role.as_deref());
                let images = [Some(&image.agent_image), Some(&image.helper_image)];
                for image in images
                    .into_iter()
                    .chain([image.default_image.as_ref()])
                    .flatten()
                {
                    names.image(image);
                }
                names.log_groups.extend(image.log_group.clone());
                names
                    .secrets
                    .extend(image.registry_credentials.values().cloned());
            }
            (Mode::TaskDefinition(_), Some(definition)) => {
                names.role(EXECUTION, definition.execution_role.as_deref());
                names.role(TASK, definition.task_role.as_deref());
                for container in &definition.containers {
                    names.image(&container.image);
                    names.log_groups.extend(container.log_group.clone());
                    names.secrets.extend(container.registry_secret.clone());
                }
            }
            (Mode::TaskDefinition(_), None) => {}
        }
        for list in [&mut names.log_groups, &mut names.secrets] {
            list.sort_unstable();
            list.dedup();
        }
        names
    }

    fn role(&mut self, key: &'static str, arn: Option<&str>) {
        self.roles.extend(arn.map(|arn| (key, arn.to_owned())));
    }

    fn image(&mut self, image: &str) {
        let is_known = self.images.iter().any(|(known, _)| known == image);
        if let (false, Some(name)) = (is_known, ImageName::parse(image)) {
            self.images.push((image.to_owned(), name));
        }
    }
}
