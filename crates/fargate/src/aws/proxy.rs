//! The proxies that the environment names.
//!
//! The variables are read as GitLab Runner reads them (Go: http.ProxyFromEnvironment), so both programs of a manager
//! take the same way. Metadata addresses, which hand out credentials, are this machine's own: no proxy reaches them.

use aws_smithy_http_client::proxy::ProxyConfig;
use hyper_util::client::proxy::matcher::Matcher;

/// Never reached through a proxy: this machine, and the metadata services of instances, ECS and EKS.
const NEVER: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::/32";

/// Every name and every address.
const EVERYTHING: &str = "*,0.0.0.0/0,::/0";

/// The proxies of the environment, and the hosts that are reached without them.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
    http: Result<Option<ProxyConfig>, ProxyFault>,
    https: Result<Option<ProxyConfig>, ProxyFault>,
}

/// A proxy on the way to a server.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub(super) config: ProxyConfig,
    /// Host and port, without the password.
    pub(super) name: String,
    /// Whether the proxy itself is reached over TLS.
    pub(super) needs_tls: bool,
}

/// A variable that names no proxy. Its value may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the URL of an HTTP proxy, like http://proxy.example.com:3128")]
pub(super) struct ProxyFault(&'static str);

impl Proxies {
    /// Those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in capitals or not.
    pub(super) fn from_environment() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let names = [name.to_owned(), name.to_ascii_lowercase()];
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.trim().is_empty())
        };
        let (http, https) = (either("HTTP_PROXY"), either("HTTPS_PROXY"));
        let url = |value: &Option<String>| value.as_deref().map(with_scheme).unwrap_or_default();
        let own = either("NO_PROXY").unwrap_or_default();
        let own = own.split(',').map(|rule| match rule.trim() {
            "*" => EVERYTHING,
            // Go takes `*.example.com` for `.example.com`.
            rule => rule.trim_start_matches('*'),
        });
        let rules = own.fold(NEVER.to_owned(), |rules, rule| format!("{rules},{rule}"));
        Self {
            matcher: Matcher::builder()
                .http(url(&http))
                .https(url(&https))
                .no(rules)
                .build(),
            http: config("HTTP_PROXY", http),
            https: config("HTTPS_PROXY", https),
        }
    }

    /// The proxy on the way to this URL, if there is one.
    pub(super) fn on_the_way_to(&self, url: &str) -> Result<Option<Proxy>, ProxyFault> {
        let config = match url.starts_with("http://") {
            true => self.http.clone()?,
            false => self.https.clone()?,
        };
        let (Some(config), Ok(url)) = (config, url.parse()) else {
            return Ok(None);
        };
        Ok(self.matcher.intercept(&url).map(|proxy| Proxy {
            config,
            name: proxy
                .uri()
                .authority()
                .map(ToString::to_string)
                .unwrap_or_default(),
            needs_tls: proxy.uri().scheme_str() == Some("https"),
        }))
    }
}

/// A value without a scheme means HTTP.
fn with_scheme(value: &str) -> String {
    let value = value.trim();
    match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    }
}

fn config(name: &'static str, value: Option<String>) -> Result<Option<ProxyConfig>, ProxyFault> {
    value
        .map(|value| ProxyConfig::all(with_scheme(&value)))
        .transpose()
        .map_err(|_| ProxyFault(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const ECS: &str = "https://ecs.eu-west-1.amazonaws.com/";

    #[test]
    fn a_proxy_is_taken_as_go_takes_it() {
        for (variables, url, expected) in [
            (
                &[("HTTPS_PROXY", "http://proxy:3128")][..],
                ECS,
                Some("proxy:3128"),
            ),
            (&[("https_proxy", "proxy:3128")], ECS, Some("proxy:3128")),
            (
                &[("HTTPS_PROXY", " "), ("https_proxy", "http://small:1")],
                ECS,
                Some("small:1"),
            ),
            (
                &[("HTTPS_PROXY", "http://user:secret@proxy:3128/")],
                ECS,
                Some("proxy:3128"),
            ),
            (&[("HTTP_PROXY", "http://proxy:3128")], ECS, None),
            (
                &[("HTTP_PROXY", "http://proxy:3128")],
                "http://aws.local:4566/",
                Some("proxy:3128"),
            ),
            (&[], ECS, None),
        ] {
            let found = proxies(variables).on_the_way_to(url).unwrap();
            assert_eq!(
                found.map(|proxy| proxy.name).as_deref(),
                expected,
                "{variables:?} {url}"
            );
        }
        for value in ["socks5://proxy:1080", "http://", "http://a b"] {
            let refused = proxies(&[("HTTPS_PROXY", value)])
                .on_the_way_to(ECS)
                .unwrap_err();
            assert!(
                refused.to_string().starts_with("HTTPS_PROXY is not"),
                "{refused}"
            );
        }
        let over_tls = proxies(&[("HTTPS_PROXY", "https://proxy:443")]);
        assert!(over_tls.on_the_way_to(ECS).unwrap().unwrap().needs_tls);
    }

    #[test]
    fn no_proxy_exempts_hosts_and_metadata_is_exempt_anyway() {
        let is_proxied = |no: &str, url: &str| {
            let both = [
                ("HTTPS_PROXY", "http://p:1"),
                ("HTTP_PROXY", "http://p:1"),
                ("NO_PROXY", no),
            ];
            proxies(&both).on_the_way_to(url).unwrap().is_some()
        };
        for exempt in [
            "http://169.254.169.254/latest/api/token",
            "http://[fd00:ec2::254]/latest/api/token",
            "http://169.254.170.2/v2/credentials/1",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://localhost:1234/",
            "http://127.0.0.1:4566/",
            "http://[::1]:4566/",
        ] {
            assert!(!is_proxied("", exempt), "{exempt}");
        }
        for (no, proxied) in [
            ("", true),
            ("*", false),
            (".amazonaws.com", false),
            ("amazonaws.com", false),
            ("*.amazonaws.com", false),
            ("example.com, ecs.eu-west-1.amazonaws.com", false),
            ("ec2.eu-west-1.amazonaws.com", true),
            ("azonaws.com", true),
        ] {
            assert_eq!(is_proxied(no, ECS), proxied, "{no:?}");
        }
    }
}
