//! `--containers`: the images that a job needs beside its own to run in containers of this machine.
//!
//! The agent's image is made here, so the user needs no registry for it. The helper is GitLab's, as on AWS, unless
//! another one is named; in a trial it only unpacks the job's files.

use ecs_local::StandIn;
use gitlab_local::RUNNER_VERSION;
use sha2::{Digest as _, Sha256};

use crate::cli;
use crate::error::{Error, Result};
use crate::images::agent;

/// The agent's path in its image, as in the driver's task definitions.
const AGENT: &str = "/fargate-agent";

/// The image of a job that names none.
const DEFAULT_IMAGE: &str = "debian:12";

/// The images beside the job's own.
#[derive(Debug)]
pub(super) struct ContainerSetup {
    agent: Vec<u8>,
    /// Named by its content, so an earlier trial's image of another agent is never used.
    agent_image: String,
    pub(super) helper_image: String,
}

impl ContainerSetup {
    /// Chooses the images.
    ///
    /// # Errors
    ///
    /// When no program can be the agent.
    pub(super) fn new(options: &cli::Containers) -> Result<Self> {
        let agent = agent::program(options.agent.as_deref())?;
        let digest = Sha256::digest(&agent);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let gitlabs = || {
            format!(
                "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:{}-v{RUNNER_VERSION}",
                machine().0
            )
        };
        Ok(Self {
            agent,
            agent_image: format!("fargate-local/agent:{digest}"),
            helper_image: options.helper_image.clone().unwrap_or_else(gitlabs),
        })
    }

    /// Puts the images into the container engine.
    ///
    /// # Errors
    ///
    /// When one cannot be made or pulled.
    pub(super) async fn provide(&self, standin: &StandIn) -> Result<()> {
        let made = standin.make_image(&self.agent_image, AGENT, &self.agent);
        made.await
            .map_err(|error| Error::system(format!("{error:#}")))?;
        standin.get_image(&self.helper_image).await.map_err(|error| {
            let message = format!("could not get the helper image {}: {error:#}", self.helper_image);
            Error::system(message).advise(
                "Name an image that this machine has or can pull with --helper-image; any with a shell, tar and base64 will do.",
            )
        })
    }

    /// The part of the driver's configuration that is about tasks.
    pub(super) fn configuration(&self) -> String {
        let Self {
            agent_image,
            helper_image,
            ..
        } = self;
        // A string of JSON is one of TOML.
        let helper_image = serde_json::Value::from(helper_image.as_str());
        format!(
            "\n[JobImage]\nEnabled = true\nAgentImage = \"{agent_image}\"\nHelperImage = {helper_image}\n\
             DefaultImage = \"{DEFAULT_IMAGE}\"\nCPUArchitecture = \"{}\"\n",
            machine().1
        )
    }
}

/// This machine's architecture, as in the tags of GitLab's helper and as AWS names it.
fn machine() -> (&'static str, &'static str) {
    if cfg!(target_arch = "aarch64") {
        ("arm64", "ARM64")
    } else {
        ("x86_64", "X86_64")
    }
}
