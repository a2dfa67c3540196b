//! IAM: roles, and what the manager's own may do.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed::{self, Members};

/// A role.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) arn: String,
    /// Its trust policy.
    pub(crate) trust: Value,
    /// ARN of its permissions boundary.
    pub(crate) boundary: Option<String>,
}

/// Actions that share resources and conditions.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) actions: Vec<&'static str>,
    pub(crate) resources: Vec<String>,
    /// Values of IAM's condition keys.
    pub(crate) context: Vec<(&'static str, String)>,
}

/// IAM's verdict on an action and a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) is_allowed: bool,
    /// Whether a policy denies it, against which no permission helps.
    pub(crate) is_explicit: bool,
    /// Whether the verdict hangs on values that were not given.
    pub(crate) is_uncertain: bool,
    /// The kind of policy above the role that does not allow it.
    pub(crate) forbidden_by: Option<&'static str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRoleResponse {
    get_role_result: GetRoleResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRoleResult {
    role: WireRole,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireRole {
    arn: String,
    #[serde(default)]
    assume_role_policy_document: String,
    permissions_boundary: Option<Boundary>,
}

#[derive(Debug, Deserialize)]
struct Boundary {
    #[serde(rename = "PermissionsBoundaryArn")]
    arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SimulatePrincipalPolicyResponse {
    simulate_principal_policy_result: SimulationResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SimulationResult {
    evaluation_results: Members<Evaluation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    eval_action_name: String,
    #[serde(default)]
    eval_resource_name: String,
    eval_decision: String,
    #[serde(default)]
    missing_context_values: Members<String>,
    organizations_decision_detail: Option<OrganizationsDetail>,
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
    #[serde(default)]
    resource_specific_results: Members<OfResource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfResource {
    eval_resource_name: String,
    eval_resource_decision: String,
    #[serde(default)]
    missing_context_values: Members<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrganizationsDetail {
    allowed_by_organizations: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDetail {
    allowed_by_permissions_boundary: Option<bool>,
}

impl Evaluation {
    /// One decision per resource. IAM's decision about the whole is an aggregate, and its resource a template.
    fn decisions(self) -> Vec<Decision> {
        let organizations = self.organizations_decision_detail;
        let organizations = organizations.and_then(|detail| detail.allowed_by_organizations);
        let boundary = self.permissions_boundary_decision_detail;
        let boundary = boundary.and_then(|detail| detail.allowed_by_permissions_boundary);
        let forbidden_by = match (organizations, boundary) {
            (Some(false), _) => Some("service control policy"),
            (_, Some(false)) => Some("permissions boundary"),
            _ => None,
        };
        let decision = |resource: String, verdict: &str, missing: &Members<String>| Decision {
            action: self.eval_action_name.clone(),
            resource,
            is_allowed: verdict == "allowed",
            is_explicit: verdict == "explicitDeny",
            is_uncertain: !missing.member.is_empty(),
            forbidden_by,
        };
        let each = self.resource_specific_results.member;
        if each.is_empty() {
            let resource = self.eval_resource_name.clone();
            return vec![decision(
                resource,
                &self.eval_decision,
                &self.missing_context_values,
            )];
        }
        each.into_iter()
            .map(|one| {
                let verdict = one.eval_resource_decision;
                decision(
                    one.eval_resource_name,
                    &verdict,
                    &one.missing_context_values,
                )
            })
            .collect()
    }
}

impl Aws {
    /// IAM's client: it answers for all Regions.
    fn iam(&self) -> signed::Client {
        let region = self.shared.region().map(AsRef::as_ref).unwrap_or_default();
        let region = signed::iam_region(region);
        signed::Client::new(&self.in_region(region).shared, &signed::IAM)
    }

    /// A role by its name, if it exists.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn role(&self, name: &str) -> Result<Option<Role>, AwsError> {
        let called = self
            .iam()
            .call("iam:GetRole", json!({ "RoleName": name }))
            .await;
        let reply: GetRoleResponse = match called {
            Err(refusal) if refusal.has_code("NoSuchEntity") => return Ok(None),
            reply => reply?,
        };
        let role = reply.get_role_result.role;
        // IAM encodes it as part of a URL. A plus sign stays one.
        let encoded = role.assume_role_policy_document.replace('+', "%2B");
        let decoded = form_urlencoded::parse(encoded.as_bytes()).next();
        let (decoded, _) = decoded.unwrap_or_default();
        Ok(Some(Role {
            arn: role.arn,
            trust: serde_json::from_str(&decoded).unwrap_or_default(),
            boundary: role.permissions_boundary.and_then(|boundary| boundary.arn),
        }))
    }

    /// IAM's decisions for the role `arn`: every action of the wish on each of its resources.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn simulate(&self, arn: &str, wish: &Wish) -> Result<Vec<Decision>, AwsError> {
        let context = wish.context.iter().map(|(key, value)| {
            json!({ "ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string" })
        });
        let parameters = json!({
            "PolicySourceArn": arn, "ActionNames": wish.actions, "ResourceArns": wish.resources,
            "ContextEntries": context.collect::<Vec<_>>(), "MaxItems": 1000,
        });
        let iam = self.iam();
        let reply: SimulatePrincipalPolicyResponse =
            iam.call("iam:SimulatePrincipalPolicy", parameters).await?;
        let results = reply
            .simulate_principal_policy_result
            .evaluation_results
            .member;
        Ok(results
            .into_iter()
            .flat_map(Evaluation::decisions)
            .collect())
    }
}
