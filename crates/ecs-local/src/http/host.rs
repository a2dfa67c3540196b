//! The check of the `Host` header, which keeps web pages out.
//!
//! The stand-in runs programs for every caller, so it listens where only this machine can call. A web page in a browser
//! of this machine can call it, too, if the name of the page resolves to this address (DNS rebinding). But then the
//! `Host` header has that name.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests for a host other than an address or `localhost`.
pub(crate) async fn refuse_names(request: Request, next: Next) -> Response {
    if requested_host(request.headers()).is_none_or(|host| is_local(&host)) {
        return next.run(request).await;
    }
    let text = "This stand-in for AWS listens on a loopback address, and answers requests for that address and for localhost only.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// The host of a request. Clients other than browsers may name none.
fn requested_host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().unwrap_or_default();
    let uri = format!("http://{host}/").parse::<Uri>();
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_owned));
    Some(host.unwrap_or_default())
}

fn is_local(host: &str) -> bool {
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
            let host = requested_host(&headers).unwrap();
            assert_eq!(is_local(&host), answered, "{host:?}");
        }
        assert_eq!(requested_host(&HeaderMap::new()), None);
    }
}
