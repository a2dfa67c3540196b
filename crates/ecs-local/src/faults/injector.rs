//! Which faults apply now: counts matches and folds the effects of one call, or one task, into what its code asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::{Effect, Faults, Rule, Scope};
use super::{LookUp, Stage};
use crate::error::{ApiError, Service};

/// What AWS says when it has no room (observed on Fargate).
const NO_CAPACITY: &str = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/// What a container killed for its memory use has as its reason.
pub(crate) const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// The fault document with its counters.
#[derive(Debug)]
pub(crate) struct Injector {
    document: Faults,
    /// Matches of each rule so far.
    matches: Vec<u64>,
    random: fastrand::Rng,
}

/// What happens to one call.
#[derive(Debug, Default)]
pub(crate) struct CallFaults {
    /// Answered instead of doing anything.
    pub(crate) refusal: Option<ApiError>,
    pub(crate) reset_before: bool,
    pub(crate) reset_after: bool,
    /// Answered although it was done.
    pub(crate) lost: Option<ApiError>,
    pub(crate) delay: Duration,
    pub(crate) truncated: bool,
    pub(crate) bare_errors: bool,
}

/// What selectors of tasks look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskFacts<'a> {
    pub(crate) family: &'a str,
    pub(crate) capacity_provider: Option<&'a str>,
    /// `None` before a subnet is chosen.
    pub(crate) subnet: Option<&'a str>,
}

/// What happens to one task.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskFaults {
    pub(crate) missing_reads: u32,
    pub(crate) missing_read: Option<u32>,
    pub(crate) stale_every: Option<u32>,
    pub(crate) expiry: Option<Duration>,
    pub(crate) late_containers: bool,
    pub(crate) unknown_values: bool,
    pub(crate) attachment_traps: bool,
    pub(crate) public_ip_reads: u32,
    pub(crate) start_failure: Option<StartFailure>,
    /// Time after `RUNNING`, stop code and reason.
    pub(crate) stop: Option<(Duration, String, String)>,
    pub(crate) dies_unseen: Option<i32>,
    /// By container; `None`: the first essential one.
    containers: BTreeMap<Option<String>, ContainerFaults>,
}

/// How a task fails to start.
#[derive(Clone, Debug)]
pub(crate) struct StartFailure {
    pub(crate) at: Stage,
    pub(crate) reason: Option<String>,
    pub(crate) container_reason: Option<String>,
    /// `None`: the first essential one.
    pub(crate) container: Option<String>,
}

/// What happens to one container.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContainerFaults {
    pub(crate) pull_delay: Duration,
    pub(crate) start_delay: Duration,
    pub(crate) listen_delay: Duration,
    pub(crate) exit: Option<Exit>,
    pub(crate) port: PortFaults,
}

/// An end that comes from outside the program.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    pub(crate) after: Duration,
    pub(crate) code: i32,
    pub(crate) reason: Option<String>,
}

/// What happens to connections to a container's port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PortFaults {
    pub(crate) delay: Duration,
    /// `Some(None)`: for ever.
    pub(crate) refused: Option<Option<Duration>>,
    /// Bytes, and how many connections.
    pub(crate) drops: Option<(u64, Option<u64>)>,
    /// The same for connections that go silent.
    pub(crate) freezes: Option<(u64, Option<u64>)>,
}

impl Injector {
    pub(crate) fn new(document: Faults) -> Self {
        Self {
            matches: vec![0; document.faults.len()],
            random: fastrand::Rng::with_seed(document.seed),
            document,
        }
    }

    pub(crate) fn document(&self) -> &Faults {
        &self.document
    }

    /// Counts a call and says what happens to it.
    pub(crate) fn call(&mut self, service: Service, operation: &str) -> CallFaults {
        let mut faults = CallFaults::default();
        for effect in self.hits(|rule| match rule.effect.scope() {
            Scope::Call => rule
                .when
                .operation
                .as_deref()
                .is_none_or(|wanted| wanted == operation),
            Scope::Operation(only) => only == operation,
            _ => false,
        }) {
            faults.add(effect.1, service, operation);
        }
        faults
    }

    /// Whether there is no room for a task, and the reason AWS gives. Asked once per call without a subnet, and once
    /// for each subnet that is considered.
    pub(crate) fn no_capacity(&mut self, facts: TaskFacts<'_>) -> Option<String> {
        let hits = self.hits(|rule| {
            rule.effect.scope() == Scope::Placement
                && rule.when.subnet.as_deref() == facts.subnet
                && concerns(rule, facts)
        });
        hits.into_iter().next().map(|(_, effect)| match effect {
            Effect::NoCapacity {
                reason: Some(reason),
            } => reason,
            _ => NO_CAPACITY.to_owned(),
        })
    }

    /// Counts a new task and says what happens to it.
    pub(crate) fn task(&mut self, facts: TaskFacts<'_>) -> TaskFaults {
        let mut faults = TaskFaults::default();
        for (container, effect) in self.hits(|rule| {
            matches!(rule.effect.scope(), Scope::Task | Scope::Container)
                && rule
                    .when
                    .subnet
                    .as_deref()
                    .is_none_or(|wanted| Some(wanted) == facts.subnet)
                && concerns(rule, facts)
        }) {
            faults.add(container, effect);
        }
        faults
    }

    /// Effects of the rules that match and whose count and probability say so, with their containers.
    fn hits(&mut self, matching: impl Fn(&Rule) -> bool) -> Vec<(Option<String>, Effect)> {
        let mut hits = Vec::new();
        for (rule, count) in self.document.faults.iter().zip(&mut self.matches) {
            if !matching(rule) {
                continue;
            }
            *count += 1;
            let counted = rule.when.nth.is_none_or(|nth| *count == nth)
                && rule.when.first.is_none_or(|first| *count <= first);
            if counted && rule.when.probability.is_none_or(|p| self.random.f64() < p) {
                hits.push((rule.when.container.clone(), rule.effect.clone()));
            }
        }
        hits
    }
}

fn concerns(rule: &Rule, facts: TaskFacts<'_>) -> bool {
    let when = &rule.when;
    when.family
        .as_deref()
        .is_none_or(|wanted| wanted == facts.family)
        && when
            .capacity_provider
            .as_deref()
            .is_none_or(|wanted| Some(wanted) == facts.capacity_provider)
}

impl CallFaults {
    fn add(&mut self, effect: Effect, service: Service, operation: &str) {
        let refusal = match effect {
            Effect::Throttle => ApiError::throttled(service),
            Effect::ServerError => server_error(service),
            Effect::ServiceUnavailable => {
                let code = if service == Service::Ec2 {
                    "Unavailable"
                } else {
                    "ServiceUnavailable"
                };
                ApiError::new(503, code, "The service is temporarily unavailable.")
            }
            Effect::AccessDenied => ApiError::access_denied(service, operation),
            Effect::ExpiredCredentials => {
                let (status, code) = match service {
                    Service::Ecs | Service::Logs => (403, "ExpiredTokenException"),
                    Service::Ec2 => (400, "RequestExpired"),
                    Service::Sts => (403, "ExpiredToken"),
                };
                ApiError::new(
                    status,
                    code,
                    "The security token included in the request is expired",
                )
            }
            Effect::UnrecognizedClient => match service {
                Service::Ecs | Service::Logs => ApiError::new(
                    403,
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                ),
                Service::Ec2 => ApiError::new(
                    401,
                    "AuthFailure",
                    "AWS was not able to validate the provided access credentials",
                ),
                Service::Sts => ApiError::new(
                    403,
                    "InvalidClientTokenId",
                    "The security token included in the request is invalid.",
                ),
            },
            Effect::Error {
                status,
                code,
                message,
            } => ApiError::new(status, code, message),
            Effect::Ec2Throttle { looking_up } => wrapped_throttle(looking_up),
            Effect::ConcurrentRegistration => ApiError::client(
                "Too many concurrent attempts to create a new revision of the specified family.",
            ),
            Effect::ConnectionReset => {
                self.reset_before = true;
                return;
            }
            Effect::LostReply { reset: true } => {
                self.reset_after = true;
                return;
            }
            Effect::LostReply { reset: false } => {
                self.lost = Some(server_error(service));
                return;
            }
            Effect::SlowReply { seconds } => {
                self.delay = seconds.into();
                return;
            }
            Effect::TruncatedReply => {
                self.truncated = true;
                return;
            }
            Effect::BareErrors => {
                self.bare_errors = true;
                return;
            }
            // Effects on tasks never come here: `Injector::call` selects by scope.
            _ => return,
        };
        self.refusal.get_or_insert(refusal);
    }
}

fn server_error(service: Service) -> ApiError {
    let (code, message) = match service {
        Service::Ecs => (
            "ServerException",
            "Service Unavailable. Please try again later.",
        ),
        Service::Ec2 => ("InternalError", "An internal error has occurred"),
        Service::Logs | Service::Sts => ("InternalFailure", "An internal error has occurred"),
    };
    ApiError::new(500, code, message)
}

fn wrapped_throttle(looking_up: LookUp) -> ApiError {
    let what = match looking_up {
        LookUp::SecurityGroup => "security group information for [sg-0000000000000000f]",
        LookUp::Subnet => "subnet information for [subnet-0000000000000000f]",
    };
    ApiError::invalid_parameter(format!(
        "Error retrieving {what}: Request limit exceeded. (ErrorCode: RequestLimitExceeded)"
    ))
}

impl TaskFaults {
    pub(super) fn add(&mut self, container: Option<String>, effect: Effect) {
        match effect {
            Effect::Missing { reads } => self.missing_reads = reads,
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
                self.start_failure = Some(StartFailure {
                    at,
                    reason,
                    container_reason,
                    container,
                });
            }
            Effect::SpotInterruption { after_seconds } => {
                self.stop = Some((
                    after_seconds.into(),
                    "SpotInterruption".into(),
                    "Your Spot Task was interrupted.".into(),
                ));
            }
            Effect::Stop {
                after_seconds,
                code,
                reason,
            } => self.stop = Some((after_seconds.into(), code, reason)),
            Effect::DiesUnseen { exit_code } => self.dies_unseen = Some(exit_code),
            Effect::PullDelay { seconds } => self.container(container).pull_delay = seconds.into(),
            Effect::StartDelay { seconds } => {
                self.container(container).start_delay = seconds.into()
            }
            Effect::ListenDelay { seconds } => {
                self.container(container).listen_delay = seconds.into()
            }
            Effect::Exit {
                after_seconds,
                code,
            } => {
                self.container(container).exit = Some(Exit {
                    after: after_seconds.into(),
                    code,
                    reason: None,
                });
            }
            Effect::OutOfMemory { after_seconds } => {
                self.container(container).exit = Some(Exit {
                    after: after_seconds.into(),
                    code: 137,
                    reason: Some(OUT_OF_MEMORY.into()),
                });
            }
            Effect::PortDelay { seconds } => self.container(container).port.delay = seconds.into(),
            Effect::PortRefused { seconds } => {
                self.container(container).port.refused = Some(seconds.map(Into::into))
            }
            Effect::PortDrops {
                after_bytes,
                connections,
            } => {
                self.container(container).port.drops = Some((after_bytes, connections));
            }
            Effect::PortFreezes {
                after_bytes,
                connections,
            } => {
                self.container(container).port.freezes = Some((after_bytes, connections));
            }
            // Effects on calls never come here: `Injector::task` selects by scope.
            _ => {}
        }
    }

    fn container(&mut self, name: Option<String>) -> &mut ContainerFaults {
        self.containers.entry(name).or_default()
    }

    /// What happens to the container `name`; rules that name none are about the first essential container.
    pub(crate) fn of_container(&self, name: &str, first_essential: bool) -> ContainerFaults {
        let named = self.containers.get(&Some(name.to_owned()));
        let unnamed = self.containers.get(&None).filter(|_| first_essential);
        named.or(unnamed).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injector(rules: &str) -> Injector {
        Injector::new(Faults::parse(&format!("{{\"seed\": 3, \"faults\": [{rules}]}}")).unwrap())
    }

    const CI: TaskFacts<'_> = TaskFacts {
        family: "ci",
        capacity_provider: Some("FARGATE"),
        subnet: Some("subnet-a"),
    };

    #[test]
    fn counts_run_over_what_the_selector_matches() {
        let mut injector =
            injector(r#"{"when": {"operation": "StopTask", "nth": 2}, "effect": "throttle"}"#);
        let mut refused = |operation| injector.call(Service::Ecs, operation).refusal.is_some();
        assert_eq!(
            [
                refused("StopTask"),
                refused("RunTask"),
                refused("StopTask"),
                refused("StopTask")
            ],
            [false, false, true, false]
        );
    }

    #[test]
    fn probability_is_repeatable() {
        let rules = r#"{"when": {"probability": 0.3}, "effect": "throttle"}"#;
        let run = || {
            let mut injector = injector(rules);
            (0..1000)
                .map(|_| injector.call(Service::Ecs, "RunTask").refusal.is_some())
                .collect::<Vec<_>>()
        };
        let hits = run().iter().filter(|hit| **hit).count();
        assert!((200..400).contains(&hits), "{hits}");
        assert_eq!(run(), run());
    }

    #[test]
    fn capacity_of_a_subnet_and_of_a_call_are_counted_apart() {
        let mut injector = injector(
            r#"{"when": {"subnet": "subnet-a"}, "effect": {"no_capacity": {}}},
               {"when": {"first": 1, "capacity_provider": "FARGATE"}, "effect": {"no_capacity": {"reason": "none"}}}"#,
        );
        let call = TaskFacts { subnet: None, ..CI };
        assert_eq!(injector.no_capacity(call).as_deref(), Some("none"));
        assert_eq!(injector.no_capacity(call), None);
        assert_eq!(injector.no_capacity(CI).as_deref(), Some(NO_CAPACITY));
        assert_eq!(
            injector.no_capacity(TaskFacts {
                subnet: Some("subnet-b"),
                ..CI
            }),
            None
        );
    }

    #[test]
    fn faults_of_containers_go_to_the_named_or_the_first_essential_one() {
        let mut injector = injector(
            r#"{"when": {"container": "db"}, "effect": {"exit": {"after_seconds": 1}}},
               {"when": {"family": "ci"}, "effect": {"listen_delay": {"seconds": 2}}}"#,
        );
        let faults = injector.task(CI);
        assert!(faults.of_container("db", false).exit.is_some());
        assert_eq!(
            faults.of_container("build", true).listen_delay,
            Duration::from_secs(2)
        );
        assert_eq!(
            faults.of_container("helper", false).listen_delay,
            Duration::ZERO
        );
        assert_eq!(
            injector
                .task(TaskFacts {
                    family: "other",
                    ..CI
                })
                .of_container("build", true)
                .listen_delay,
            Duration::ZERO
        );
    }
}
