//! The options of `fargate try`, `fargate local serve` and the hidden `fargate agent serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `fargate try`
#[derive(Debug, Args)]
pub(crate) struct Try {
    /// The job [default: the only one of the file]
    pub(crate) job: Option<String>,
    /// The file of the job; its folder is the job's project
    #[arg(long, value_name = "FILE", default_value = ".gitlab-ci.yml")]
    pub(crate) file: PathBuf,
    /// List the jobs as GitLab would have them, and run nothing
    #[arg(long, conflicts_with_all = ["job", "keep", "image"])]
    pub(crate) list: bool,
    /// Run the jobs that the job waits for first, and give it their artifacts
    #[arg(long, requires = "job", conflicts_with_all = ["list", "keep"])]
    pub(crate) needs: bool,
    /// Run all jobs of the pipeline, in the order of their stages
    #[arg(long, conflicts_with_all = ["job", "list", "keep"])]
    pub(crate) all: bool,
    /// The folder that has included files of other places: PROJECT/FILE, HOST/PATH, templates/NAME, and of a
    /// component PROJECT/templates/NAME.yml
    #[arg(long, value_name = "DIR")]
    pub(crate) include_dir: Option<PathBuf>,
    /// Use this image in place of the job's
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Set a variable of the job, over the file's; may be repeated
    #[arg(long = "variable", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) variables: Vec<(String, String)>,
    /// Give the job a clone of the folder's repository, with its history, in place of the files as they are
    #[arg(long)]
    pub(crate) git: bool,
    /// The folder in which caches of jobs wait for the next trial [default: $XDG_CACHE_HOME/fargate/try-cache]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The folder of builds in tasks, as builds_dir of a runner [default: /builds; without --config a
    /// temporary folder]
    #[arg(long, value_name = "DIR", value_parser = absolute)]
    pub(crate) builds_dir: Option<String>,
    /// Leave the task running, and show how to use and stop it
    #[arg(long)]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) containers: Containers,
}

/// The options of a trial in containers.
#[derive(Debug, Args)]
pub(crate) struct Containers {
    /// Run the job's own image and its services, in containers of this machine's Docker or Podman
    #[arg(long = "containers", conflicts_with = "builds_dir")]
    pub(crate) wanted: bool,
    /// With --containers: the image that unpacks the job's files, with a shell, tar and base64 [default:
    /// GitLab's own helper]
    #[arg(long, value_name = "IMAGE", requires = "wanted")]
    pub(crate) helper_image: Option<String>,
    /// With --containers: the static program fargate-agent [default: the one beside this program]
    #[arg(long, value_name = "FILE", requires = "wanted")]
    pub(crate) agent: Option<PathBuf>,
}

fn absolute(text: &str) -> Result<String, &'static str> {
    match text.starts_with('/') {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("it does not start with `/`"),
    }
}

fn key_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The commands of the stand-in.
#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Answer calls of ECS, EC2, CloudWatch Logs, STS, IAM, ECR and other services, with real tasks
    /// behind them
    #[command(after_help = "Example:\n  fargate local serve --access-key --latency 1")]
    Serve(Serve),
}

/// `fargate local serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; whoever can reach it can run programs here
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    /// The kind of the tasks' containers
    #[arg(long, value_enum, default_value_t = Backend::Process)]
    pub(crate) backend: Backend,
    /// Inject the faults that this JSON document lists
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Show the resources of this JSON document, and deny what it lists, in place of those of a right set-up
    #[arg(long, value_name = "FILE")]
    pub(crate) resources: Option<PathBuf>,
    /// Scale of AWS's usual waiting times: 0 for none, 1 for AWS's own
    #[arg(long, value_name = "FACTOR", default_value_t = 0.0)]
    pub(crate) latency: f64,
    /// Make a random access key, print it, and answer only what it signs
    #[arg(long)]
    pub(crate) access_key: bool,
    /// Apply AWS's published rate limits
    #[arg(long)]
    pub(crate) throttle: bool,
    /// Start each container when its own image is there, as with images that are loaded lazily (SOCI)
    #[arg(long)]
    pub(crate) lazy_pulls: bool,
}

/// The kind of containers of the stand-in's tasks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Backend {
    /// Processes of this machine
    Process,
    /// Containers of this machine's Docker or Podman, found as the docker command finds it (DOCKER_HOST)
    Container,
}

/// `fargate agent serve`
#[derive(Debug, Args)]
pub(crate) struct ServeAgent {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The SSH host key [default: a new one each time]
    #[arg(long, value_name = "FILE")]
    pub(crate) host_key: Option<PathBuf>,
    /// Run GitLab's own scripts: git, cache and artifacts
    #[arg(long)]
    pub(crate) helper: bool,
    /// Leave when standard input ends
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}
