//! The order in which a task's launch tries subnets and capacity providers. Decisions only.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::config::StrategyItem;

/// Pauses between rounds: capacity comes back in minutes, not seconds.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(60));

/// The subnets and strategies to choose from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// At least one.
    pub(crate) subnets: &'a [String],
    /// The cluster's default when empty.
    pub(crate) strategy: &'a [StrategyItem],
    /// Used when `strategy` finds no capacity; unused when empty.
    pub(crate) fallback: &'a [StrategyItem],
}

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
pub(crate) fn placement<'a>(
    places: &Places<'a>,
    job: u64,
    attempt: usize,
) -> Option<Placement<'a>> {
    let subnets = places.subnets.len();
    let in_round = attempt.checked_rem(round(places))?;
    let first = usize::try_from(job % u64::try_from(subnets).ok()?).ok()?;
    Some(Placement {
        subnet: places.subnets.get((first + in_round) % subnets)?,
        strategy: if in_round < subnets {
            places.strategy
        } else {
            places.fallback
        },
        is_last: in_round + 1 == round(places),
    })
}

/// The subnet for a second task beside one in `subnet`: the next one, or the same where there is one.
pub(crate) fn beside<'a>(subnets: &'a [String], subnet: &'a str) -> &'a str {
    let at = subnets.iter().position(|other| other == subnet);
    let next = at.and_then(|at| subnets.get((at + 1) % subnets.len()));
    next.map_or(subnet, String::as_str)
}

/// Number of places in a round.
fn round(places: &Places<'_>) -> usize {
    places.subnets.len() * if places.fallback.is_empty() { 1 } else { 2 }
}

/// Pause after the round that ends with `attempt`, before jitter.
pub(crate) fn pause_after(places: &Places<'_>, attempt: usize) -> Duration {
    let rounds = attempt / round(places).max(1);
    PAUSES.regular(u32::try_from(rounds).unwrap_or(u32::MAX))
}

/// A strategy in words, for the job log.
pub(crate) fn describe(strategy: &[StrategyItem]) -> String {
    if strategy.is_empty() {
        return "the cluster's default capacity providers".to_owned();
    }
    let names: Vec<_> = strategy.iter().map(|item| item.provider.as_str()).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subnets(number: usize) -> Vec<String> {
        (0..number)
            .map(|number| format!("subnet-{number}"))
            .collect()
    }

    fn strategy(provider: &str) -> Vec<StrategyItem> {
        vec![StrategyItem {
            provider: provider.into(),
            weight: 1,
            base: 0,
        }]
    }

    proptest! {
        #[test]
        fn a_round_tries_every_place_once_and_the_fallback_last(subnets in 1..5usize, fallback: bool, job: u64, round in 0..4usize) {
            let (all, spot, other) = (self::subnets(subnets), strategy("FARGATE_SPOT"), strategy("FARGATE"));
            let places = Places { subnets: &all, strategy: &spot, fallback: if fallback { &other } else { &[] } };
            let number = subnets * if fallback { 2 } else { 1 };
            let tried: Vec<_> = (0..number).map(|n| placement(&places, job, round * number + n).unwrap()).collect();
            for (at, place) in tried.iter().enumerate() {
                prop_assert_eq!(place.is_last, at + 1 == number);
                let expected = if at < subnets { "FARGATE_SPOT" } else { "FARGATE" };
                prop_assert_eq!(&place.strategy[0].provider, expected);
                prop_assert_eq!(tried.iter().filter(|other| *other == place).count(), 1);
            }
            prop_assert!(pause_after(&places, round * number) <= Duration::from_secs(60));
        }
    }

    #[test]
    fn a_second_task_goes_to_another_subnet_where_there_is_one() {
        let all = subnets(3);
        assert_eq!(beside(&all, "subnet-0"), "subnet-1");
        assert_eq!(beside(&all, "subnet-2"), "subnet-0");
        assert_eq!(beside(&subnets(1), "subnet-0"), "subnet-0");
    }

    #[test]
    fn neighbouring_jobs_begin_at_different_subnets() {
        let (all, spot) = (subnets(3), strategy("FARGATE_SPOT"));
        let places = Places {
            subnets: &all,
            strategy: &spot,
            fallback: &[],
        };
        let first: Vec<_> = (0..3)
            .map(|job| placement(&places, job, 0).unwrap().subnet)
            .collect();
        assert_eq!(first, ["subnet-0", "subnet-1", "subnet-2"]);
    }
}
