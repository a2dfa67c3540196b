//! A cluster, and its capacity providers.

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::shapes::KeyValue;
use crate::tags::Tag;

/// The providers of every account. The stand-in has no providers of Auto Scaling groups.
const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// A cluster.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) capacity_providers: Vec<String>,
    pub(super) default_strategy: Vec<StrategyItem>,
    pub(super) tags: Vec<Tag>,
    pub(super) settings: Vec<KeyValue>,
}

/// An element of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StrategyItem {
    #[serde(default)]
    pub(super) capacity_provider: String,
    #[serde(default)]
    pub(super) weight: i64,
    #[serde(default)]
    pub(super) base: i64,
}

pub(super) fn check_providers(providers: &[String]) -> Result<(), ApiError> {
    match providers
        .iter()
        .find(|name| !PROVIDERS.contains(&name.as_str()))
    {
        Some(name) => Err(ApiError::invalid_parameter(format!(
            "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
        ))),
        None => Ok(()),
    }
}

/// Checks a strategy, whose providers have to be among `associated`.
pub(super) fn check_strategy(
    strategy: &[StrategyItem],
    associated: &[String],
) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::invalid_parameter(message));
    if strategy.len() > 20 {
        return refuse(
            "A capacity provider strategy can contain a maximum of 20 capacity providers.",
        );
    }
    for item in strategy {
        check_item(item, associated)?;
        let name = &item.capacity_provider;
        let same = |other: &&StrategyItem| other.capacity_provider == *name;
        if strategy.iter().filter(same).count() > 1 {
            return refuse(&format!(
                "The capacity provider {name} appears more than once in the strategy."
            ));
        }
    }
    if strategy.iter().filter(|item| item.base > 0).count() > 1 {
        return refuse(
            "Only one capacity provider in a capacity provider strategy can have a base.",
        );
    }
    Ok(())
}

fn check_item(item: &StrategyItem, associated: &[String]) -> Result<(), ApiError> {
    let refuse = |message: String| Err(ApiError::invalid_parameter(message));
    let name = &item.capacity_provider;
    if name.is_empty() {
        return refuse(
            "capacityProvider must not be empty in a capacity provider strategy.".into(),
        );
    }
    if !(0..=1000).contains(&item.weight) {
        return refuse(format!(
            "The weight of capacity provider {name} must be between 0 and 1000."
        ));
    }
    if !(0..=100_000).contains(&item.base) {
        return refuse(format!(
            "The base of capacity provider {name} must be between 0 and 100000."
        ));
    }
    if !associated.contains(name) {
        return refuse(format!(
            "The specified capacity provider '{name}' is not associated with the cluster."
        ));
    }
    Ok(())
}
