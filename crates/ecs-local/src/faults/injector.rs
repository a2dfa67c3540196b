//! Counts the calls and tasks that rules match, and collects the faults of one call or task.

use super::call_faults::CallFaults;
use super::document::{Faults, Rule};
use super::effect::{Effect, Scope};
use super::task_faults::TaskFaults;
use crate::service::AwsService;

/// The reason that AWS gives when it has no capacity (observed on Fargate).
const NO_CAPACITY: &str = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/// The fault document with its counters.
#[derive(Debug)]
pub(crate) struct Injector {
    document: Faults,
    /// The number of matches of each rule so far.
    matches: Vec<u64>,
    random: fastrand::Rng,
}

/// The facts about a task that selectors compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskFacts<'a> {
    pub(crate) family: &'a str,
    pub(crate) capacity_provider: Option<&'a str>,
    /// `None` before a subnet is chosen.
    pub(crate) subnet: Option<&'a str>,
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

    /// Counts a call, and returns its faults.
    pub(crate) fn call(&mut self, service: AwsService, operation: &str) -> CallFaults {
        let mut faults = CallFaults::default();
        for (_, effect) in self.hits(|rule| match rule.effect.scope() {
            Scope::Call => rule
                .when
                .operation
                .as_deref()
                .is_none_or(|selected| selected == operation),
            Scope::Operation(only) => only == operation,
            _ => false,
        }) {
            faults.add(effect, service, operation);
        }
        faults
    }

    /// The reason for which there is no capacity for a task, if there is none. RunTask asks once without a subnet, and
    /// once for each subnet that it considers.
    pub(crate) fn no_capacity(&mut self, facts: TaskFacts<'_>) -> Option<String> {
        let hits = self.hits(|rule| {
            rule.effect.scope() == Scope::Placement
                && rule.when.subnet.as_deref() == facts.subnet
                && selects(rule, facts)
        });
        hits.into_iter().next().map(|(_, effect)| match effect {
            Effect::NoCapacity {
                reason: Some(reason),
            } => reason,
            _ => NO_CAPACITY.to_owned(),
        })
    }

    /// Counts a new task, and returns its faults.
    pub(crate) fn task(&mut self, facts: TaskFacts<'_>) -> TaskFaults {
        let mut faults = TaskFaults::usual();
        for (container, effect) in self.hits(|rule| {
            matches!(rule.effect.scope(), Scope::Task | Scope::Container)
                && rule
                    .when
                    .subnet
                    .as_deref()
                    .is_none_or(|selected| Some(selected) == facts.subnet)
                && selects(rule, facts)
        }) {
            faults.add(container, effect);
        }
        faults
    }

    /// The effects of the rules that apply now, with their containers: the rule, its count and its probability match.
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
                hits.push((
                    rule.when.container.clone(),
                    rule.effect.drawn(&mut self.random),
                ));
            }
        }
        hits
    }
}

fn selects(rule: &Rule, facts: TaskFacts<'_>) -> bool {
    let when = &rule.when;
    when.family
        .as_deref()
        .is_none_or(|selected| selected == facts.family)
        && when
            .capacity_provider
            .as_deref()
            .is_none_or(|selected| Some(selected) == facts.capacity_provider)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::SlowStep;

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
        let mut refused = |operation| injector.call(AwsService::Ecs, operation).refusal.is_some();
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
                .map(|_| injector.call(AwsService::Ecs, "RunTask").refusal.is_some())
                .collect::<Vec<_>>()
        };
        let hits = run().iter().filter(|hit| **hit).count();
        assert!((200..400).contains(&hits), "{hits}");
        assert_eq!(run(), run());
    }

    #[test]
    fn each_task_has_times_of_its_own_and_they_are_repeatable() {
        let rules = r#"{"when": {"probability": 0.5}, "effect": {"slow_start": {"at": "address", "seconds": {"uniform": [1, 9]}}}},
               {"effect": {"slow_start": {"at": "address", "seconds": 2}}}"#;
        let run = || {
            let mut injector = injector(rules);
            (0..50)
                .map(|_| injector.task(CI).slow_by(SlowStep::Address))
                .collect::<Vec<_>>()
        };
        let times = run();
        assert_eq!(run(), times);
        let fixed = Duration::from_secs(2);
        let drawn: Vec<_> = times.iter().filter(|time| **time != fixed).collect();
        assert!((10..40).contains(&drawn.len()), "{times:?}");
        // Both rules add up.
        assert!(drawn.iter().all(|time| **time >= fixed + fixed / 2));
        assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(
            injector(rules).task(CI).slow_by(SlowStep::Pull),
            Duration::ZERO
        );
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
        assert!(faults.for_container("db", false).exit.is_some());
        assert_eq!(
            faults.for_container("build", true).listen_delay,
            Duration::from_secs(2)
        );
        assert_eq!(
            faults.for_container("helper", false).listen_delay,
            Duration::ZERO
        );
        assert_eq!(
            injector
                .task(TaskFacts {
                    family: "other",
                    ..CI
                })
                .for_container("build", true)
                .listen_delay,
            Duration::ZERO
        );
    }
}
