//! CloudWatch Logs: reading what containers print.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Aws, AwsError};

/// What the manager must be allowed to do, as IAM names it.
pub(crate) const GET_LOG_EVENTS: &str = "logs:GetLogEvents";

/// Most events of a page.
const PAGE: i32 = 1000;

/// Reads one log group.
#[derive(Debug)]
pub(crate) struct Logs {
    client: aws_sdk_cloudwatchlogs::Client,
    group: String,
}

/// Part of a log stream.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// Where the next page begins. At the stream's end that is where this one began.
    pub(crate) next: Option<String>,
}

/// A line of a log stream.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: SystemTime,
    pub(crate) message: String,
}

impl Aws {
    /// To read `group`.
    pub(crate) fn logs(&self, group: &str) -> Logs {
        Logs {
            client: aws_sdk_cloudwatchlogs::Client::new(&self.shared),
            group: group.to_owned(),
        }
    }
}

impl Logs {
    /// A page of a stream, from its beginning or from where another page led.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, also while there is [no such stream](AwsError::knows_no_stream).
    pub(crate) async fn read(&self, stream: &str, from: Option<&str>) -> Result<Page, AwsError> {
        let call = self
            .client
            .get_log_events()
            .log_group_name(&self.group)
            .log_stream_name(stream)
            .start_from_head(true)
            .limit(PAGE)
            .set_next_token(from.map(str::to_owned));
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::of(GET_LOG_EVENTS, &error))?;
        let events = reply.events.unwrap_or_default().into_iter();
        Ok(Page {
            events: events
                .filter_map(|event| {
                    let at = u64::try_from(event.timestamp.unwrap_or_default()).unwrap_or_default();
                    Some(Event {
                        at: UNIX_EPOCH + Duration::from_millis(at),
                        message: event.message?,
                    })
                })
                .collect(),
            next: reply.next_forward_token,
        })
    }
}
