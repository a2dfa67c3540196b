//! A request that brought no reply, by how far it came.

use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper_util::client::legacy;

use super::words;

/// A request without a reply.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.story())]
pub(super) struct NoReply {
    pub(super) reach: Reach,
    host: String,
    /// The proxy on the way.
    proxy: Option<String>,
    #[source]
    cause: ConnectorError,
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The server's name does not resolve.
    Unresolved,
    /// The server's certificate is refused.
    Untrusted,
    /// The proxy on the way wants a password, or another one.
    Unauthorized,
    /// There is no connection.
    Unconnected,
    /// The server may have read it.
    Sent,
}

/// What hyper says of a name that does not resolve.
const UNRESOLVED: &str = "dns error";

/// What rustls says of a certificate that it refuses.
const UNTRUSTED: &str = "invalid peer certificate";

/// What hyper says of a proxy that wants a password.
const UNAUTHORIZED: &str = "proxy authorization required";

impl NoReply {
    /// Adds the server and the reach to the client's own error, which stays of its kind.
    pub(super) fn of(url: &str, proxy: Option<&str>, cause: ConnectorError) -> ConnectorError {
        let (is_timeout, is_io, is_user) = (cause.is_timeout(), cause.is_io(), cause.is_user());
        let other = cause.as_other();
        let failure = Box::new(Self {
            reach: Reach::of(&cause),
            host: host(url).to_owned(),
            proxy: proxy.map(str::to_owned),
            cause,
        });
        if is_timeout {
            ConnectorError::timeout(failure)
        } else if is_io {
            ConnectorError::io(failure)
        } else if is_user {
            ConnectorError::user(failure)
        } else {
            ConnectorError::other(failure, other)
        }
    }

    fn story(&self) -> String {
        let Self { host, proxy, .. } = self;
        let way = proxy
            .as_ref()
            .map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
        match self.reach {
            Reach::Unresolved => format!(
                "the name {} does not resolve",
                proxy.as_ref().unwrap_or(host)
            ),
            Reach::Untrusted => format!("the certificate of {host}{way} is not trusted"),
            Reach::Unauthorized => format!("no way to {host}{way}"),
            Reach::Unconnected => format!("no connection to {host}{way}"),
            Reach::Sent => format!("no reply of {host}{way}"),
        }
    }

    /// Whether an error tells of such a request that may fare better a little later. Of the failures of its credential
    /// providers, the SDK keeps only the words.
    pub(super) fn may_pass_in(words: &str) -> bool {
        [
            "does not resolve",
            "no connection to",
            "no reply of",
            "resolver timed out",
        ]
        .iter()
        .any(|story| words.contains(story))
    }
}

impl Reach {
    fn of(error: &ConnectorError) -> Self {
        let says =
            |words: &str| words::causes(error).any(|cause| cause.to_string().contains(words));
        let is_connecting = words::causes(error).any(|cause| {
            cause
                .downcast_ref::<legacy::Error>()
                .is_some_and(legacy::Error::is_connect)
        });
        if !is_connecting {
            Self::Sent
        } else if says(UNRESOLVED) {
            Self::Unresolved
        } else if says(UNTRUSTED) {
            Self::Untrusted
        } else if says(UNAUTHORIZED) {
            Self::Unauthorized
        } else {
            Self::Unconnected
        }
    }
}

/// The host of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}
