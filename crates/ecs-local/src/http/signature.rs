//! Signature Version 4 (AWS: Create a signed AWS API request), computed as AWS does to check a request.

use axum::http::{HeaderMap, Method, Uri};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The parts of a request that its signature covers.
#[derive(Clone, Copy)]
pub(super) struct SignedParts<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// The scope of a signature.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) day: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// A signature, as its request shows it.
#[derive(Clone, Copy)]
pub(super) struct Signature<'a> {
    pub(super) scope: Scope<'a>,
    /// The time of the request, `X-Amz-Date`.
    pub(super) date: &'a str,
    /// The names of the headers that are signed, with `;` between them.
    pub(super) headers: &'a str,
    /// 64 hexadecimal digits.
    pub(super) digits: &'a str,
}

impl Signature<'_> {
    /// Whether this secret signed the request. The comparison takes the same time for every wrong signature.
    pub(super) fn is_by(&self, secret: &str, request: SignedParts<'_>) -> bool {
        let shown: Option<Vec<u8>> = (0..self.digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(self.digits.get(at..at + 2)?, 16).ok())
            .collect();
        let computed = self.computed(secret, request);
        shown
            .zip(computed)
            .is_some_and(|(shown, computed)| computed.verify_slice(&shown).is_ok())
    }

    fn computed(&self, secret: &str, request: SignedParts<'_>) -> Option<Hmac<Sha256>> {
        let Scope {
            day,
            region,
            service,
        } = self.scope;
        let canonical = canonical_request(self.headers, request);
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{day}/{region}/{service}/aws4_request\n{}",
            self.date,
            digest(canonical.as_bytes())
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [day, region, service, "aws4_request"] {
            key = mac(&key, part)?.finalize().into_bytes().to_vec();
        }
        mac(&key, &text)
    }
}

/// A key of any length will do, but the library's type allows for other methods.
fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

fn canonical_request(signed: &str, request: SignedParts<'_>) -> String {
    let headers: String = signed
        .split(';')
        .map(|name| format!("{name}:{}\n", header(request.headers, name)))
        .collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{signed}\n{}",
        request.method,
        encoded(request.uri.path(), "/"),
        query(request.uri.query().unwrap_or_default()),
        digest(request.body)
    )
}

/// The values of a header, without needless spaces.
fn header(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).into_iter().map(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        value.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    values.collect::<Vec<_>>().join(",")
}

/// The parameters in the order of their names.
fn query(query: &str) -> String {
    let mut parameters: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (encoded(&name, ""), encoded(&value, "")))
        .collect();
    parameters.sort();
    let parameters = parameters.iter();
    parameters
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// A text with all bytes in hexadecimal but the unreserved ones of RFC 3986 and those of `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_kept || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// The credentials of the suite.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The cases of AWS's Signature Version 4 test suite (aws-sig-v4-test-suite, also in the crate aws-sigv4) that the
    /// stand-in's paths can have: name, request line, further headers, body, signature.
    type Case = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static str,
    );

    const CASES: &[Case] = &[
        (
            "get-vanilla",
            "GET /",
            &[],
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "post-vanilla",
            "POST /",
            &[],
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "get-header-value-trim",
            "GET /",
            &[("my-header1", " value1"), ("my-header2", "\"a   b   c\"")],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "get-header-key-duplicate",
            "GET /",
            &[
                ("my-header1", "value2"),
                ("my-header1", "value2"),
                ("my-header1", "value1"),
            ],
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-vanilla-query-order-key-case",
            "GET /?Param2=value2&Param1=value1",
            &[],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-order-encoded",
            "GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            &[],
            "",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "post-x-www-form-urlencoded-parameters",
            "POST /",
            &[
                ("content-length", "13"),
                (
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                (
                    "x-amz-content-sha256",
                    "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
                ),
            ],
            "Param1=value1",
            "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        ),
    ];

    #[test]
    fn signatures_are_those_of_aws_own_suite() {
        for (name, line, further, body, signature) in CASES {
            let (method, uri) = line.split_once(' ').unwrap();
            let own = [
                ("host", "example.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ];
            let headers: HeaderMap = own
                .iter()
                .chain(*further)
                .map(|(name, value)| {
                    let name: HeaderName = name.parse().unwrap();
                    (name, value.parse().unwrap())
                })
                .collect();
            let mut signed: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
            signed.sort_unstable();
            let (method, uri) = (method.parse().unwrap(), uri.parse().unwrap());
            let request = SignedParts {
                method: &method,
                uri: &uri,
                headers: &headers,
                body: body.as_bytes(),
            };
            let shown = Signature {
                scope: Scope {
                    day: "20150830",
                    region: "us-east-1",
                    service: "service",
                },
                date: "20150830T123600Z",
                headers: &signed.join(";"),
                digits: signature,
            };
            assert!(shown.is_by(SECRET, request), "{name}");
            assert!(!shown.is_by("another", request), "{name}");
            let short = Signature {
                digits: signature.get(..62).unwrap(),
                ..shown
            };
            assert!(!short.is_by(SECRET, request), "{name}");
        }
    }
}
