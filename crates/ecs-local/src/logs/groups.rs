//! DescribeLogGroups: the groups whose names begin with a text, page by page.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::bounded;
use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::log_groups::RegionLogGroups;
use crate::resources::{Resources, overlay};

/// Most groups of a page, and the default (CloudWatch Logs: DescribeLogGroups).
const PAGE: i64 = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogGroups {
    log_group_name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogGroupsReply {
    log_groups: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Lists groups.
pub(super) fn describe(
    groups: &RegionLogGroups,
    resources: &Resources,
    region: &str,
    input: DescribeLogGroups,
) -> Result<DescribeLogGroupsReply, ApiError> {
    let limit = bounded("limit", input.limit, (1, PAGE))?;
    let prefix = input.log_group_name_prefix.unwrap_or_default();
    let names = groups.keys().filter(|name| name.starts_with(&prefix));
    let mut names: Vec<_> = names.collect();
    if let Some(token) = input.next_token {
        let after = names.iter().position(|name| **name == token);
        let after = after
            .ok_or_else(|| ApiError::invalid_parameter("The specified nextToken is invalid."))?;
        names.drain(..=after);
    }
    let most = limit.unwrap_or(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let more = names.len() > most;
    names.truncate(most);
    let next_token = names.last().filter(|_| more).map(|name| (*name).clone());
    let shown = names.into_iter().map(|name| {
        let arn = format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}");
        let mut group = json!({
            "logGroupName": name, "creationTime": 1_767_323_045_000_i64, "metricFilterCount": 0, "arn": format!("{arn}:*"),
            "logGroupArn": arn, "storedBytes": 0, "logGroupClass": "STANDARD",
        });
        overlay(&mut group, resources.log_groups.get(name));
        group
    });
    Ok(DescribeLogGroupsReply {
        log_groups: shown.collect(),
        next_token,
    })
}
