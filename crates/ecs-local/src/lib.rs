//! A local stand-in for the parts of Amazon ECS, EC2, CloudWatch Logs and STS that a system which runs one Fargate task per job uses.
//!
//! Software that drives AWS is only as good as its tests of what AWS does when things go wrong, and AWS cannot be
//! asked to run out of capacity. This server speaks AWS's own protocols (JSON 1.1 for ECS and CloudWatch Logs, Query for EC2 and STS), is
//! as strict as AWS about what it accepts, and runs real tasks behind them, so that the program under test needs no
//! seam: it is pointed here with an endpoint URL. What shall go wrong is data, see [`Faults`].
//!
//! [`serve`] answers on one port for all these services and for its own paths below `/_local/`, see `control`.

mod account;
mod auth;
mod connection;
mod control;
mod ec2;
mod ecs;
mod engine;
mod error;
mod fargate;
mod faults;
mod host;
mod http;
mod ids;
mod json;
mod latency;
mod logs;
mod metadata;
mod network;
mod options;
mod sts;
mod tags;
mod task;
mod throttle;
mod world;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

pub use faults::Faults;
pub use options::{
    Backend, Options, Program, SECURITY_GROUP, SUBNET_A, SUBNET_B, SecurityGroup, Seed, Subnet, VPC,
};

/// The account every resource belongs to.
pub const ACCOUNT: &str = "000000000000";

/// How long connections may take to finish after shutdown; a client that keeps one open shall not hold the server up.
const CLOSING: Duration = Duration::from_secs(1);

/// Answers on `listener` until `shutdown` completes, then ends every task's processes or containers and returns.
///
/// Works on any tokio runtime with I/O, process and time drivers, the current-thread one included. Nothing of it
/// survives: what still runs two seconds after its SIGTERM is killed, and containers and their volumes are removed.
///
/// # Errors
///
/// When the options contradict themselves, no container engine answers that should, or the listener fails.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    StandIn::new(options).await?.serve(listener, shutdown).await
}

/// A stand-in that is ready to [serve](StandIn::serve), for whoever wants to know before that it is.
#[derive(Debug)]
pub struct StandIn {
    world: Arc<world::World>,
}

impl StandIn {
    /// Checks the options, and connects to the container engine if tasks are to run there.
    ///
    /// # Errors
    ///
    /// When the options contradict themselves, or no container engine answers that should.
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

    /// Makes an image of one program in the container engine, for containers to come; its name should change with the
    /// program, since one that is there already is left as it is.
    ///
    /// # Errors
    ///
    /// When there is no container engine behind the tasks, or it does not take the image.
    pub async fn make_image(&self, name: &str, path: &str, program: &[u8]) -> anyhow::Result<()> {
        let making = self.engine()?.import(name, path, program);
        making
            .await
            .map(drop)
            .with_context(|| format!("making the image {name}"))
    }

    /// Gets an image for containers to come, as the start of a container does.
    ///
    /// # Errors
    ///
    /// When there is no container engine behind the tasks, or it cannot be had; with ECS's words for that.
    pub async fn get_image(&self, name: &str) -> anyhow::Result<()> {
        let provided = self.engine()?.provide(name).await;
        provided.map(drop).map_err(anyhow::Error::msg)
    }

    fn engine(&self) -> anyhow::Result<&engine::Engine> {
        let engine = self.world.engine.as_deref();
        engine.context("tasks are processes here, which have no images")
    }

    /// As [`serve`].
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let world = self.world;
        let ended = world.clone();
        let (closing, mut closed) = tokio::sync::watch::channel(false);
        let until = async move {
            shutdown.await;
            ended.begin_shutdown();
            closing.send_replace(true);
        };
        let address = listener.local_addr().context("asking where it listens")?;
        world.answers_at(address);
        let mut router = http::router(world.clone());
        if address.ip().is_loopback() {
            router = router.layer(axum::middleware::from_fn(host::refuse_names));
        }
        let service = router.into_make_service_with_connect_info::<connection::Cut>();
        let server = std::future::IntoFuture::into_future(
            axum::serve(connection::Connections(listener), service).with_graceful_shutdown(until),
        );
        let bound = async move {
            if closed.wait_for(|closed| *closed).await.is_err() {
                // The server ended by itself and dropped the sender: its own arm of the select reports that.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(CLOSING).await;
        };
        let served = tokio::select! {
            served = server => served.context("serving the local ECS endpoint"),
            () = bound => Ok(()),
        };
        world.end_all_tasks().await;
        served
    }
}
