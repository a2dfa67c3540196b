//! A server in this process that answers calls as a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::super::vectors;
use crate::aws::logs::Page;
use crate::aws::{Aws, AwsError};

/// How the server treats one call.
#[derive(Debug, Clone)]
pub(super) enum Behavior {
    /// It answers with this status, these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It breaks the connection.
    Break,
}

/// Treats calls in turn, repeats the last behavior for ever, and keeps the requests.
#[derive(Debug, Clone)]
pub(super) struct Server {
    behaviors: Arc<Mutex<VecDeque<Behavior>>>,
    pub(super) requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpConnector for Server {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(request);
        let mut behaviors = self.behaviors.lock().unwrap();
        let behavior = behaviors.pop_front().unwrap();
        if behaviors.is_empty() {
            behaviors.push_back(behavior.clone());
        }
        HttpConnectorFuture::ready(match behavior {
            Behavior::Break => Err(ConnectorError::io("connection reset by peer".into())),
            Behavior::Answer(status, headers, body) => {
                let status = StatusCode::try_from(status).unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}

impl Server {
    pub(super) fn new(behaviors: impl IntoIterator<Item = Behavior>) -> Self {
        Self {
            behaviors: Arc::new(Mutex::new(behaviors.into_iter().collect())),
            requests: Arc::default(),
        }
    }

    /// The configuration of an account in `region` whose APIs this server plays.
    pub(super) fn config(&self, region: &str, session_token: Option<&str>) -> SdkConfig {
        let (id, secret) = vectors::KEYS;
        let credentials =
            Credentials::new(id, secret, session_token.map(str::to_owned), None, "test");
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .sleep_impl(TokioSleep::new())
            .time_source(StaticTimeSource::from_secs(vectors::TIME))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_initial_backoff(Duration::from_millis(1)),
            )
            .build()
    }

    pub(super) fn account(&self, region: &str, session_token: Option<&str>) -> Aws {
        let shared = self.config(region, session_token);
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Aws { shared, ecs }
    }

    pub(super) fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

pub(super) fn answer(status: u16, body: &str) -> Behavior {
    Behavior::Answer(status, Vec::new(), body.to_owned())
}

pub(super) fn interfaces() -> Behavior {
    answer(
        200,
        "<?xml version=\"1.0\"?>\n<DescribeNetworkInterfacesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">
         <requestId>r</requestId><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><association>
         <ipOwnerId>amazon</ipOwnerId><publicIp>203.0.113.7</publicIp></association></item></networkInterfaceSet>
         </DescribeNetworkInterfacesResponse>",
    )
}

pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(super) fn public_ip(server: &Server) -> Result<Option<String>, AwsError> {
    let aws = server.account("eu-west-1", None);
    let found = wait_for(aws.public_ip("eni-0123456789abcdef0"))?;
    Ok(found.map(|address| address.to_string()))
}

pub(super) fn log_page(server: &Server) -> Result<Page, AwsError> {
    let logs = server.account("eu-west-1", None).logs("/ci/jobs");
    wait_for(logs.read("job/postgres/0123", None))
}
