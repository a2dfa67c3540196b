//! GetLogEvents: a page of a stream, and the tokens of the pages before and after it.

use serde::{Deserialize, Serialize};

use super::checks::{bounded, find, invalid, not_found};
use crate::error::ApiError;
use crate::log_groups::{LogEvent, RegionLogGroups};
use crate::timestamp::Timestamp;

/// Most events of a page, and most bytes (CloudWatch Logs: GetLogEvents).
const PAGE: i64 = 10_000;
const PAGE_SIZE: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    start_from_head: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetLogEventsReply {
    events: Vec<OutputLogEvent>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputLogEvent {
    timestamp: u64,
    message: String,
    ingestion_time: u64,
}

/// The start of a page: between the event of this number and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// The page holds the events that follow.
    Forward(u64),
    /// The page is empty, though events follow: readers go on until a token comes again (CloudWatch Logs:
    /// GetLogEvents). Full pages lead here.
    Gap(u64),
    /// The page holds the events before.
    Backward(u64),
}

/// What tells a gap from a page in a token.
const GAP: u64 = 1 << 62;

impl Cursor {
    fn parse(token: &str) -> Option<Self> {
        let position = |digits: &str| digits.strip_suffix("/s")?.parse().ok();
        match token.split_at_checked(2)? {
            ("f/", digits) => {
                position(digits).map(|position: u64| match position.checked_sub(GAP) {
                    Some(position) => Self::Gap(position),
                    None => Self::Forward(position),
                })
            }
            ("b/", digits) => position(digits).map(Self::Backward),
            _ => None,
        }
    }

    /// The token, as long as AWS's tokens.
    fn token(self) -> String {
        match self {
            Self::Forward(position) => format!("f/{position:056}/s"),
            Self::Gap(position) => format!("f/{:056}/s", GAP + position),
            Self::Backward(position) => format!("b/{position:056}/s"),
        }
    }
}

/// Reads a page.
pub(super) fn get(
    groups: &RegionLogGroups,
    input: GetLogEvents,
) -> Result<GetLogEventsReply, ApiError> {
    let limit = bounded("limit", input.limit, (1, PAGE))?;
    let from = time("startTime", input.start_time)?;
    let until = time("endTime", input.end_time)?;
    let name = input
        .log_stream_name
        .ok_or_else(|| invalid("null", "logStreamName", "Member must not be null"))?;
    let (_, group) = find(
        groups,
        input.log_group_name.as_deref(),
        input.log_group_identifier.as_deref(),
    )?;
    let stream = group
        .streams
        .get(&name)
        .ok_or_else(|| not_found("stream"))?
        .events();
    let events: Vec<_> = stream
        .readable(Timestamp::now())
        .filter(|(_, event)| {
            let written = event.written.millis();
            from.is_none_or(|from| written >= from) && until.is_none_or(|until| written < until)
        })
        .collect();
    let cursor = match input.next_token.as_deref() {
        Some(token) => Cursor::parse(token)
            .ok_or_else(|| ApiError::invalid_parameter("The specified nextToken is invalid."))?,
        None if input.start_from_head => Cursor::Forward(0),
        None => Cursor::Backward(events.last().map_or(0, |(number, _)| number + 1)),
    };
    let page = page(&events, cursor, limit.unwrap_or(usize::MAX));
    let position = match cursor {
        Cursor::Forward(position) | Cursor::Gap(position) | Cursor::Backward(position) => position,
    };
    // At the end of the stream the reply repeats the token of the request.
    let before = page.first().map_or(position, |(number, _)| *number);
    let after = page.last().map_or(position, |(number, _)| number + 1);
    let is_last = events.last().is_none_or(|(number, _)| *number < after);
    let next = match cursor {
        Cursor::Forward(_) if !is_last && !page.is_empty() => Cursor::Gap(after),
        _ => Cursor::Forward(after),
    };
    Ok(GetLogEventsReply {
        events: page
            .iter()
            .map(|(_, event)| OutputLogEvent {
                timestamp: event.written.millis(),
                message: event.message.clone(),
                ingestion_time: event.ingested.millis(),
            })
            .collect(),
        next_forward_token: next.token(),
        next_backward_token: Cursor::Backward(before).token(),
    })
}

/// The events of the page at the cursor.
fn page<'a>(
    events: &'a [(u64, &'a LogEvent)],
    cursor: Cursor,
    limit: usize,
) -> &'a [(u64, &'a LogEvent)] {
    let most = limit.min(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let split =
        |position| events.split_at(events.partition_point(|(number, _)| *number < position));
    let mut size = 0;
    let mut fits = |event: &LogEvent| {
        size += event.size();
        size <= PAGE_SIZE
    };
    match cursor {
        Cursor::Forward(position) => {
            let (_, rest) = split(position);
            let count = rest.iter().take(most).take_while(|(_, event)| fits(event));
            rest.split_at(count.count()).0
        }
        Cursor::Gap(_) => &[],
        Cursor::Backward(position) => {
            let (rest, _) = split(position);
            let count = rest
                .iter()
                .rev()
                .take(most)
                .take_while(|(_, event)| fits(event));
            rest.split_at(rest.len() - count.count()).1
        }
    }
}

/// A time in milliseconds since 1970.
fn time(member: &str, given: Option<i64>) -> Result<Option<u64>, ApiError> {
    let wrong = |time: i64| {
        let least = "Member must have value greater than or equal to 0";
        invalid(&format!("'{time}'"), member, least)
    };
    given
        .map(|time| u64::try_from(time).map_err(|_| wrong(time)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_groups::{LogGroup, LogStream};
    use serde_json::json;

    fn groups() -> (RegionLogGroups, LogStream) {
        let stream = LogStream::new(std::time::Duration::ZERO);
        let mut group = LogGroup::default();
        group.streams.insert("job/db/7f".into(), stream.clone());
        (RegionLogGroups::from([("/ci".into(), group)]), stream)
    }

    /// The messages of a page, and its tokens.
    fn read(groups: &RegionLogGroups, more: serde_json::Value) -> (Vec<String>, String, String) {
        let mut request = json!({ "logGroupName": "/ci", "logStreamName": "job/db/7f" });
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let reply = get(groups, serde_json::from_value(request).unwrap()).unwrap();
        let messages = reply.events.into_iter().map(|event| event.message);
        (
            messages.collect(),
            reply.next_forward_token,
            reply.next_backward_token,
        )
    }

    #[test]
    fn a_stream_is_read_once_and_on_as_it_grows() {
        let (groups, stream) = groups();
        let all: Vec<String> = (0..25).map(|number| format!("line {number}")).collect();
        let mut seen = Vec::new();
        let mut token = None;
        let mut ends = 0;
        for line in &all {
            stream.push(line.as_bytes());
            let more = match &token {
                None => json!({ "startFromHead": true, "limit": 2 }),
                Some(token) => json!({ "startFromHead": true, "limit": 2, "nextToken": token }),
            };
            let (page, forward, _) = read(&groups, more.clone());
            seen.extend(page);
            // Nothing more for now: the same token again.
            let (nothing, same, _) = read(
                &groups,
                json!({ "startFromHead": true, "nextToken": forward }),
            );
            if nothing.is_empty() {
                ends += 1;
                assert_eq!(same, forward);
            }
            token = Some(forward);
        }
        assert_eq!((seen, ends), (all, 25));
    }

    #[test]
    fn without_a_token_the_latest_come_and_lead_back() {
        let (groups, stream) = groups();
        for number in 0..5 {
            stream.push(number.to_string().as_bytes());
        }
        let (page, forward, backward) = read(&groups, json!({ "limit": 2 }));
        assert_eq!(page, ["3", "4"]);
        assert!(read(&groups, json!({ "nextToken": forward })).0.is_empty());
        let (page, _, backward) = read(&groups, json!({ "limit": 2, "nextToken": backward }));
        assert_eq!(page, ["1", "2"]);
        let (page, _, backward) = read(&groups, json!({ "limit": 2, "nextToken": backward }));
        assert_eq!(page, ["0"]);
        let (page, _, same) = read(&groups, json!({ "limit": 2, "nextToken": backward }));
        assert!(page.is_empty() && same == backward);
    }

    #[test]
    fn a_page_holds_a_megabyte() {
        let (groups, stream) = groups();
        for _ in 0..6 {
            stream.push(&[b'x'; 250_000]);
        }
        let (page, token, _) = read(&groups, json!({ "startFromHead": true }));
        assert_eq!(page.len(), 4);
        let next = |token: &str| {
            read(
                &groups,
                json!({ "startFromHead": true, "nextToken": token }),
            )
        };
        // An empty page is not the end.
        let (nothing, token, _) = next(&token);
        assert_eq!(nothing.len(), 0);
        let (rest, token, _) = next(&token);
        assert_eq!(rest.len(), 2);
        let (nothing, same, _) = next(&token);
        assert!(nothing.is_empty() && same == token);
    }
}
