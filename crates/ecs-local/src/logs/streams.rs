//! DescribeLogStreams: a group's streams, page by page.

use serde::{Deserialize, Serialize};

use super::groups::{Groups, find};
use super::{bounded, invalid};
use crate::ACCOUNT;
use crate::error::ApiError;
use crate::task::Timestamp;

/// Most streams of a page, and how many there are without a limit (CloudWatch Logs: DescribeLogStreams).
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
    log_streams: Vec<LogStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogStream {
    log_stream_name: String,
    creation_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<u64>,
    arn: String,
    /// AWS counts no longer.
    stored_bytes: u64,
}

/// Lists streams.
pub(super) fn describe(
    groups: &Groups,
    region: &str,
    input: DescribeLogStreams,
) -> Result<DescribeLogStreamsReply, ApiError> {
    let limit = bounded("limit", input.limit, (1, PAGE))?;
    let by_time = match input.order_by.as_deref() {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") => true,
        Some(other) => {
            let known = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
            return Err(invalid(&format!("'{other}'"), "orderBy", known));
        }
    };
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
    let now = Timestamp::now();
    let mut streams: Vec<_> = group
        .streams
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, stream)| {
            let events = stream.lock();
            let first = events.readable(now).next().map(|(_, event)| event);
            let last = events.readable(now).last().map(|(_, event)| event);
            LogStream {
                log_stream_name: name.clone(),
                creation_time: events.created.millis(),
                first_event_timestamp: first.map(|event| event.written.millis()),
                last_event_timestamp: last.map(|event| event.written.millis()),
                last_ingestion_time: last.map(|event| event.ingested.millis()),
                arn: format!(
                    "arn:aws:logs:{region}:{ACCOUNT}:log-group:{group_name}:log-stream:{name}"
                ),
                stored_bytes: 0,
            }
        })
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
