//! Answers that are not AWS's: the page of a proxy or of a captive portal.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// The beginning of the message about such an answer.
const STORY: &str = "the answer is not one of AWS's";

/// An answer without a code of AWS's.
#[derive(Debug)]
pub(super) struct ForeignAnswer {
    /// Its HTTP status and type.
    pub(super) message: String,
    /// Whether the next answer may be AWS's.
    pub(super) may_pass: bool,
}

impl ForeignAnswer {
    /// Such an answer, if `response`, which has no code of AWS's, is one. A success in another format than a page is
    /// none: AWS's own reply may be cut off.
    pub(super) fn of(response: &HttpResponse) -> Option<Self> {
        let status = response.status();
        let kind = response.headers().get("content-type");
        let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
        let kind = kind.unwrap_or("no content type");
        (!status.is_success() || is_page).then(|| Self {
            message: format!("{STORY} (HTTP status {}, {kind})", status.as_u16()),
            may_pass: may_pass(status.as_u16()),
        })
    }

    /// Whether a message is about such an answer.
    pub(super) fn is_told_in(message: &str) -> bool {
        message.starts_with(STORY)
    }
}

/// Whether an HTTP status is of trouble that may pass.
pub(super) fn may_pass(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 429)
}
