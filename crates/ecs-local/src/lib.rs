//! A local stand-in for the parts of Amazon ECS, EC2, CloudWatch, CloudWatch Logs, STS, IAM, ECR, Service Quotas,
//! Secrets Manager and CloudFormation that a system uses which runs one Fargate task per job.
//!
//! Software that drives AWS has to be tested against AWS's failures, and AWS cannot fail on request. This server speaks
//! AWS's own protocols: Query for EC2, STS, IAM, CloudFormation and CloudWatch, JSON 1.1 for the others. It is as
//! strict as AWS about requests, and runs real tasks, so the program under test needs no change but an endpoint URL.
//! Faults are data, see [`Faults`].
//!
//! [`serve`] answers on one port for all services, and for its own paths below `/_local/`.
//!
//! The rooms, top to bottom. Imports go down only:
//!
//! | room | its subject |
//! |---|---|
//! | `lib` | the interface of the crate |
//! | `http` | requests and replies: AWS's calls, the task metadata endpoint, the paths below `/_local/` |
//! | `world` | the composition of all parts |
//! | `ecs`, `ec2`, `logs`, `sts`, `iam`, `records` | the operations of each service, and the state of ECS |
//! | `cloudformation`, `cloudwatch` | the outputs of stacks; the use of quotas |
//! | `tasks` | the life of a task, from its specification to its teardown |
//! | `engine`, `process` | the backends of containers: Docker or Podman, or processes of this machine |
//! | `container_output`, `log_groups`, `network` | the state that tasks share with EC2 and CloudWatch Logs |
//! | `options` | the options of a stand-in |
//! | `resources` | the resources that callers read and that have no effect on tasks |
//! | `faults`, `throttle`, `statistics`, `latency` | faults, rate limits, counts, times |
//! | `shapes`, `tags`, `timestamp`, `error`, `json`, `xml` | the data of AWS's protocols |
//! | `access_key`, `account`, `guarded`, `ids`, `procfs`, `service` | the base: keys, names, locks, `/proc` |

mod access_key;
mod account;
mod cloudformation;
mod cloudwatch;
mod container_output;
mod ec2;
mod ecs;
mod engine;
mod error;
mod faults;
mod guarded;
mod http;
mod iam;
mod ids;
mod json;
mod latency;
mod log_groups;
mod logs;
mod network;
mod options;
mod process;
mod procfs;
mod records;
mod resources;
mod service;
mod shapes;
mod statistics;
mod sts;
mod tags;
mod tasks;
mod throttle;
mod timestamp;
mod world;
mod xml;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

pub use access_key::AccessKey;
pub use account::{ACCOUNT, SECURITY_GROUP, SUBNET_A, SUBNET_B, VPC};
pub use faults::Faults;
pub use options::{Backend, Options, Program, SecurityGroup, Seed, Subnet};
pub use resources::Resources;

/// The time that open connections have after the shutdown. Clients may keep connections open for longer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers on `listener` until `shutdown` completes, then ends every task's processes or containers and returns.
///
/// It works on any tokio runtime with I/O, process and time drivers, also the current-thread one. Nothing outlives it:
/// processes that still run two seconds after their SIGTERM are killed, and containers and volumes are removed.
///
/// # Errors
///
/// When the options are invalid, the container engine does not answer, or the listener fails.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    StandIn::new(options).await?.serve(listener, shutdown).await
}

/// A stand-in that is ready to [serve](StandIn::serve).
#[derive(Debug)]
pub struct StandIn {
    world: Arc<world::World>,
}

impl StandIn {
    /// Checks the options, and connects to the container engine if the backend needs one.
    ///
    /// # Errors
    ///
    /// When the options are invalid, or the container engine does not answer.
    pub async fn new(options: Options) -> anyhow::Result<Self> {
        options.check()?;
        let engine = match &options.backend {
            Backend::Process { .. } => None,
            Backend::Container { socket } => {
                Some(Arc::new(engine::Engine::connect(socket.as_deref()).await?))
            }
        };
        Ok(Self {
            world: Arc::new(world::World::new(options, engine)),
        })
    }

    /// Makes an image of one program in the container engine. An existing image of this name stays unchanged, so the
    /// name should change with the program.
    ///
    /// # Errors
    ///
    /// When containers are processes, or the engine refuses the image.
    pub async fn make_image(&self, name: &str, path: &str, program: &[u8]) -> anyhow::Result<()> {
        let making = self.engine()?.import(name, path, program);
        making
            .await
            .map(drop)
            .with_context(|| format!("making the image {name}"))
    }

    /// Makes sure that the container engine has an image, as the start of a container does.
    ///
    /// # Errors
    ///
    /// When containers are processes, or the image is unavailable; then with ECS's message.
    pub async fn get_image(&self, name: &str) -> anyhow::Result<()> {
        let provided = self.engine()?.provide(name).await;
        provided.map(drop).map_err(anyhow::Error::msg)
    }

    fn engine(&self) -> anyhow::Result<&engine::Engine> {
        let engine = self.world.runtime.engine().map(Arc::as_ref);
        engine.context("containers are processes here, which have no images")
    }

    /// Answers on `listener` until `shutdown` completes, as [`serve`] does.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let runtime = self.world.runtime.clone();
        let ending = runtime.clone();
        let shutdown = async move {
            shutdown.await;
            ending.begin_shutdown();
        };
        let address = listener
            .local_addr()
            .context("reading the address of the listener")?;
        runtime.listens_at(address);
        let mut router =
            http::router(self.world).layer(axum::middleware::from_fn(http::refuse_pages));
        if address.ip().is_loopback() {
            router = router.layer(axum::middleware::from_fn(http::refuse_names));
        }
        let service = router.into_make_service_with_connect_info::<http::ConnectionReset>();
        let listener = http::ResettableListener(listener);
        let server = axum::serve(listener, service).with_graceful_shutdown(shutdown);
        let pace = runtime.pace();
        let timeout = async move {
            pace.shutdown().await;
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        };
        let served = tokio::select! {
            served = std::future::IntoFuture::into_future(server) => served.context("serving the local ECS endpoint"),
            () = timeout => Ok(()),
        };
        runtime.end_all_tasks().await;
        served
    }
}
