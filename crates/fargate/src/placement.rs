//! Where a task is tried to be placed, and where next when there is no capacity. Decisions only.

use std::time::Duration;

use crate::config::{Fargate, StrategyItem};

/// One place to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement<'a> {
    /// The subnet, and so the availability zone.
    pub(crate) subnet: &'a str,
    /// The capacity providers; the cluster's default when empty.
    pub(crate) strategy: &'a [StrategyItem],
    /// Whether every place has been tried once this one has.
    pub(crate) is_last: bool,
}

/// The place that attempt number `attempt` (from 0) tries: every subnet with the strategy, then every subnet with
/// the fallback strategy, then from the start again. Jobs begin at different subnets, so that they spread over them.
pub(crate) fn placement(fargate: &Fargate, job: u64, attempt: usize) -> Option<Placement<'_>> {
    let subnets = fargate.subnets.len();
    let in_round = attempt.checked_rem(places(fargate))?;
    let first = usize::try_from(job % u64::try_from(subnets).ok()?).ok()?;
    Some(Placement {
        subnet: fargate.subnets.get((first + in_round) % subnets)?,
        strategy: if in_round < subnets {
            &fargate.strategy
        } else {
            &fargate.fallback_strategy
        },
        is_last: in_round + 1 == places(fargate),
    })
}

/// The places of a round.
fn places(fargate: &Fargate) -> usize {
    fargate.subnets.len()
        * if fargate.fallback_strategy.is_empty() {
            1
        } else {
            2
        }
}

/// How long to wait after the round that ends with attempt `attempt`, before jitter: capacity comes back in
/// minutes, not seconds.
pub(crate) fn pause_after(fargate: &Fargate, attempt: usize) -> Duration {
    let round = attempt / places(fargate).max(1);
    Duration::from_secs(5 << round.min(4)).min(Duration::from_secs(60))
}

/// What a strategy says, for the job log.
pub(crate) fn describe(strategy: &[StrategyItem]) -> String {
    if strategy.is_empty() {
        return "the cluster's default capacity providers".to_owned();
    }
    let names: Vec<_> = strategy.iter().map(|item| item.provider.as_str()).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fargate(subnets: usize, fallback: bool) -> Fargate {
        let item = |provider: &str| StrategyItem {
            provider: provider.into(),
            weight: 1,
            base: 0,
        };
        Fargate {
            cluster: "ci".into(),
            region: "eu-west-1".into(),
            subnets: (0..subnets)
                .map(|number| format!("subnet-{number}"))
                .collect(),
            security_groups: vec!["sg-1".into()],
            task_definition: "t".parse().unwrap(),
            assign_public_ip: false,
            connect_to_public_ip: false,
            platform_version: None,
            strategy: vec![item("FARGATE_SPOT")],
            fallback_strategy: if fallback {
                vec![item("FARGATE")]
            } else {
                Vec::new()
            },
            start_timeout: Duration::from_secs(900),
            execute_command: false,
            endpoint: None,
            tags: BTreeMap::new(),
        }
    }

    proptest! {
        #[test]
        fn a_round_tries_every_place_once_and_the_fallback_last(subnets in 1..5usize, fallback: bool, job: u64, round in 0..4usize) {
            let fargate = fargate(subnets, fallback);
            let places = subnets * if fallback { 2 } else { 1 };
            let tried: Vec<_> = (0..places).map(|n| placement(&fargate, job, round * places + n).unwrap()).collect();
            for (number, place) in tried.iter().enumerate() {
                prop_assert_eq!(place.is_last, number + 1 == places);
                let expected = if number < subnets { "FARGATE_SPOT" } else { "FARGATE" };
                prop_assert_eq!(&place.strategy[0].provider, expected);
                prop_assert_eq!(tried.iter().filter(|other| *other == place).count(), 1);
            }
            prop_assert!(pause_after(&fargate, round * places) <= Duration::from_secs(60));
        }
    }

    #[test]
    fn neighbouring_jobs_begin_at_different_subnets() {
        let fargate = fargate(3, false);
        let first: Vec<_> = (0..3)
            .map(|job| placement(&fargate, job, 0).unwrap().subnet)
            .collect();
        assert_eq!(first, ["subnet-0", "subnet-1", "subnet-2"]);
    }
}
