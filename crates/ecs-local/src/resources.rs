//! What the account has beside the resources of tasks, and what its caller may not do: data that replies show.
//!
//! Members are in AWS's own shapes and names, as the replies have them. Nothing here has an effect on tasks.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account::{ACCOUNT, CALLER_ARN, VPC};
use crate::error::Denial;
use crate::service::AwsService;

/// Members of one object of a reply.
pub(crate) type Members = Map<String, Value>;

/// A document of resources. A member that a document leaves out is as in [`Resources::default`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Resources {
    /// ARN of the caller.
    pub(crate) caller_arn: String,
    /// IAM actions that no policy allows the caller.
    pub(crate) denied: Vec<String>,
    /// IAM actions that a policy denies.
    pub(crate) explicitly_denied: Vec<String>,
    /// IAM actions that a service control policy denies.
    pub(crate) denied_by_organization: Vec<String>,
    /// IAM actions that the role's permissions boundary does not allow.
    pub(crate) denied_by_boundary: Vec<String>,
    /// By how many seconds AWS's clock is ahead of this machine's.
    pub(crate) clock_offset: i64,
    /// Other members of clusters, by name.
    pub(crate) clusters: BTreeMap<String, Members>,
    /// Other members of subnets, by ID.
    pub(crate) subnets: BTreeMap<String, Members>,
    /// Other members of security groups, by ID.
    pub(crate) security_groups: BTreeMap<String, Members>,
    pub(crate) route_tables: Vec<Members>,
    pub(crate) vpc_endpoints: Vec<Members>,
    /// The attributes of VPCs, such as `enableDnsSupport`, by ID.
    pub(crate) vpcs: BTreeMap<String, BTreeMap<String, bool>>,
    /// The ranges of prefix lists, by ID.
    pub(crate) prefix_lists: BTreeMap<String, Vec<String>>,
    /// Fargate's quotas, by code.
    pub(crate) quotas: BTreeMap<String, f64>,
    /// vCPUs of Fargate in use, by class, such as `Standard/OnDemand`.
    pub(crate) usage: BTreeMap<String, f64>,
    /// Images in ECR, as DescribeImages shows them, with `imageManifest` as BatchGetImage does.
    pub(crate) images: Vec<Members>,
    /// Other members of log groups, by name.
    pub(crate) log_groups: BTreeMap<String, Members>,
    /// Secrets, as DescribeSecret shows them, with `SecretString` as GetSecretValue does.
    pub(crate) secrets: Vec<Members>,
    /// Stacks of CloudFormation, as DescribeStacks shows them.
    pub(crate) stacks: Vec<Members>,
    /// Roles of IAM. `AssumeRolePolicyDocument` is plain JSON here.
    pub(crate) roles: Vec<Members>,
    /// The instance's metadata, by path below `/latest/`. Without any, there is no instance.
    pub(crate) instance: BTreeMap<String, String>,
}

impl Resources {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or has an unknown member.
    pub fn parse(json: &str) -> anyhow::Result<Self> {
        serde_json::from_str(json).context("reading the document of resources")
    }

    /// Why the caller may not call an operation, if so.
    pub(crate) fn denial(&self, service: AwsService, operation: &str) -> Option<Denial> {
        // The caller's own identity needs no permission, even under an explicit deny.
        match operation {
            "GetCallerIdentity" => None,
            _ => self.denial_of(&service.action(operation)),
        }
    }

    /// Why an IAM action is refused, if so.
    pub(crate) fn denial_of(&self, action: &str) -> Option<Denial> {
        let lists = [
            (&self.denied_by_organization, Denial::Organization),
            (&self.explicitly_denied, Denial::Explicit),
            (&self.denied_by_boundary, Denial::Boundary),
            (&self.denied, Denial::Implicit),
        ];
        let mut lists = lists.into_iter();
        let (_, denial) = lists.find(|(list, _)| list.iter().any(|one| one == action))?;
        Some(denial)
    }

    /// Gives the clusters of a reply their other members.
    pub(crate) fn dress_clusters(&self, document: String) -> String {
        if self.clusters.is_empty() {
            return document;
        }
        let mut reply: Value = serde_json::from_str(&document).unwrap_or_default();
        let clusters = reply.get_mut("clusters").and_then(Value::as_array_mut);
        for cluster in clusters.into_iter().flatten() {
            let name = cluster.get("clusterName").and_then(Value::as_str);
            let members = name.and_then(|name| self.clusters.get(name));
            overlay(cluster, members);
        }
        reply.to_string()
    }
}

/// Puts `members` in the place of an object's own.
pub(crate) fn overlay(object: &mut Value, members: Option<&Members>) {
    if let (Some(object), Some(members)) = (object.as_object_mut(), members) {
        object.extend(members.clone());
    }
}

/// A VPC with a way to the internet, the quotas of a new account, and roles that tasks can take.
impl Default for Resources {
    fn default() -> Self {
        let members = |value: Value| match value {
            Value::Object(members) => members,
            _ => Members::new(),
        };
        let table = json!({
            "routeTableId": "rtb-0a1b2c3d4e5f60005", "vpcId": VPC, "ownerId": ACCOUNT, "tagSet": [],
            "associationSet": [{
                "routeTableAssociationId": "rtbassoc-0a1b2c3d4e5f60006", "routeTableId": "rtb-0a1b2c3d4e5f60005", "main": true,
                "associationState": { "state": "associated" },
            }],
            "routeSet": [
                { "destinationCidrBlock": "127.64.0.0/10", "gatewayId": "local", "state": "active", "origin": "CreateRouteTable" },
                { "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-0a1b2c3d4e5f60007", "state": "active",
                    "origin": "CreateRoute" },
            ],
        });
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }],
        });
        let role = |name: &str, path: &str| {
            members(json!({
                "Path": path, "RoleName": name, "RoleId": "AROA0A1B2C3D4E5F60008",
                "Arn": format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"), "CreateDate": "2026-01-02T03:04:05Z",
                "AssumeRolePolicyDocument": trust.to_string(), "MaxSessionDuration": 3600,
            }))
        };
        let attributes = [("enableDnsSupport", true), ("enableDnsHostnames", true)];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
        Self {
            caller_arn: CALLER_ARN.to_owned(),
            denied: Vec::new(),
            explicitly_denied: Vec::new(),
            denied_by_organization: Vec::new(),
            denied_by_boundary: Vec::new(),
            clock_offset: 0,
            clusters: BTreeMap::new(),
            subnets: BTreeMap::new(),
            security_groups: BTreeMap::new(),
            route_tables: vec![members(table)],
            vpc_endpoints: Vec::new(),
            vpcs: [(VPC.to_owned(), attributes.into())].into(),
            prefix_lists: BTreeMap::new(),
            quotas: [
                ("L-3032A538".to_owned(), 6.0),
                ("L-36FBB829".to_owned(), 6.0),
            ]
            .into(),
            usage: BTreeMap::new(),
            images: Vec::new(),
            log_groups: BTreeMap::new(),
            secrets: Vec::new(),
            stacks: Vec::new(),
            roles: ["ci-manager", "ci-execution", "ci-task"]
                .map(|name| role(name, "/"))
                .into_iter()
                .chain([role(
                    "AWSServiceRoleForECS",
                    "/aws-service-role/ecs.amazonaws.com/",
                )])
                .collect(),
            instance: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_changes_what_it_names() {
        let resources = Resources::parse(r#"{"denied": ["ec2:DescribeSubnets"]}"#).unwrap();
        let denial = |operation| resources.denial(AwsService::Ec2, operation);
        assert_eq!(denial("DescribeSubnets"), Some(Denial::Implicit));
        assert_eq!(denial("DescribeRouteTables"), None);
        assert_eq!(resources.route_tables.len(), 1);
        assert!(Resources::parse(r#"{"forbidden": []}"#).is_err());
    }
}
