//! The options of `fargate init`.

use std::path::PathBuf;

use clap::Args;

/// The examples of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  fargate init                                     ask for everything that is missing
  fargate init --stack ci --url https://gitlab.example.com --token-file token
  fargate init --region eu-west-1 --cluster ci --subnet subnet-1,subnet-2 --security-group sg-1 \\
    --task-definition jobs --url https://gitlab.example.com";

/// `fargate init`
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Take what this CloudFormation stack made: its outputs. Other options win over them
    #[arg(long, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// The Region of the tasks [default: $AWS_REGION]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The ECS cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Subnets of the tasks, separated by commas; may be repeated
    #[arg(long = "subnet", value_name = "ID", value_delimiter = ',')]
    pub(crate) subnets: Vec<String>,
    /// Security groups of the tasks, separated by commas; may be repeated
    #[arg(long = "security-group", value_name = "ID", value_delimiter = ',')]
    pub(crate) security_groups: Vec<String>,
    /// Give tasks public addresses, their way out of a subnet with an internet gateway
    #[arg(long)]
    pub(crate) public_ip: bool,
    /// Connect to these addresses: this manager is outside of the tasks' network
    #[arg(long, requires = "public_ip")]
    pub(crate) use_public_ip: bool,
    /// Jobs run in the container of this task definition
    #[arg(long, value_name = "NAME", conflicts_with = "job_image")]
    pub(crate) task_definition: Option<String>,
    /// Jobs run in their own images
    #[arg(long)]
    pub(crate) job_image: bool,
    #[command(flatten)]
    pub(crate) images: Images,
    /// The manager's name, by which a new folder finds the tasks of a lost one
    #[arg(long, value_name = "NAME")]
    pub(crate) manager_name: Option<String>,
    /// The folder of the records of running jobs
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/opt/gitlab-runner/metadata"
    )]
    pub(crate) metadata_dir: PathBuf,
    /// The address of GitLab
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The file with the runner's token (glrt-…)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The runner's name in config.toml
    #[arg(long, value_name = "NAME", default_value = "fargate")]
    pub(crate) name: String,
    /// The most jobs at once
    #[arg(long, value_name = "JOBS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) concurrent: u32,
    /// GitLab Runner's configuration [default: /etc/gitlab-runner/config.toml, or ~/.gitlab-runner/config.toml
    /// for users other than root]
    #[arg(long, value_name = "FILE")]
    pub(crate) runner_config: Option<PathBuf>,
    /// Replace files that exist; a config.toml is added to, and never replaced
    #[arg(long)]
    pub(crate) force: bool,
}

/// What tasks need where jobs bring their own images.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of --job-image")]
pub(crate) struct Images {
    /// The agent's image, as `fargate agent push` pushed it
    #[arg(long, value_name = "IMAGE")]
    pub(crate) agent_image: Option<String>,
    /// The image for git, cache and artifacts [default: GitLab's, of this machine's GitLab Runner]
    #[arg(long, value_name = "IMAGE")]
    pub(crate) helper_image: Option<String>,
    /// The image of jobs that name none
    #[arg(long, value_name = "IMAGE")]
    pub(crate) default_image: Option<String>,
    /// The role by which ECS pulls images
    #[arg(long, value_name = "ARN")]
    pub(crate) execution_role: Option<String>,
    /// The role of the jobs' own processes
    #[arg(long, value_name = "ARN")]
    pub(crate) task_role: Option<String>,
    /// The log group of the containers' output
    #[arg(long, value_name = "NAME")]
    pub(crate) log_group: Option<String>,
    /// The host of the registry whose login is in --registry-secret [default: registry.gitlab.com with gitlab.com]
    #[arg(long, value_name = "HOST")]
    pub(crate) registry: Option<String>,
    /// The secret with that login
    #[arg(long, value_name = "ARN")]
    pub(crate) registry_secret: Option<String>,
}
