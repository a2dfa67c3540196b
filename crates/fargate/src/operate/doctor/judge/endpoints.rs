//! Endpoints of the VPC, in place of a way to the internet.

use serde_json::Value;

use super::super::catalog::{ENDPOINTS, WAY_OUT};
use super::super::check::Check;
use super::super::facts::{Named, Vpc};
use super::endpoint_groups;
use super::way::Way;
use crate::aws::{RouteTable, Subnet, VpcEndpoint};
use crate::config::Config;

/// What is missing for tasks in a subnet without a way out, if anything (AWS: ECS interface VPC endpoints).
///
/// A registry other than ECR may be inside the VPC: doctor does not see whether tasks reach it.
pub(super) fn missing(
    subnet: &Subnet,
    table: &RouteTable,
    way: &Way,
    vpc: &Vpc,
    config: &Config,
    named: &Named,
) -> Option<Check> {
    let endpoints = match &vpc.endpoints {
        Ok(endpoints) => endpoints,
        Err(refusal) => return Some(super::answers::skipped(refusal, &WAY_OUT)),
    };
    let region = &config.fargate.region;
    let has = |service: &str| {
        let name = format!(".{region}.{service}");
        let mut fitting = endpoints
            .iter()
            .filter(|one| one.service_name.ends_with(&name));
        fitting.any(|endpoint| match endpoint.kind.as_str() {
            "Gateway" => endpoint.route_tables.contains(&table.id),
            _ => true,
        })
    };
    let missing: Vec<_> = needed(named)
        .into_iter()
        .filter(|service| !has(service))
        .collect();
    let id = &subnet.id;
    if missing.is_empty() {
        return named.images.is_empty().then(|| {
            let first = match way {
                Way::Public => "Set EnablePublicIP = true in [Fargate], or make",
                _ => "Make",
            };
            WAY_OUT.warn(
                format!("{id} has no way out, and no image in ECR is named: doctor does not see whether tasks reach the registry"),
                format!(
                    "{first} sure that tasks reach the registry, GitLab and everything that jobs download without the internet; \
                     fargate try shows it."
                ),
            )
        });
    }
    let list = missing.join(", ");
    let create = |service: &&str| {
        let more = match *service {
            "s3" => format!("--vpc-endpoint-type Gateway --route-table-ids {}", table.id),
            _ => format!("--vpc-endpoint-type Interface --subnet-ids {id}"),
        };
        format!(
            "\n$ aws ec2 create-vpc-endpoint --region {region} --vpc-id {} --service-name com.amazonaws.{region}.{service} {more}",
            vpc.id
        )
    };
    let commands: String = missing.iter().map(create).collect();
    Some(match way {
        Way::Public => WAY_OUT.fail(
            format!("{id} leads to an internet gateway, and EnablePublicIP is false: tasks have no way out"),
            "Set EnablePublicIP = true in [Fargate] (with UsePublicIP = false to connect by private addresses), or name a subnet \
             behind a NAT gateway.",
        ),
        _ => WAY_OUT.fail(
            format!("{id} has no default route, and the VPC no endpoints for {list}: tasks have no way out"),
            format!("Give the subnet a NAT gateway, or the VPC these endpoints:{commands}"),
        ),
    })
}

/// The services without which no task starts.
fn needed(named: &Named) -> Vec<&'static str> {
    let mut needed = Vec::new();
    // Other registries have no endpoint.
    if !named.images.is_empty() {
        needed.extend(["ecr.api", "ecr.dkr", "s3"]);
    }
    if !named.log_groups.is_empty() {
        needed.push("logs");
    }
    if !named.secrets.is_empty() {
        needed.push("secretsmanager");
    }
    needed
}

/// Whether tasks need an endpoint's private names: those of a service that they use.
pub(super) fn has_names_for_tasks(endpoint: &VpcEndpoint, region: &str, named: &Named) -> bool {
    endpoint.kind == "Interface"
        && endpoint.private_dns_enabled
        && needed(named).iter().any(|service| {
            endpoint
                .service_name
                .ends_with(&format!(".{region}.{service}"))
        })
}

/// The faults of the endpoints of a network.
///
/// Where tasks have a way out, they take its place, so a bad one does harm there, too.
pub(super) fn judged(
    subnets: &[Subnet],
    vpc: &Vpc,
    config: &Config,
    are_needed: bool,
) -> Vec<Check> {
    let endpoints = match &vpc.endpoints {
        Ok(endpoints) => endpoints,
        Err(refusal) if are_needed => return vec![super::answers::skipped(refusal, &ENDPOINTS)],
        Err(_) => return Vec::new(),
    };
    const OF_TASKS: [&str; 5] = ["ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager"];
    let region = &config.fargate.region;
    let is_of_tasks = |endpoint: &&VpcEndpoint| {
        let mut services = OF_TASKS.iter();
        services.any(|service| {
            endpoint
                .service_name
                .ends_with(&format!(".{region}.{service}"))
        })
    };
    let wrong = endpoints.iter().filter(is_of_tasks);
    wrong
        .filter_map(|endpoint| {
            let (id, service) = (&endpoint.id, &endpoint.service_name);
            if !endpoint.state.eq_ignore_ascii_case("available") {
                return Some(ENDPOINTS.fail(
                    format!("{id} for {service} is {}", endpoint.state),
                    format!("Wait for it, or delete it:\n$ aws ec2 delete-vpc-endpoints --region {region} --vpc-endpoint-ids {id}"),
                ));
            }
            let is_private = endpoint.kind != "Interface" || endpoint.private_dns_enabled;
            if !is_private && are_needed {
                return Some(ENDPOINTS.fail(
                    format!("{id} for {service} has no private DNS names, so tasks do not find it"),
                    format!(
                        "$ aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {id} --private-dns-enabled"
                    ),
                ));
            }
            if let Some(shut) = endpoint_groups::shut(endpoint, subnets, vpc, config) {
                return Some(shut);
            }
            is_restricted(&endpoint.policy_document).then(|| {
                ENDPOINTS.warn(
                    format!("{id} for {service} has a policy of its own, which doctor does not judge"),
                    format!(
                        "Make sure that it allows what tasks do; this shows it:\n$ aws ec2 describe-vpc-endpoints --region {region} \
                         --vpc-endpoint-ids {id} --query VpcEndpoints[].PolicyDocument --output text"
                    ),
                )
            })
        })
        .collect()
}

/// Whether a policy is other than full access, with which AWS makes endpoints: anybody may do anything.
fn is_restricted(policy: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return false,
    };
    let is = |statement: &Value, key: &str, wanted: &str| {
        statement.get(key).and_then(Value::as_str) == Some(wanted)
    };
    let is_full = |statement: &Value| {
        is(statement, "Effect", "Allow")
            && is(statement, "Principal", "*")
            && is(statement, "Action", "*")
            && is(statement, "Resource", "*")
            && statement.get("Condition").is_none()
    };
    !statements.iter().any(is_full)
        || statements
            .iter()
            .any(|statement| is(statement, "Effect", "Deny"))
}

#[cfg(test)]
mod tests {
    use super::is_restricted;

    #[test]
    fn the_policy_that_aws_gives_endpoints_is_full_access() {
        // AWS: control access to VPC endpoints using endpoint policies, the default policy.
        let full = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;
        assert!(!is_restricted(full) && !is_restricted(""));
        assert!(is_restricted(
            &full.replace("\"Action\": \"*\"", "\"Action\": \"s3:GetObject\"")
        ));
        assert!(is_restricted(&full.replace("Allow", "Deny")));
    }
}
