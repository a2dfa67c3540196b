//! The checks that keep web pages out.
//!
//! The stand-in runs programs for its callers, so it listens where only this machine can call. A web page in a browser
//! of this machine can call it, too. Browsers send such a request with the page's origin (Fetch standard, `Origin`
//! header; Fetch Metadata, `Sec-Fetch-Site`), which AWS's clients never send. Only a page whose name resolves to this
//! address (DNS rebinding) looks like the stand-in's own, but then the `Host` header has that name.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The relation of a request to the page that makes it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests that a web page makes.
pub(crate) async fn refuse_pages(request: Request, next: Next) -> Response {
    if is_of_page(request.headers()) {
        let text = "This stand-in for AWS answers no web pages.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// `none` is an address that a person typed.
fn is_of_page(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE);
    headers.contains_key(ORIGIN) || site.is_some_and(|site| site != "none")
}

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
    fn requests_of_pages_are_told_by_their_headers() {
        for (name, value, refused) in [
            ("Origin", "https://pages.example.com", true),
            ("Origin", "null", true),
            ("Sec-Fetch-Site", "cross-site", true),
            ("Sec-Fetch-Site", "same-site", true),
            ("Sec-Fetch-Site", "none", false),
            ("User-Agent", "aws-cli/2", false),
        ] {
            let name: HeaderName = name.parse().unwrap();
            let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
            assert_eq!(is_of_page(&headers), refused, "{headers:?}");
        }
    }

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
