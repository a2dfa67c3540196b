//! The cluster and its capacity providers.

use super::super::catalog::{CLUSTER, PROVIDERS, STRATEGY};
use super::super::check::Check;
use super::super::facts::{Account, Facts};
use super::answers::read;
use super::configuration::or_pass;
use super::prerequisite::named;
use crate::aws::{Cluster, DefaultProvider};
use crate::config::{Fargate, StrategyItem};

/// The capacity providers of every account.
const OF_FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// Judges the cluster.
pub(in super::super) fn cluster(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &CLUSTER) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let fargate = &config.fargate;
    let (name, region) = (&fargate.cluster, &fargate.region);
    let cluster = match read(&named.cluster, &CLUSTER) {
        Err(skipped) => return vec![skipped],
        Ok(None) => {
            let made = name.rsplit('/').next().unwrap_or_default();
            return vec![CLUSTER.fail(
                format!("there is no cluster {name} in {region}"),
                format!(
                    "Correct [Fargate] Cluster or Region, or make the cluster:\n$ aws ecs create-cluster --region {region} \
                     --cluster-name {made} --capacity-providers FARGATE FARGATE_SPOT --default-capacity-provider-strategy \
                     capacityProvider=FARGATE,weight=1"
                ),
            )];
        }
        Ok(Some(cluster)) => cluster,
    };
    let found = format!("{} is {}", cluster.arn, cluster.status);
    let mut checks = vec![match cluster.status.as_str() {
        "ACTIVE" => CLUSTER.pass(found),
        "INACTIVE" => CLUSTER.fail(
            found,
            "The cluster was deleted: make it anew, or name another in [Fargate] Cluster.",
        ),
        _ => CLUSTER.fail(
            found,
            "Wait until AWS has made the cluster, or name another in [Fargate] Cluster.",
        ),
    }];
    checks.push(strategy(cluster, fargate));
    let mut wrong = providers(cluster, fargate);
    if cluster.is_update_failed {
        wrong.push(PROVIDERS.warn(
            format!("AWS could not change the capacity providers of {name} (attachmentsStatus is UPDATE_FAILED)"),
            format!("Ask for them again:\n{}", put(cluster, fargate, None)),
        ));
    }
    checks.extend(or_pass(wrong, || {
        PROVIDERS.pass(cluster.providers.join(", "))
    }));
    checks
}

fn strategy(cluster: &Cluster, fargate: &Fargate) -> Check {
    if !fargate.strategy.is_empty() {
        let named: Vec<_> = fargate
            .strategy
            .iter()
            .map(|item| item.provider.as_str())
            .collect();
        return STRATEGY.pass(format!("{}, of fargate.toml", named.join(", ")));
    }
    let default = &cluster.default_strategy;
    let names: Vec<_> = default.iter().map(|item| item.name.as_str()).collect();
    let foreign = names.iter().find(|name| !OF_FARGATE.contains(name));
    match (default.is_empty(), foreign) {
        (true, _) => STRATEGY.warn(
            "neither fargate.toml nor the cluster has one: the driver repeats a refused start once an hour with the launch type \
             FARGATE",
            format!(
                "Set CapacityProviderStrategy = [{{ Name = \"FARGATE\" }}] in [Fargate], or give the cluster a default:\n{}",
                put(cluster, fargate, None)
            ),
        ),
        (false, Some(foreign)) => STRATEGY.fail(
            format!("the cluster's default leads to {foreign}, which is not Fargate"),
            "Set CapacityProviderStrategy = [{ Name = \"FARGATE\" }] in [Fargate].",
        ),
        (false, None) => STRATEGY.pass(format!("{}, the cluster's default", names.join(", "))),
    }
}

fn providers(cluster: &Cluster, fargate: &Fargate) -> Vec<Check> {
    let named = fargate.strategy.iter().chain(&fargate.fallback_strategy);
    let missing = named.filter(|item| !cluster.providers.contains(&item.provider));
    missing
        .map(|StrategyItem { provider, .. }| {
            PROVIDERS.fail(
                format!(
                    "the cluster has no capacity provider {provider}, which fargate.toml names"
                ),
                format!(
                    "Correct CapacityProviderStrategy, or give the provider to the cluster:\n{}",
                    put(cluster, fargate, Some(provider))
                ),
            )
        })
        .collect()
}

/// The command that gives a cluster a provider and a default strategy. It replaces the lists, so it repeats them.
fn put(cluster: &Cluster, fargate: &Fargate, more: Option<&str>) -> String {
    let mut providers: Vec<_> = cluster.providers.iter().map(String::as_str).collect();
    for name in more.into_iter().chain(["FARGATE"]) {
        if !providers.contains(&name) {
            providers.push(name);
        }
    }
    let mut strategy: Vec<_> = cluster.default_strategy.iter().map(shorthand).collect();
    if strategy.is_empty() {
        strategy.push("capacityProvider=FARGATE,weight=1".to_owned());
    }
    format!(
        "$ aws ecs put-cluster-capacity-providers --region {} --cluster {} --capacity-providers {} \
         --default-capacity-provider-strategy {}",
        fargate.region,
        fargate.cluster,
        providers.join(" "),
        strategy.join(" ")
    )
}

/// An entry of a strategy as the AWS CLI takes it.
fn shorthand(DefaultProvider { name, weight, base }: &DefaultProvider) -> String {
    match base {
        0 => format!("capacityProvider={name},weight={weight}"),
        _ => format!("capacityProvider={name},weight={weight},base={base}"),
    }
}
