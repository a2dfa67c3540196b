//! CloudFormation, as far as a caller reads the outputs of a stack: DescribeStacks.

use serde_json::{Map, Value, json};

use crate::ec2::Query;
use crate::error::ApiError;
use crate::resources::{Members, Resources};
use crate::xml::{self, CLOUDFORMATION_NAMESPACE};

/// Answers one call.
pub(crate) fn call(
    resources: &Resources,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    if operation != "DescribeStacks" {
        return Err(ApiError::no_such_operation(operation, "2010-05-15"));
    }
    let result = stacks(resources, query)?;
    Ok(xml::result(
        CLOUDFORMATION_NAMESPACE,
        operation,
        result,
        request_id,
    ))
}

/// The stack of a name or ID, or all.
fn stacks(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let Some(name) = query.get("StackName") else {
        let all = resources.stacks.iter().map(shown);
        return Ok(json!({ "Stacks": { "member": all.collect::<Vec<_>>() } }));
    };
    let is_named = |stack: &&Members| {
        let mut names = ["StackName", "StackId"].into_iter();
        names.any(|key| stack.get(key).and_then(Value::as_str) == Some(name))
    };
    let found = resources.stacks.iter().find(is_named).ok_or_else(|| {
        let message = format!("Stack with id {name} does not exist");
        ApiError::new(400, "ValidationError", message)
    })?;
    Ok(json!({ "Stacks": { "member": [shown(found)] } }))
}

/// A stack as XML needs it: the elements of lists are called `member`.
fn shown(stack: &Members) -> Value {
    let members = stack.iter().map(|(name, value)| {
        let value = match value {
            Value::Array(elements) => json!({ "member": elements }),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}
