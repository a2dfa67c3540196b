//! CloudWatch Logs: the output of containers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;

use super::client::Aws;
use super::error::AwsError;
use super::signed;

/// The action that the manager's IAM policy must allow.
pub(crate) const GET_LOG_EVENTS: &str = "logs:GetLogEvents";

/// Most events of a page.
const PAGE: i32 = 1000;

/// Reads one log group.
#[derive(Debug)]
pub(crate) struct Logs {
    client: signed::Client,
    group: String,
}

/// Part of a log stream.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// Token of the next page. At the stream's end AWS returns the token of this one.
    pub(crate) next: Option<String>,
}

/// A line of a log stream.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: SystemTime,
    pub(crate) message: String,
}

impl Aws {
    /// A reader of the log group `group`.
    pub(crate) fn logs(&self, group: &str) -> Logs {
        Logs {
            client: signed::Client::new(&self.shared, &signed::CLOUDWATCH_LOGS),
            group: group.to_owned(),
        }
    }
}

impl Logs {
    /// A page of a stream, from its beginning or from another page's token.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, also while [the stream does not exist](AwsError::knows_no_stream).
    pub(crate) async fn read(&self, stream: &str, from: Option<&str>) -> Result<Page, AwsError> {
        let parameters = json!({
            "logGroupName": self.group, "logStreamName": stream, "startFromHead": true, "limit": PAGE, "nextToken": from,
        });
        let reply: GetLogEventsResponse = self.client.call(GET_LOG_EVENTS, parameters).await?;
        let events = reply.events.unwrap_or_default().into_iter();
        Ok(Page {
            events: events.filter_map(OutputLogEvent::into_event).collect(),
            next: reply.next_forward_token,
        })
    }
}

/// The members of CloudWatch's reply that the driver reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetLogEventsResponse {
    events: Option<Vec<OutputLogEvent>>,
    next_forward_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OutputLogEvent {
    /// In milliseconds.
    timestamp: Option<i64>,
    message: Option<String>,
}

impl OutputLogEvent {
    fn into_event(self) -> Option<Event> {
        let at = u64::try_from(self.timestamp.unwrap_or_default()).unwrap_or_default();
        Some(Event {
            at: UNIX_EPOCH + Duration::from_millis(at),
            message: self.message?,
        })
    }
}
