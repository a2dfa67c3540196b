//! One container of a task: an actor that pulls its image, waits for its dependencies, runs it and reports events.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::dependency::{ContainerPhase, Dependency};
use super::events::{ContainerEnd, ContainerEvent, EventKind};
use super::health::{self, CheckTarget};
use super::pulls::Pulls;
use super::spec::ContainerSpec;
use super::task_memory::TaskMemory;
use crate::container_output::ContainerOutput;
use crate::engine::{EngineContainer, Image, Sandbox};
use crate::faults::{InjectedExit, OUT_OF_MEMORY, PortFaults};
use crate::ids;
use crate::latency::Pace;
use crate::process::{self, ContainerProcess, Descendants};

/// The time between SIGTERM and SIGKILL when the stand-in ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The variable by which the processes of a container are found, also those that lost their parents.
const CONTAINER_VARIABLE: &str = "ECS_LOCAL_CONTAINER";

/// The exit code after a SIGKILL.
const KILLED: i32 = 128 + 9;

/// The exit code after a SIGTERM.
const TERMINATED: i32 = 128 + 15;

/// Why a container whose image would have its program does not start as a process.
const NO_IMAGE: &str = ". This stand-in runs containers as processes of this machine, without the files of their images; \
    real containers have them (--backend container)";

/// The place where a task's containers run.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) task_id: String,
    pub(super) address: IpAddr,
    pub(super) hostname: String,
    /// The sandbox of real containers. Without one, containers are processes of this machine.
    pub(super) sandbox: Option<Arc<Sandbox>>,
    pub(super) pulls: Pulls,
    pub(super) memory: TaskMemory,
    pub(super) pace: Pace,
}

/// The actor of one container.
pub(super) struct ContainerActor {
    /// The position of the container.
    pub(super) at: usize,
    pub(super) spec: ContainerSpec,
    pub(super) phase: watch::Sender<ContainerPhase>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) output: ContainerOutput,
    /// The end that a late fault causes.
    pub(super) injected_exit: Option<watch::Receiver<Option<InjectedExit>>>,
    pub(super) site: Site,
    pub(super) report: mpsc::UnboundedSender<ContainerEvent>,
}

/// A started container.
enum RunningContainer {
    Process(Box<ContainerProcess>),
    Engine(Box<EngineContainer>),
    /// A process without a command, which does nothing until it is stopped.
    Idle,
}

impl ContainerActor {
    /// Runs the container to its end.
    pub(super) async fn run(self, dependencies: Vec<Dependency>) {
        let end = self.live(dependencies).await;
        let exit_code = end.exit_code.filter(|_| !end.is_unresolved);
        self.phase.send_replace(ContainerPhase::Ended(exit_code));
        self.report(EventKind::Ended(end));
    }

    fn report(&self, kind: EventKind) {
        let event = ContainerEvent {
            container: self.at,
            kind,
        };
        // The receiver is gone only when the whole task is.
        self.report.send(event).unwrap_or_default();
    }

    async fn live(&self, dependencies: Vec<Dependency>) -> ContainerEnd {
        let image = tokio::select! {
            biased;
            () = self.stop_requested() => return ContainerEnd::default(),
            ready = self.prepare(dependencies) => match ready {
                Ok(image) => image,
                Err(end) => return end,
            }
        };
        let mut proxy = JoinSet::new();
        let delay = self.spec.faults.listen_delay;
        if !delay.is_zero() {
            // The container counts as started, while its program starts later.
            self.started();
            tokio::select! {
                () = self.stop_requested() => return ContainerEnd::exited(TERMINATED),
                () = tokio::time::sleep(delay) => {}
            }
        }
        let running = match (&self.site.sandbox, &image) {
            (Some(sandbox), Some(image)) => self.start_in_engine(sandbox, image).await,
            _ => self.start_process(&mut proxy).map_err(|error| {
                let program = self.spec.command.first().map_or("", String::as_str);
                let hint = match error.kind() {
                    std::io::ErrorKind::NotFound => NO_IMAGE,
                    _ => "",
                };
                format!("CannotStartContainerError: failed to start {program}: {error}{hint}")
            }),
        };
        let running = match running {
            Ok(running) => running,
            Err(reason) => return ContainerEnd::never_started(reason),
        };
        if delay.is_zero() {
            self.started();
        }
        let end = self.watch(running).await;
        self.site.memory.ended(self.at);
        Descendants::with_variable(CONTAINER_VARIABLE, &self.variable()).kill();
        end
    }

    fn started(&self) {
        self.phase.send_replace(ContainerPhase::Started);
        self.report(EventKind::Started);
    }

    async fn stop_requested(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // The sender is gone: the actor is being dropped.
            std::future::pending::<()>().await;
        }
    }

    /// Pulls the image of a real container, and waits for the other images and for the dependencies.
    async fn prepare(&self, dependencies: Vec<Dependency>) -> Result<Option<Image>, ContainerEnd> {
        let delay = self.spec.faults.pull_delay;
        tokio::time::sleep(delay).await;
        let image = match &self.site.sandbox {
            Some(sandbox) => {
                let pulled = sandbox.engine().provide(&self.spec.image).await;
                Some(pulled.map_err(ContainerEnd::never_started)?)
            }
            None => None,
        };
        if let Some(image) = &image {
            self.report(EventKind::Pulled(image.digest.clone()));
        } else if !delay.is_zero() {
            self.report(EventKind::Pulled(ids::image_digest()));
        }
        self.site.pulls.pulled().await;
        for dependency in dependencies {
            let met = dependency.wait(&self.spec).await;
            met.map_err(ContainerEnd::unresolved)?;
        }
        tokio::time::sleep(self.spec.faults.start_delay).await;
        Ok(image)
    }

    async fn start_in_engine(
        &self,
        sandbox: &Sandbox,
        image: &Image,
    ) -> Result<RunningContainer, String> {
        if self.spec.faults.port != PortFaults::default() {
            return Err(
                "CannotStartContainerError: a fault of a port is possible only where containers are processes"
                    .into(),
            );
        }
        let (settings, environment) = (&self.spec.settings, self.environment());
        let container = sandbox
            .start(
                settings,
                image,
                &environment,
                &self.output,
                self.spec.faults.own_hosts,
            )
            .await?;
        Ok(RunningContainer::Engine(Box::new(container)))
    }

    /// Starts the container's process, and in `proxy` the proxy of its port if it has faults.
    fn start_process(&self, proxy: &mut JoinSet<()>) -> std::io::Result<RunningContainer> {
        let spec = &self.spec;
        if spec.faults.own_hosts {
            let message = "the fault own_hosts is possible only with real containers";
            return Err(std::io::Error::other(message));
        }
        if spec.command.is_empty() {
            return Ok(RunningContainer::Idle);
        }
        let address = self.site.address;
        let mut port = spec.port;
        if spec.faults.port != PortFaults::default() && port != 0 {
            port = free_port(address)?;
            let (listen, target) = (
                SocketAddr::from((address, spec.port)),
                SocketAddr::from((address, port)),
            );
            proxy.spawn(process::serve_port(
                listen,
                target,
                spec.faults.port.clone(),
            ));
        }
        let fill = |word: &String| {
            word.replace("{address}", &in_url(address))
                .replace("{port}", &port.to_string())
        };
        let command: Vec<String> = spec.command.iter().map(fill).collect();
        let process = process::spawn(&command, &self.environment(), &self.output)?;
        Ok(RunningContainer::Process(Box::new(process)))
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.spec.environment.clone();
        environment
            .entry("HOSTNAME".into())
            .or_insert_with(|| self.site.hostname.clone());
        environment.insert(CONTAINER_VARIABLE.into(), self.variable());
        environment
    }

    /// The value of [`CONTAINER_VARIABLE`].
    fn variable(&self) -> String {
        format!("{}/{}", self.site.task_id, self.spec.name)
    }

    /// Waits for the container's end: its own, a stop, or a fault.
    async fn watch(&self, mut running: RunningContainer) -> ContainerEnd {
        let target = match &running {
            RunningContainer::Engine(container) => CheckTarget::Container(container.exec()),
            RunningContainer::Process(_) | RunningContainer::Idle => {
                CheckTarget::Process(self.environment())
            }
        };
        let asking = match &running {
            RunningContainer::Engine(container) => Some(container.memory()),
            RunningContainer::Process(_) | RunningContainer::Idle => None,
        };
        // Beside everything else: an engine may be slow to answer.
        let memory_exceeded = async {
            let memory = match asking {
                Some(asking) => asking.await,
                None => None,
            };
            self.site.memory.exceeded_by(self.at, memory).await;
        };
        tokio::select! {
            // A fault that is due wins over a command that has ended already.
            biased;
            InjectedExit { code, reason, .. } = self.fault() => {
                running.stop(std::future::ready(())).await;
                ContainerEnd { reason, ..ContainerEnd::exited(code) }
            }
            end = running.wait() => end,
            () = self.stop_requested() => ContainerEnd::exited(running.stop(self.stop_timeout()).await),
            () = memory_exceeded => {
                running.stop(std::future::ready(())).await;
                ContainerEnd { reason: Some(OUT_OF_MEMORY.to_owned()), ..ContainerEnd::exited(KILLED) }
            }
            () = self.check_health(&target) => ContainerEnd::default(),
        }
    }

    /// Runs the health check forever.
    async fn check_health(&self, target: &CheckTarget) {
        if let Some(check) = &self.spec.health_check {
            health::watch(check, target, |status| {
                if status == "HEALTHY" {
                    self.phase.send_replace(ContainerPhase::Healthy);
                }
                self.report(EventKind::Health(status));
            })
            .await;
        }
        std::future::pending::<()>().await;
    }

    /// Returns when a fault ends the container: one of the fault document, or a late one.
    async fn fault(&self) -> InjectedExit {
        let planned = async {
            match &self.spec.faults.exit {
                Some(exit) => {
                    if !exit.after.is_zero() {
                        tokio::time::sleep(exit.after).await;
                    }
                    exit.clone()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            exit = planned => exit,
            exit = self.late_fault() => exit,
        }
    }

    async fn late_fault(&self) -> InjectedExit {
        if let Some(mut injected) = self.injected_exit.clone()
            && let Ok(exit) = injected.wait_for(Option::is_some).await
            && let Some(exit) = exit.clone()
        {
            return exit;
        }
        std::future::pending().await
    }

    /// The stop timeout, or less when the stand-in ends.
    async fn stop_timeout(&self) {
        let ending = async {
            self.site.pace.shutdown().await;
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(self.spec.stop_timeout)) => {}
            () = ending => {}
        }
    }
}

impl RunningContainer {
    /// Waits for its end. Cancel-safe.
    async fn wait(&mut self) -> ContainerEnd {
        match self {
            Self::Process(process) => ContainerEnd::exited(process.wait().await),
            Self::Engine(container) => {
                let exit = container.wait().await;
                ContainerEnd {
                    reason: exit.out_of_memory.then(|| OUT_OF_MEMORY.to_owned()),
                    ..ContainerEnd::exited(exit.code)
                }
            }
            Self::Idle => std::future::pending().await,
        }
    }

    /// Asks it to end, and kills it when `patience` completes first.
    async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        match self {
            Self::Process(process) => process.stop(patience).await,
            Self::Engine(container) => container.stop(patience).await,
            Self::Idle => TERMINATED,
        }
    }
}

/// An address as it stands before a port.
fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A free port of an address.
fn free_port(address: IpAddr) -> std::io::Result<u16> {
    Ok(TcpListener::bind((address, 0))?.local_addr()?.port())
}
