//! Keeps web pages out.
//!
//! The stand-in runs programs for whoever asks, and listens where only this machine can ask. A web page in a browser of
//! this machine can as well, once its own name leads here (DNS rebinding); but then that name is what it asks for.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Answers only who asks for an address or for `localhost`.
pub(crate) async fn refuse_names(request: Request, next: Next) -> Response {
    if asked_for(request.headers()).is_none_or(|host| is_of_machine(&host)) {
        return next.run(request).await;
    }
    let text = "This stand-in for AWS listens on a loopback address, and answers to that and to localhost only.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// The host of a request. Clients that are no browsers may name none.
fn asked_for(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().unwrap_or_default();
    let uri = format!("http://{host}/").parse::<Uri>();
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_owned));
    Some(host.unwrap_or_default())
}

fn is_of_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_answered() {
        for (host, answered) in [
            ("127.0.0.1:4566", true),
            ("127.0.0.1", true),
            ("[::1]:4566", true),
            ("localhost:4566", true),
            ("LOCALHOST", true),
            ("pages.example.com:4566", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("127.0.0.1@example.com", false),
            ("example.com/localhost", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            let host = asked_for(&headers).unwrap();
            assert_eq!(is_of_machine(&host), answered, "{host:?}");
        }
        assert_eq!(asked_for(&HeaderMap::new()), None);
    }
}
