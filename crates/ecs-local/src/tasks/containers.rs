//! The running containers of a task.

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::container_actor::{ContainerActor, Site};
use super::dependency::{ContainerPhase, Dependency};
use super::events::{ContainerEvent, EventKind};
use super::spec::{ContainerSpec, stop_order};
use crate::container_output::ContainerOutput;
use crate::faults::InjectedExit;

/// The running containers of a task. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Containers {
    events: mpsc::UnboundedReceiver<ContainerEvent>,
    /// The positions of those whose end has been reported.
    ended: Vec<usize>,
    stops: Vec<watch::Sender<bool>>,
    order: Vec<Vec<usize>>,
    actors: JoinSet<()>,
}

impl Containers {
    /// Starts all of them. Each waits for its own dependencies.
    pub(super) fn start(
        specs: &[ContainerSpec],
        outputs: &[ContainerOutput],
        injected_exits: &[watch::Receiver<Option<InjectedExit>>],
        site: &Site,
    ) -> Self {
        let (report, events) = mpsc::unbounded_channel();
        let new_phase = |_| watch::Sender::new(ContainerPhase::Waiting);
        let phases: Vec<_> = specs.iter().map(new_phase).collect();
        let mut stops = Vec::with_capacity(specs.len());
        let mut actors = JoinSet::new();
        for (at, (spec, phase)) in specs.iter().zip(&phases).enumerate() {
            let (stop, stopped) = watch::channel(false);
            stops.push(stop);
            let actor = ContainerActor {
                at,
                spec: spec.clone(),
                phase: phase.clone(),
                stop: stopped,
                output: outputs.get(at).cloned().unwrap_or_default(),
                injected_exit: injected_exits.get(at).cloned(),
                site: site.clone(),
                report: report.clone(),
            };
            actors.spawn(actor.run(Dependency::of_container(spec, specs, &phases)));
        }
        Self {
            events,
            ended: Vec::new(),
            stops,
            order: stop_order(specs),
            actors,
        }
    }

    /// The next event, or none when all containers have ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<ContainerEvent> {
        let event = self.events.recv().await?;
        if matches!(event.kind, EventKind::Ended(_)) {
            self.ended.push(event.container);
        }
        Some(event)
    }

    /// Stops them, dependants first, and calls `apply` for each event until all have ended.
    pub(super) async fn stop(mut self, mut apply: impl FnMut(ContainerEvent)) {
        for level in std::mem::take(&mut self.order) {
            for at in &level {
                if let Some(stop) = self.stops.get(*at) {
                    stop.send_replace(true);
                }
            }
            while !level.iter().all(|at| self.ended.contains(at)) {
                // The channel closes when every actor has ended, also if one reported no end.
                let Some(event) = self.next().await else {
                    return;
                };
                apply(event);
            }
        }
        while self.actors.join_next().await.is_some() {}
    }
}
