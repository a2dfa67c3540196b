//! DescribeLogStreams: a group's streams, page by page.

use serde::{Deserialize, Serialize};

use super::checks::{bounded, find, invalid};
use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::log_groups::{LogStream, RegionLogGroups};
use crate::timestamp::Timestamp;

/// Most streams of a page, and the default (CloudWatch Logs: DescribeLogStreams).
const PAGE: i64 = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogStreamsReply {
    log_streams: Vec<DescribedStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribedStream {
    log_stream_name: String,
    creation_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<u64>,
    arn: String,
    /// AWS no longer counts them.
    stored_bytes: u64,
}

/// Lists streams.
pub(super) fn describe(
    groups: &RegionLogGroups,
    region: &str,
    input: DescribeLogStreams,
) -> Result<DescribeLogStreamsReply, ApiError> {
    let limit = bounded("limit", input.limit, (1, PAGE))?;
    let by_time = is_by_time(input.order_by.as_deref())?;
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    if by_time && !prefix.is_empty() {
        return Err(ApiError::invalid_parameter(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let (group_name, group) = find(
        groups,
        input.log_group_name.as_deref(),
        input.log_group_identifier.as_deref(),
    )?;
    let group_arn = format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{group_name}");
    let mut streams: Vec<_> = group
        .streams
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, stream)| describe_one(&group_arn, name, stream))
        .collect();
    if by_time {
        streams.sort_by_key(|stream| stream.last_event_timestamp);
    }
    if input.descending {
        streams.reverse();
    }
    if let Some(token) = input.next_token {
        let after = streams
            .iter()
            .position(|stream| stream.log_stream_name == token)
            .ok_or_else(|| ApiError::invalid_parameter("The specified nextToken is invalid."))?;
        streams.drain(..=after);
    }
    let most = limit.unwrap_or(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let more = streams.len() > most;
    streams.truncate(most);
    let next_token = streams
        .last()
        .filter(|_| more)
        .map(|stream| stream.log_stream_name.clone());
    Ok(DescribeLogStreamsReply {
        log_streams: streams,
        next_token,
    })
}

/// Whether the order is that of the last events. By default it is that of the names.
fn is_by_time(order: Option<&str>) -> Result<bool, ApiError> {
    match order {
        None | Some("LogStreamName") => Ok(false),
        Some("LastEventTime") => Ok(true),
        Some(other) => {
            let known = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
            Err(invalid(&format!("'{other}'"), "orderBy", known))
        }
    }
}

fn describe_one(group_arn: &str, name: &str, stream: &LogStream) -> DescribedStream {
    let now = Timestamp::now();
    let events = stream.events();
    let first = events.readable(now).next().map(|(_, event)| event);
    let last = events.readable(now).last().map(|(_, event)| event);
    DescribedStream {
        log_stream_name: name.to_owned(),
        creation_time: events.created.millis(),
        first_event_timestamp: first.map(|event| event.written.millis()),
        last_event_timestamp: last.map(|event| event.written.millis()),
        last_ingestion_time: last.map(|event| event.ingested.millis()),
        arn: format!("{group_arn}:log-stream:{name}"),
        stored_bytes: 0,
    }
}
