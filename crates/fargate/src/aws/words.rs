//! The words of an error of the SDK, without those that say nothing.

use std::error::Error;

use aws_smithy_types::error::ErrorMetadata;

/// What the SDK's layers add to their causes.
const LAYERS: [&str; 9] = [
    "dispatch failure",
    "service error",
    "client error (Connect)",
    "io error",
    "user error",
    "other",
    "timeout",
    "TLS handshake failed",
    "an error occurred while loading credentials",
];

/// How the SDK prints a reply in a message. It may be long, and hold anything.
const RAW_REPLY: &str = ". Response {";

/// An error and its causes.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The messages of an error and its causes, each once.
pub(super) fn of(error: &(dyn Error + 'static)) -> String {
    let mut messages: Vec<String> = Vec::new();
    let mut add = |message: String| {
        let message = message.split(RAW_REPLY).next().unwrap_or_default();
        let is_known = messages.iter().any(|known| known.contains(message));
        if !is_known && !LAYERS.contains(&message) {
            messages.push(message.to_owned());
        }
    };
    let mut rest = causes(error).peekable();
    while let Some(cause) = rest.next() {
        match cause.downcast_ref::<ErrorMetadata>() {
            Some(refusal) => add(refused(refusal)),
            // It only announces the refusal that follows.
            None if rest.peek().is_some_and(|next| next.is::<ErrorMetadata>()) => {}
            None => add(cause.to_string()),
        }
    }
    messages.join(": ")
}

/// A refusal as our own messages have it.
fn refused(refusal: &ErrorMetadata) -> String {
    let parts = [refusal.code(), refusal.message()];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(": ")
}
