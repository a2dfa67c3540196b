//! The containers of a task, each run by its own small actor that waits for what it depends on, gets its image, runs it
//! and reports what happens.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::descendants::Descendants;
use super::output::Output;
use super::plan::{Condition, ContainerPlan, stop_order};
use super::process::{self, Process};
use super::{health, port};
use crate::engine::{self, Image, Sandbox};
use crate::faults::{Exit, OUT_OF_MEMORY, PortFaults};
use crate::ids;

/// How long a container has after SIGTERM when the whole stand-in ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// The variable that tells a container's processes from all others, also those that have lost their parents.
const MARK: &str = "ECS_LOCAL_CONTAINER";

/// What a container has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Started,
    Healthy,
    Ended(Option<i32>),
}

/// Something that happened to the container at a position.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) container: usize,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// Its image is there, with this digest. Said where containers get their images one by one.
    Pulled(String),
    Started,
    Health(&'static str),
    Ended(End),
}

/// How a container ended.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// None when it never ran.
    pub(super) exit_code: Option<i32>,
    pub(super) reason: Option<String>,
    /// It could not be started although it should have been.
    pub(super) failed_to_start: bool,
}

impl End {
    fn never_started(reason: String) -> Self {
        Self {
            reason: Some(reason),
            failed_to_start: true,
            ..Self::default()
        }
    }
}

/// Where a task's containers run.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) task_id: String,
    pub(super) address: Ipv4Addr,
    pub(super) hostname: String,
    /// What holds the containers, when they are real ones. Otherwise they are processes of this machine.
    pub(super) sandbox: Option<Arc<Sandbox>>,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// The running containers of a task. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Containers {
    events: mpsc::UnboundedReceiver<Event>,
    /// Those whose end has been seen.
    ended: Vec<usize>,
    stops: Vec<watch::Sender<bool>>,
    order: Vec<Vec<usize>>,
    actors: JoinSet<()>,
}

impl Containers {
    /// Starts all of them; what depends on others waits by itself.
    pub(super) fn start(
        plans: &[ContainerPlan],
        outputs: &[Output],
        struck: &[watch::Receiver<Option<Exit>>],
        site: &Site,
    ) -> Self {
        let (report, events) = mpsc::unbounded_channel();
        let phases: Vec<_> = plans
            .iter()
            .map(|_| watch::Sender::new(Phase::Waiting))
            .collect();
        let mut stops = Vec::with_capacity(plans.len());
        let mut actors = JoinSet::new();
        for (at, (plan, phase)) in plans.iter().zip(&phases).enumerate() {
            let (stop, stopped) = watch::channel(false);
            stops.push(stop);
            let dependencies = plan
                .depends_on
                .iter()
                .filter_map(|(on, condition)| {
                    let other = plans.get(*on)?;
                    Some(Dependency {
                        name: other.name.clone(),
                        condition: *condition,
                        timeout: other.start_timeout.map(Duration::from_secs),
                        phase: phases.get(*on)?.subscribe(),
                    })
                })
                .collect();
            let actor = Actor {
                at,
                plan: plan.clone(),
                phase: phase.clone(),
                stop: stopped,
                output: outputs.get(at).cloned().unwrap_or_default(),
                struck: struck.get(at).cloned(),
                site: site.clone(),
                report: report.clone(),
            };
            actors.spawn(actor.run(dependencies));
        }
        Self {
            events,
            ended: Vec::new(),
            stops,
            order: stop_order(plans),
            actors,
        }
    }

    /// What happens next; nothing when all have ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        if matches!(event.what, What::Ended(_)) {
            self.ended.push(event.container);
        }
        Some(event)
    }

    /// Stops them, dependants first, and calls `seen` for each event until all have ended.
    pub(super) async fn stop(mut self, mut seen: impl FnMut(Event)) {
        for level in std::mem::take(&mut self.order) {
            for at in &level {
                if let Some(stop) = self.stops.get(*at) {
                    stop.send_replace(true);
                }
            }
            while !level.iter().all(|at| self.ended.contains(at)) {
                // The channel closes when every actor is done, with or without having said so.
                let Some(event) = self.next().await else {
                    return;
                };
                seen(event);
            }
        }
        while self.actors.join_next().await.is_some() {}
    }
}

struct Dependency {
    name: String,
    condition: Condition,
    timeout: Option<Duration>,
    phase: watch::Receiver<Phase>,
}

struct Actor {
    at: usize,
    plan: ContainerPlan,
    phase: watch::Sender<Phase>,
    stop: watch::Receiver<bool>,
    output: Output,
    /// Says when a fault strikes it, beside those that it was planned with.
    struck: Option<watch::Receiver<Option<Exit>>>,
    site: Site,
    report: mpsc::UnboundedSender<Event>,
}

/// What runs in a container.
enum Running {
    Process(Box<Process>),
    Container(Box<engine::Container>),
    /// Nothing: it is there until it is stopped.
    Idle,
}

impl Actor {
    async fn run(self, dependencies: Vec<Dependency>) {
        let end = self.live(dependencies).await;
        self.phase.send_replace(Phase::Ended(end.exit_code));
        self.say(What::Ended(end));
    }

    fn say(&self, what: What) {
        // Whoever listened has gone only when the whole task has.
        self.report
            .send(Event {
                container: self.at,
                what,
            })
            .unwrap_or_default();
    }

    async fn live(&self, dependencies: Vec<Dependency>) -> End {
        let before = async {
            for dependency in dependencies {
                dependency.wait().await?;
            }
            let image = self.pull().await?;
            tokio::time::sleep(self.plan.faults.start_delay).await;
            Ok(image)
        };
        let image = tokio::select! {
            biased;
            () = self.told_to_stop() => return End::default(),
            ready = before => match ready {
                Ok(image) => image,
                Err(reason) => return End::never_started(reason),
            }
        };
        let mut guard = JoinSet::new();
        let delay = self.plan.faults.listen_delay;
        if !delay.is_zero() {
            // The container is there, what it runs takes its time.
            self.started();
            tokio::select! {
                () = self.told_to_stop() => return End { exit_code: Some(143), ..End::default() },
                () = tokio::time::sleep(delay) => {}
            }
        }
        let running = match (&self.site.sandbox, &image) {
            (Some(sandbox), Some(image)) => self.start(sandbox, image).await,
            _ => self.spawn(&mut guard).map_err(|error| {
                let program = self.plan.command.first().map_or("", String::as_str);
                format!("CannotStartContainerError: failed to start {program}: {error}")
            }),
        };
        let running = match running {
            Ok(running) => running,
            Err(reason) => return End::never_started(reason),
        };
        if delay.is_zero() {
            self.started();
        }
        let end = self.watch(running).await;
        Descendants::marked(MARK, &self.mark()).kill();
        end
    }

    fn started(&self) {
        self.phase.send_replace(Phase::Started);
        self.say(What::Started);
    }

    async fn told_to_stop(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left to say so: the actor is being dropped.
            std::future::pending::<()>().await;
        }
    }

    /// Returns when somebody lets a fault strike the container.
    async fn struck(&self) -> Exit {
        if let Some(mut struck) = self.struck.clone()
            && let Ok(exit) = struck.wait_for(Option::is_some).await
            && let Some(exit) = exit.clone()
        {
            return exit;
        }
        std::future::pending().await
    }

    /// Gets the image, if this is a real container.
    async fn pull(&self) -> Result<Option<Image>, String> {
        let delay = self.plan.faults.pull_delay;
        tokio::time::sleep(delay).await;
        let image = match &self.site.sandbox {
            Some(sandbox) => Some(sandbox.engine().provide(&self.plan.image).await?),
            None => None,
        };
        if let Some(image) = &image {
            self.say(What::Pulled(image.digest.clone()));
        } else if !delay.is_zero() {
            self.say(What::Pulled(ids::image_digest()));
        }
        Ok(image)
    }

    async fn start(&self, sandbox: &Sandbox, image: &Image) -> Result<Running, String> {
        let plan = &self.plan;
        if plan.faults.port != PortFaults::default() {
            return Err(
                "CannotStartContainerError: a fault of a port is possible only where containers are processes"
                    .into(),
            );
        }
        sandbox
            .start(plan, image, &self.environment(), &self.output)
            .await
            .map(|container| Running::Container(Box::new(container)))
    }

    /// Starts the process that is the container, and what stands before its port in `guard`.
    fn spawn(&self, guard: &mut JoinSet<()>) -> std::io::Result<Running> {
        let plan = &self.plan;
        if plan.command.is_empty() {
            return Ok(Running::Idle);
        }
        let address = self.site.address;
        let mut port = plan.port;
        if plan.faults.port != PortFaults::default() && port != 0 {
            port = free_port(address)?;
            let (listen, target) = (
                SocketAddr::from((address, plan.port)),
                SocketAddr::from((address, port)),
            );
            guard.spawn(port::serve(listen, target, plan.faults.port.clone()));
        }
        let fill = |word: &String| {
            word.replace("{address}", &address.to_string())
                .replace("{port}", &port.to_string())
        };
        let command: Vec<String> = plan.command.iter().map(fill).collect();
        process::spawn(&command, &self.environment(), &self.output)
            .map(|process| Running::Process(Box::new(process)))
    }

    fn environment(&self) -> std::collections::BTreeMap<String, String> {
        let mut environment = self.plan.environment.clone();
        environment
            .entry("HOSTNAME".into())
            .or_insert_with(|| self.site.hostname.clone());
        environment.insert(MARK.into(), self.mark());
        environment
    }

    fn mark(&self) -> String {
        format!("{}/{}", self.site.task_id, self.plan.name)
    }

    /// Waits for the container's end: its own, a stop, or a fault.
    async fn watch(&self, mut running: Running) -> End {
        let patient = match &running {
            Running::Container(container) => health::Patient::Container(container.inside()),
            Running::Process(_) | Running::Idle => health::Patient::Process(self.environment()),
        };
        let checks = async {
            if let Some(check) = &self.plan.health_check {
                health::watch(check, &patient, |status| {
                    if status == "HEALTHY" {
                        self.phase.send_replace(Phase::Healthy);
                    }
                    self.say(What::Health(status));
                })
                .await;
            }
            std::future::pending::<()>().await;
        };
        let planned = async {
            match &self.plan.faults.exit {
                Some(exit) => {
                    tokio::time::sleep(exit.after).await;
                    exit.clone()
                }
                None => std::future::pending().await,
            }
        };
        let fault = async {
            tokio::select! {
                exit = planned => exit,
                exit = self.struck() => exit,
            }
        };
        tokio::select! {
            end = running.wait() => end,
            () = self.told_to_stop() => End { exit_code: Some(running.stop(self.patience()).await), ..End::default() },
            Exit { code, reason, .. } = fault => {
                running.stop(std::future::ready(())).await;
                End { exit_code: Some(code), reason, ..End::default() }
            }
            () = checks => End::default(),
        }
    }

    /// The stop timeout, or less when the stand-in ends.
    async fn patience(&self) {
        let mut shutdown = self.site.shutdown.clone();
        let ending = async {
            if shutdown.wait_for(|ended| *ended).await.is_ok() {
                tokio::time::sleep(SHUTDOWN_PATIENCE).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(self.plan.stop_timeout)) => {}
            () = ending => {}
        }
    }
}

impl Running {
    async fn wait(&mut self) -> End {
        match self {
            Self::Process(process) => End {
                exit_code: Some(process.wait().await),
                ..End::default()
            },
            Self::Container(container) => {
                let exit = container.wait().await;
                End {
                    exit_code: Some(exit.code),
                    reason: exit.out_of_memory.then(|| OUT_OF_MEMORY.to_owned()),
                    ..End::default()
                }
            }
            Self::Idle => std::future::pending().await,
        }
    }

    async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        match self {
            Self::Process(process) => process.stop(patience).await,
            Self::Container(container) => container.stop(patience).await,
            Self::Idle => 143,
        }
    }
}

impl Dependency {
    /// Waits until the condition holds, or says why it cannot any more.
    async fn wait(mut self) -> Result<(), String> {
        let (name, condition) = (self.name, self.condition);
        let met = self.phase.wait_for(|phase| match (condition, phase) {
            (_, Phase::Ended(_)) => true,
            (Condition::Start, phase) => *phase != Phase::Waiting,
            (Condition::Healthy, phase) => *phase == Phase::Healthy,
            (Condition::Complete | Condition::Success, _) => false,
        });
        let reached = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, met)
                .await
                .map_err(|_| format!("Container dependency {name} did not become {condition:?} within its startTimeout"))?,
            None => met.await,
        };
        let phase = reached.map(|phase| *phase).unwrap_or(Phase::Ended(None));
        match (condition, phase) {
            (Condition::Success, Phase::Ended(Some(0)))
            | (Condition::Complete | Condition::Start, Phase::Ended(Some(_))) => Ok(()),
            (_, Phase::Ended(Some(code))) => Err(format!(
                "Container dependency {name} exited with {code}, wanted was {condition:?}"
            )),
            (_, Phase::Ended(None)) => Err(format!("Container dependency {name} did not start")),
            _ => Ok(()),
        }
    }
}

/// A port of the address nobody uses.
fn free_port(address: Ipv4Addr) -> std::io::Result<u16> {
    Ok(TcpListener::bind((address, 0))?.local_addr()?.port())
}
