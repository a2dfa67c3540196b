//! `fargate manager`

use std::path::PathBuf;

use clap::{Args, Subcommand};

const PUSH_EXAMPLE: &str = "\
Example:
  fargate manager push 123456789012.dkr.ecr.eu-west-1.amazonaws.com/fargate-manager";

/// The manager's commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Manager {
    /// Be the first process of a container with GitLab Runner
    ///
    /// Writes config.toml and fargate.toml from FARGATE_MANAGER_* variables, pushes the agent's image, and starts
    /// gitlab-runner. docs/manager.md describes the variables.
    #[command(
        after_help = "Example, the entry point of the manager's image:\n  fargate manager run"
    )]
    Run,
    /// Exit with 0 when gitlab-runner answers
    #[command(
        after_help = "Example, the health check of the manager's image:\n  fargate manager health"
    )]
    Health,
    /// Write the manager's container image to a folder or a file
    #[command(after_help = "Example:\n  fargate manager image --output fargate-manager.tar")]
    Image {
        #[command(flatten)]
        content: Content,
        /// A folder for an OCI image layout, or a file that ends in .tar for a tar of one
        #[arg(long, value_name = "PATH")]
        output: PathBuf,
    },
    /// Push the manager's container image to a registry
    #[command(after_help = PUSH_EXAMPLE)]
    Push {
        #[command(flatten)]
        content: Content,
        /// Speak plain HTTP with the registry, as with those on this machine
        #[arg(long)]
        insecure: bool,
        /// Where to; the tag is this program's version unless given
        #[arg(value_name = "REPOSITORY[:TAG]")]
        destination: String,
    },
}

/// The parts of the manager's image.
#[derive(Debug, Args)]
pub(crate) struct Content {
    /// GitLab Runner's image, by tag or digest, from its registry
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = "gitlab/gitlab-runner:alpine-v19.4.0"
    )]
    pub(crate) base: String,
    /// A folder with the static programs fargate and fargate-agent; once for each architecture [default: this program]
    #[arg(long = "programs", value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
}
