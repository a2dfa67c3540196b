//! CloudWatch, as far as a caller reads the use of quotas: GetMetricData.

use serde_json::{Value, json};

use crate::ec2::Query;
use crate::error::ApiError;
use crate::resources::Resources;
use crate::xml::{self, CLOUDWATCH_NAMESPACE};

/// Answers one call.
pub(crate) fn call(
    resources: &Resources,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    if operation != "GetMetricData" {
        return Err(ApiError::no_such_operation(operation, "2010-08-01"));
    }
    let result = metrics(resources, query)?;
    Ok(xml::result(
        CLOUDWATCH_NAMESPACE,
        operation,
        result,
        request_id,
    ))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

/// A parameter that has to be there.
fn need<'a>(query: &'a Query, name: &str) -> Result<&'a str, ApiError> {
    let value = query.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        ApiError::new(
            400,
            "MissingParameter",
            format!("The parameter {name} is required."),
        )
    })
}

fn metrics(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let (start, end) = (need(query, "StartTime")?, need(query, "EndTime")?);
    for time in [start, end] {
        if !is_time(time) {
            return Err(ApiError::new(
                400,
                "MalformedInput",
                format!("timestamp must follow ISO8601, and is {time}"),
            ));
        }
    }
    // Both have one form, so their order is that of their texts.
    if start >= end {
        let message = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(ApiError::new(400, "InvalidParameterValue", message));
    }
    need(query, "MetricDataQueries.member.1.Id")?;
    let mut results = Vec::new();
    for at in 1.. {
        let prefix = format!("MetricDataQueries.member.{at}");
        let Some(id) = query.get(&format!("{prefix}.Id")) else {
            break;
        };
        results.push(metric(resources, query, &prefix, id, end)?);
    }
    Ok(json!({ "MetricDataResults": { "member": results } }))
}

/// Whether a time is written as `2026-01-02T03:04:05Z`.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00Z"
}

/// The newest value of a metric.
fn metric(
    resources: &Resources,
    query: &Query,
    prefix: &str,
    id: &str,
    end: &str,
) -> Result<Value, ApiError> {
    let is_id = id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_id {
        return Err(invalid(format!(
            "The value {id} for parameter {prefix}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let stat = format!("{prefix}.MetricStat");
    let period = need(query, &format!("{stat}.Period"))?;
    if period.parse::<u32>().is_ok_and(|period| period % 60 != 0) || period.parse::<u32>().is_err()
    {
        return Err(invalid(format!(
            "Invalid value for parameter {stat}.Period: it must be a multiple of 60."
        )));
    }
    need(query, &format!("{stat}.Stat"))?;
    let name = need(query, &format!("{stat}.Metric.MetricName"))?;
    let namespace = need(query, &format!("{stat}.Metric.Namespace"))?;
    let used = (namespace, name) == ("AWS/Usage", "ResourceCount");
    let used = used.then(|| usage(resources, query, &format!("{stat}.Metric.Dimensions")));
    let value = used.flatten();
    let members = |values: Vec<String>| match values.is_empty() {
        true => json!({}),
        false => json!({ "member": values }),
    };
    Ok(json!({
        "Id": id, "Label": name, "StatusCode": "Complete",
        "Timestamps": members(value.iter().map(|_| end.to_owned()).collect()),
        "Values": members(value.iter().map(f64::to_string).collect()),
    }))
}

/// The vCPUs in use of the class that the dimensions name. A metric has exactly its own dimensions.
fn usage(resources: &Resources, query: &Query, prefix: &str) -> Option<f64> {
    let dimension = |at: usize, part: &str| query.get(&format!("{prefix}.member.{at}.{part}"));
    let mut given: Vec<_> = (1..)
        .map_while(|at| Some((dimension(at, "Name")?, dimension(at, "Value")?)))
        .collect();
    given.sort_unstable();
    match given.as_slice() {
        [
            ("Class", class),
            ("Resource", "vCPU"),
            ("Service", "Fargate"),
            ("Type", "Resource"),
        ] => resources.usage.get(*class).copied(),
        _ => None,
    }
}
