//! GetLogEvents: a window of a stream, and the tokens that lead on from it in both directions.

use serde::{Deserialize, Serialize};

use super::groups::{Groups, find, not_found};
use super::stream::Event;
use super::{bounded, invalid};
use crate::error::ApiError;
use crate::task::Timestamp;

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

/// Where a page begins, between the events before and from this number on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// What follows is wanted.
    Forward(u64),
    /// What comes before is wanted.
    Backward(u64),
}

impl Cursor {
    fn parse(token: &str) -> Option<Self> {
        let position = |digits: &str| digits.strip_suffix("/s")?.parse().ok();
        match token.split_at_checked(2)? {
            ("f/", digits) => position(digits).map(Self::Forward),
            ("b/", digits) => position(digits).map(Self::Backward),
            _ => None,
        }
    }

    /// As long as AWS's are.
    fn token(self) -> String {
        match self {
            Self::Forward(position) => format!("f/{position:056}/s"),
            Self::Backward(position) => format!("b/{position:056}/s"),
        }
    }
}

/// Reads a page.
pub(super) fn get(groups: &Groups, input: GetLogEvents) -> Result<GetLogEventsReply, ApiError> {
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
        .lock();
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
        Cursor::Forward(position) | Cursor::Backward(position) => position,
    };
    // At the end of the stream the token is the one that came.
    let before = page.first().map_or(position, |(number, _)| *number);
    let after = page.last().map_or(position, |(number, _)| number + 1);
    Ok(GetLogEventsReply {
        events: page
            .iter()
            .map(|(_, event)| OutputLogEvent {
                timestamp: event.written.millis(),
                message: event.message.clone(),
                ingestion_time: event.ingested.millis(),
            })
            .collect(),
        next_forward_token: Cursor::Forward(after).token(),
        next_backward_token: Cursor::Backward(before).token(),
    })
}

/// The events next to the cursor, as many as a page holds.
fn page<'a>(
    events: &'a [(u64, &'a Event)],
    cursor: Cursor,
    limit: usize,
) -> &'a [(u64, &'a Event)] {
    let most = limit.min(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let split =
        |position| events.split_at(events.partition_point(|(number, _)| *number < position));
    let mut size = 0;
    let mut fits = |event: &Event| {
        size += event.size();
        size <= PAGE_SIZE
    };
    match cursor {
        Cursor::Forward(position) => {
            let (_, rest) = split(position);
            let count = rest.iter().take(most).take_while(|(_, event)| fits(event));
            rest.split_at(count.count()).0
        }
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
    use crate::logs::groups::{CreateLogGroup, create};
    use crate::logs::{Destination, Stream};
    use serde_json::json;

    fn destination() -> Destination {
        let configuration = json!({ "logDriver": "awslogs", "options":
            { "awslogs-group": "/ci", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job" } });
        Destination::of(&serde_json::from_value(configuration).unwrap(), "db", "7f").unwrap()
    }

    fn groups() -> (Groups, Stream) {
        let mut groups = Groups::new();
        let input: CreateLogGroup =
            serde_json::from_value(json!({ "logGroupName": "/ci" })).unwrap();
        create(&mut groups, input).unwrap();
        let stream = destination().open(&mut groups, 0.0).unwrap();
        (groups, stream)
    }

    /// A page's messages, and its tokens.
    fn read(groups: &Groups, more: serde_json::Value) -> (Vec<String>, String, String) {
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
        let next = json!({ "startFromHead": true, "nextToken": token });
        assert_eq!(read(&groups, next).0.len(), 2);
    }

    #[test]
    fn a_group_that_is_not_there_is_made_only_when_asked_for() {
        let mut groups = Groups::new();
        let refused = destination().open(&mut groups, 0.0).unwrap_err();
        assert!(
            refused.starts_with("ResourceInitializationError: "),
            "{refused}"
        );
        let asking = Destination::of(
            &serde_json::from_value(
                json!({ "logDriver": "awslogs", "options": { "awslogs-create-group": "true" } }),
            )
            .unwrap(),
            "db",
            "7f",
        );
        asking.unwrap().open(&mut groups, 0.0).unwrap();
        assert_eq!(groups.len(), 1);
    }
}
