//! The HTTP client under the AWS SDK, with TLS only for URLs that need it.
//!
//! The SDK's own client reads the machine's CA certificates for every endpoint, also for a stand-in on loopback and for
//! an instance's credentials. It does not report that the machine has none: it trusts no server then, and its debug
//! build panics.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// The machine has no CA certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no CA certificates to check AWS's server against")]
pub(super) struct NoCertificates;

/// The bundles of Debian and Alpine, and of Amazon Linux and Red Hat.
const BUNDLES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// Most bytes of a reply that are read. AWS's longest replies, a page of log events or a hundred tasks, stay below
/// a few megabytes.
const LONGEST_REPLY: usize = 8 << 20;

/// A plain client and one with TLS.
#[derive(Debug, Clone)]
pub(super) struct Http(Arc<Clients>);

#[derive(Debug)]
struct Clients {
    plain: SharedHttpClient,
    /// Made for the first URL that needs it.
    tls: OnceLock<Result<SharedHttpClient, NoCertificates>>,
}

impl Http {
    pub(super) fn new() -> Self {
        Self(Arc::new(Clients {
            plain: Builder::new().build_http(),
            tls: OnceLock::new(),
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

/// Chooses a client by the URL. The two clients keep the connections.
#[derive(Debug)]
struct Connector {
    clients: Arc<Clients>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = if request.uri().starts_with("http://") {
            &self.clients.plain
        } else {
            match self.clients.tls.get_or_init(with_tls) {
                Ok(client) => client,
                Err(error) => {
                    let error = ConnectorError::user(Box::new(*error));
                    return HttpConnectorFuture::ready(Err(error));
                }
            }
        };
        let reply = client
            .http_connector(&self.settings, &self.components)
            .call(request);
        HttpConnectorFuture::new(async {
            let mut reply = reply.await?;
            let body = Limited::new(reply.take_body(), LONGEST_REPLY);
            *reply.body_mut() = SdkBody::from_body_1_x(body);
            Ok(reply)
        })
    }
}

fn with_tls() -> Result<SharedHttpClient, NoCertificates> {
    if !has_certificates() {
        return Err(NoCertificates);
    }
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https())
}

/// Whether the machine has any CA certificate. Reading all of them takes milliseconds, and the client does it again, so
/// the usual bundle of the system is enough unless the environment names another.
fn has_certificates() -> bool {
    let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let exists = |bundle| std::fs::metadata(bundle).is_ok_and(|file| file.len() > 0);
    if !is_named && BUNDLES.into_iter().any(exists) {
        return true;
    }
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("CA certificates: {error}");
    }
    !found.certs.is_empty()
}
