//! The faults of one task and its containers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::effect::{Effect, SlowStep, StartStep};

/// The reason of a container that was killed for its memory use.
pub(crate) const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// The read by DescribeTasks that does not find a task where no rule says otherwise.
const DEFAULT_MISSING_READ: u32 = 1;

/// The faults of one task.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskFaults {
    /// The first reads, also by StopTask, that do not find the task.
    pub(crate) missing_reads: u32,
    /// The one read by DescribeTasks that does not find it.
    pub(crate) missing_read: Option<u32>,
    pub(crate) stale_every: Option<u32>,
    pub(crate) expiry: Option<Duration>,
    pub(crate) late_containers: bool,
    pub(crate) unknown_values: bool,
    pub(crate) attachment_traps: bool,
    pub(crate) public_ip_reads: u32,
    pub(crate) start_failure: Option<InjectedStartFailure>,
    slow: BTreeMap<SlowStep, Duration>,
    pub(crate) stop: Option<InjectedStop>,
    pub(crate) dies_unseen: Option<i32>,
    /// By the name of the container; `None` is the first essential one.
    containers: BTreeMap<Option<String>, ContainerFaults>,
}

/// A stop that a fault causes.
#[derive(Clone, Debug)]
pub(crate) struct InjectedStop {
    /// The time after `RUNNING`.
    pub(crate) after: Duration,
    pub(crate) code: String,
    pub(crate) reason: String,
}

/// A failure to start.
#[derive(Clone, Debug)]
pub(crate) struct InjectedStartFailure {
    pub(crate) at: StartStep,
    pub(crate) reason: Option<String>,
    pub(crate) container_reason: Option<String>,
    /// The name of the container; `None` is the first essential one.
    pub(crate) container: Option<String>,
}

/// The faults of one container.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContainerFaults {
    pub(crate) pull_delay: Duration,
    pub(crate) start_delay: Duration,
    pub(crate) listen_delay: Duration,
    pub(crate) exit: Option<InjectedExit>,
    pub(crate) own_hosts: bool,
    pub(crate) port: PortFaults,
}

/// An end of a container that a fault causes.
#[derive(Clone, Debug)]
pub(crate) struct InjectedExit {
    pub(crate) after: Duration,
    pub(crate) code: i32,
    pub(crate) reason: Option<String>,
}

/// The faults of connections to a container's port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PortFaults {
    pub(crate) delay: Duration,
    /// `Some(None)`: forever.
    pub(crate) refused: Option<Option<Duration>>,
    /// The number of bytes, and the number of connections that are reset; `None` means all.
    pub(crate) drops: Option<(u64, Option<u64>)>,
    /// The same numbers for connections that go silent.
    pub(crate) freezes: Option<(u64, Option<u64>)>,
}

impl TaskFaults {
    /// A task as on AWS: DescribeTasks does not know it for about a second after RunTask (boto/boto3#842, #3393). Here
    /// that is the first read.
    pub(super) fn usual() -> Self {
        Self {
            missing_read: Some(DEFAULT_MISSING_READ),
            ..Self::default()
        }
    }

    /// Adds an effect. `Injector::task` passes only effects on tasks and containers.
    pub(super) fn add(&mut self, container: Option<String>, effect: Effect) {
        match effect {
            Effect::Missing { reads } => {
                self.missing_reads = reads;
                // In place of the default. A read of a rule's own stays.
                self.missing_read = self
                    .missing_read
                    .filter(|read| *read != DEFAULT_MISSING_READ);
            }
            Effect::MissingOnce { read } => self.missing_read = Some(read),
            Effect::StaleRead { every } => self.stale_every = Some(every),
            Effect::Expiry { seconds } => self.expiry = Some(seconds.into()),
            Effect::LateContainers => self.late_containers = true,
            Effect::UnknownValues => self.unknown_values = true,
            Effect::AttachmentTraps => self.attachment_traps = true,
            Effect::PublicIpLate { reads } => self.public_ip_reads = reads,
            Effect::StartFailure {
                at,
                reason,
                container_reason,
            } => {
                self.start_failure = Some(InjectedStartFailure {
                    at,
                    reason,
                    container_reason,
                    container,
                });
            }
            Effect::SlowStart { at, seconds } => {
                *self.slow.entry(at).or_default() += seconds.time();
            }
            Effect::SpotInterruption { after_seconds } => {
                self.stop = Some(InjectedStop {
                    after: after_seconds.into(),
                    code: "SpotInterruption".into(),
                    reason: "Your Spot Task was interrupted.".into(),
                });
            }
            Effect::Stop {
                after_seconds,
                code,
                reason,
            } => {
                self.stop = Some(InjectedStop {
                    after: after_seconds.into(),
                    code,
                    reason,
                });
            }
            Effect::DiesUnseen { exit_code } => self.dies_unseen = Some(exit_code),
            effect => self.containers.entry(container).or_default().add(effect),
        }
    }

    /// How much longer a step of the start takes.
    pub(crate) fn slow_by(&self, step: SlowStep) -> Duration {
        self.slow.get(&step).copied().unwrap_or_default()
    }

    /// The faults of the container `name`. A rule without a name applies to the first essential container.
    pub(crate) fn for_container(&self, name: &str, first_essential: bool) -> ContainerFaults {
        let named = self.containers.get(&Some(name.to_owned()));
        let unnamed = self.containers.get(&None).filter(|_| first_essential);
        named.or(unnamed).cloned().unwrap_or_default()
    }
}

impl ContainerFaults {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::PullDelay { seconds } => self.pull_delay = seconds.into(),
            Effect::StartDelay { seconds } => self.start_delay = seconds.into(),
            Effect::ListenDelay { seconds } => self.listen_delay = seconds.into(),
            Effect::Exit {
                after_seconds,
                code,
            } => {
                self.exit = Some(InjectedExit {
                    after: after_seconds.into(),
                    code,
                    reason: None,
                });
            }
            Effect::OwnHosts => self.own_hosts = true,
            Effect::OutOfMemory { after_seconds } => {
                self.exit = Some(InjectedExit {
                    after: after_seconds.into(),
                    code: 137,
                    reason: Some(OUT_OF_MEMORY.into()),
                });
            }
            Effect::PortDelay { seconds } => self.port.delay = seconds.into(),
            Effect::PortRefused { seconds } => self.port.refused = Some(seconds.map(Into::into)),
            Effect::PortDrops {
                after_bytes,
                connections,
            } => self.port.drops = Some((after_bytes, connections)),
            Effect::PortFreezes {
                after_bytes,
                connections,
            } => self.port.freezes = Some((after_bytes, connections)),
            _ => {}
        }
    }
}
