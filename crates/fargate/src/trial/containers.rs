//! `--containers`: what a job needs to be tried in its own image, in containers of this machine.
//!
//! Nothing of it comes from a registry of the user's: the agent's image is made on the spot. The helper is GitLab's,
//! as on AWS, unless another one is named; in a trial it only unpacks the job's files.

use ecs_local::StandIn;
use sha2::{Digest as _, Sha256};

use crate::cli;
use crate::error::{Error, Result};
use crate::images::agent;

use super::predefined::RUNNER_VERSION;

/// Where the agent is in its image, as the driver's task definitions have it.
const AGENT: &str = "/fargate-agent";

/// The image of a job that names none.
const DEFAULT_IMAGE: &str = "debian:12";

/// What there has to be beside the job's own images.
#[derive(Debug)]
pub(super) struct Containers {
    agent: Vec<u8>,
    /// Named after its content, so that an older one of an earlier trial is not taken for it.
    agent_image: String,
    pub(super) helper_image: String,
}

impl Containers {
    /// # Errors
    ///
    /// When there is no agent that can be used.
    pub(super) fn new(wanted: &cli::Containers) -> Result<Self> {
        let agent = agent::program(wanted.agent.as_deref())?;
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
            helper_image: wanted.helper_image.clone().unwrap_or_else(gitlabs),
        })
    }

    /// Puts the images into the container engine.
    ///
    /// # Errors
    ///
    /// When one cannot be made or had.
    pub(super) async fn provide(&self, standin: &StandIn) -> Result<()> {
        let made = standin.make_image(&self.agent_image, AGENT, &self.agent);
        made.await
            .map_err(|error| Error::system(format!("{error:#}")))?;
        standin.get_image(&self.helper_image).await.map_err(|error| {
            let message = format!("could not get the helper image {}: {error:#}", self.helper_image);
            Error::system(message).advise(
                "Name one that this machine has, or can pull, with --helper-image; any with a shell, tar and base64 will do.",
            )
        })
    }

    /// What the driver's configuration says of tasks.
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

/// This machine's architecture, as the tags of GitLab's helper and as AWS have it.
fn machine() -> (&'static str, &'static str) {
    if cfg!(target_arch = "aarch64") {
        ("arm64", "ARM64")
    } else {
        ("x86_64", "X86_64")
    }
}
