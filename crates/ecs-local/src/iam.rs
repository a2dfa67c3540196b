//! IAM, as far as a caller asks for its own rights: GetRole and SimulatePrincipalPolicy.

use serde_json::{Value, json};

use crate::ec2::Query;
use crate::error::{ApiError, Denial};
use crate::resources::{Members, Resources};
use crate::xml::{self, IAM_NAMESPACE};

/// Answers one call.
pub(crate) fn call(
    resources: &Resources,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    let result = match operation {
        "GetRole" => role(resources, query)?,
        "SimulatePrincipalPolicy" => simulation(resources, query)?,
        _ => return Err(ApiError::no_such_operation(operation, "2010-05-08")),
    };
    Ok(xml::result(IAM_NAMESPACE, operation, result, request_id))
}

fn role(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let name = query.get("RoleName").unwrap_or_default();
    let found = resources
        .roles
        .iter()
        .find(|role| member(role, "RoleName") == name);
    let mut role = found
        .cloned()
        .ok_or_else(|| no_such(&format!("The role with name {name} cannot be found.")))?;
    // IAM encodes policy documents as RFC 3986 has it.
    let policy: String = member(&role, "AssumeRolePolicyDocument")
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    role.insert("AssumeRolePolicyDocument".to_owned(), policy.into());
    Ok(json!({ "Role": shown(&Value::Object(role)) }))
}

/// Judges every action against every resource.
fn simulation(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let source = query.get("PolicySourceArn").unwrap_or_default();
    let is_principal = [":role/", ":user/", ":group/"]
        .iter()
        .any(|kind| source.contains(kind));
    if !source.starts_with("arn:") || !is_principal {
        let message =
            format!("Invalid Entity Arn: {source} does not clearly define entity type and name.");
        return Err(ApiError::new(400, "InvalidInput", message));
    }
    if !resources
        .roles
        .iter()
        .any(|role| member(role, "Arn") == source)
    {
        return Err(no_such(&format!("{source} cannot be found.")));
    }
    let actions = query.list("ActionNames.member");
    if actions.is_empty() {
        let message = "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must not be null";
        return Err(ApiError::new(400, "ValidationError", message));
    }
    let mut named = query.list("ResourceArns.member");
    if named.is_empty() {
        named.push("*");
    }
    let results = actions
        .iter()
        .map(|action| evaluation(resources, action, &named));
    Ok(json!({
        "IsTruncated": false,
        "EvaluationResults": { "member": results.collect::<Vec<_>>() },
    }))
}

fn evaluation(resources: &Resources, action: &str, named: &[&str]) -> Value {
    let denial = resources.denial_of(action);
    let decision = match denial {
        Some(Denial::Explicit | Denial::Organization) => "explicitDeny",
        Some(Denial::Implicit | Denial::Boundary) => "implicitDeny",
        None => "allowed",
    };
    let matched = match decision {
        "implicitDeny" => json!({}),
        _ => {
            json!({ "member": [{ "SourcePolicyId": "ci-manager", "SourcePolicyType": "role" }] })
        }
    };
    let each = named.iter().map(|resource| {
        json!({
            "EvalResourceName": resource, "EvalResourceDecision": decision, "MatchedStatements": matched,
            "MissingContextValues": {},
        })
    });
    let mut evaluation = json!({
        "EvalActionName": action, "EvalResourceName": named.first(), "EvalDecision": decision,
        "MatchedStatements": matched, "MissingContextValues": {},
        "ResourceSpecificResults": { "member": each.collect::<Vec<_>>() },
    });
    let (detail, member) = match denial {
        Some(Denial::Organization) => ("OrganizationsDecisionDetail", "AllowedByOrganizations"),
        Some(Denial::Boundary) => (
            "PermissionsBoundaryDecisionDetail",
            "AllowedByPermissionsBoundary",
        ),
        _ => return evaluation,
    };
    if let Some(members) = evaluation.as_object_mut() {
        members.insert(detail.to_owned(), json!({ member: false }));
    }
    evaluation
}

fn no_such(message: &str) -> ApiError {
    ApiError::new(404, "NoSuchEntity", message)
}

fn member<'a>(role: &'a Members, name: &str) -> &'a str {
    role.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A value as XML needs it: text at the leaves.
fn shown(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), shown(value)));
            Value::Object(members.collect())
        }
        Value::String(text) => Value::String(text.clone()),
        other => Value::String(other.to_string()),
    }
}
