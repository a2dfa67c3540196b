//! The HTTP client under the AWS SDK: the way to each server, and what a request without a reply means.
//!
//! The SDK's own client knows no proxy and no bundle of certificates. It reads the machine's certificates also for a
//! stand-in on loopback and for an instance's credentials. It does not report missing certificates: it trusts no server
//! then, and its debug build panics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector as SmithyConnector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use super::no_reply::NoReply;
use super::proxy::{Proxies, Proxy, ProxyFault};
use super::trust::{self, TrustFault};

/// Most bytes of a reply that are read. AWS's longest replies, a page of log events or a hundred tasks, stay below
/// a few megabytes.
const LONGEST_REPLY: usize = 8 << 20;

/// The clients of this process.
#[derive(Debug, Clone)]
pub(super) struct Http(Arc<Clients>);

#[derive(Debug)]
struct Clients {
    proxies: Proxies,
    /// Each made for the first URL that needs it. They keep the connections.
    by_way: Mutex<BTreeMap<Way, Result<SharedHttpClient, SetupFault>>>,
}

/// The kind of way to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    is_encrypted: bool,
    is_proxied: bool,
}

/// The environment does not let a request out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SetupFault {
    #[error(transparent)]
    Trust(#[from] TrustFault),
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
}

impl Http {
    pub(super) fn new() -> Self {
        Self(Arc::new(Clients {
            proxies: Proxies::from_environment(),
            by_way: Mutex::default(),
        }))
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: Arc::clone(&self.0),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

/// Chooses a client by the URL.
#[derive(Debug)]
struct Connector {
    clients: Arc<Clients>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, proxy) = match self.clients.to(request.uri()) {
            Ok(found) => found,
            Err(fault) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(fault))));
            }
        };
        let url = request.uri().to_owned();
        let reply = client
            .http_connector(&self.settings, &self.components)
            .call(request);
        HttpConnectorFuture::new(async move {
            let mut reply = reply
                .await
                .map_err(|cause| NoReply::of(&url, proxy.as_deref(), cause))?;
            let body = Limited::new(reply.take_body(), LONGEST_REPLY);
            *reply.body_mut() = SdkBody::from_body_1_x(body);
            Ok(reply)
        })
    }
}

impl Clients {
    /// The client for a URL, and the name of the proxy on the way.
    fn to(&self, url: &str) -> Result<(SharedHttpClient, Option<String>), SetupFault> {
        let proxy = self.proxies.on_the_way_to(url)?;
        let name = proxy.as_ref().map(|proxy| proxy.name.clone());
        let way = Way {
            is_encrypted: !url.starts_with("http://"),
            is_proxied: proxy.is_some(),
        };
        let mut by_way = self.by_way.lock().unwrap_or_else(PoisonError::into_inner);
        let client = by_way.entry(way).or_insert_with(|| client(way, proxy));
        Ok((client.clone()?, name))
    }
}

fn client(way: Way, proxy: Option<Proxy>) -> Result<SharedHttpClient, SetupFault> {
    let needs_tls = way.is_encrypted || proxy.as_ref().is_some_and(|proxy| proxy.needs_tls);
    let trusted: Option<TlsContext> = match needs_tls {
        true => Some(trust::of_environment()?),
        false => None,
    };
    let proxy = proxy.map(|proxy| proxy.config);
    let connector = move |settings: Option<&HttpConnectorSettings>,
                          components: Option<&RuntimeComponents>| {
        let mut builder = SmithyConnector::builder();
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.set_proxy_config(proxy.clone());
        match &trusted {
            None => builder.build_http(),
            Some(trusted) => builder
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(trusted.clone())
                .build(),
        }
    };
    Ok(Builder::new().build_with_connector_fn(connector))
}
