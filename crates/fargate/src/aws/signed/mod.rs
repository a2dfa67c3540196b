//! Signed calls to services from which the driver needs one or two operations each.
//!
//! The SDK's crates for these services take minutes and gigabytes to compile. Their quality comes from the SDK's
//! runtime, which ECS's client brings along: retries in standard mode with their budget, timeouts, signatures,
//! correction of a wrong clock, one cache of credentials. A [`Client`] is that runtime with a protocol of our own, and
//! types for the members that the driver reads.

mod members;
mod protocol;
mod service;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use std::fmt;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, SensitiveOutput};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::ErrorMetadata;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use self::members::Members;
pub(super) use self::service::{
    CLOUDFORMATION, CLOUDWATCH, CLOUDWATCH_LOGS, EC2, ECR, ECS, IAM, SECRETS_MANAGER,
    SERVICE_QUOTAS, STS, Service, domain, iam_region,
};
use super::error::AwsError;

/// A client of one service in one region.
#[derive(Debug)]
pub(super) struct Client {
    config: SdkConfig,
    service: &'static Service,
    /// Remembers from call to call by how much this machine's clock is wrong.
    clock: SharedInterceptor,
}

impl Client {
    /// Sets up a client, without a call and without a search for credentials.
    pub(super) fn new(config: &SdkConfig, service: &'static Service) -> Self {
        Self {
            config: config.clone(),
            service,
            clock: SharedInterceptor::permanent(ServiceClockSkewInterceptor::new()),
        }
    }

    /// Calls the operation that IAM names `action`, like `ec2:DescribeNetworkInterfaces`.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(super) async fn call<Reply>(
        &self,
        action: &'static str,
        parameters: Value,
    ) -> Result<Reply, AwsError>
    where
        Reply: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        let dated = self.dated(action, parameters).await?;
        Ok(dated.reply)
    }

    /// The same, with the time that the server gives.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(super) async fn dated<Reply>(
        &self,
        action: &'static str,
        parameters: Value,
    ) -> Result<Dated<Reply>, AwsError>
    where
        Reply: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        let (service, name) = (self.service, operation(action));
        let called = Operation::builder()
            .service_name(service.id)
            .operation_name(name)
            .endpoint_url(&service.endpoint(&self.config))
            .runtime_plugin(self.plugin())
            .serializer(move |parameters: Value| {
                protocol::request(service.protocol, name, &parameters)
            })
            .deserializer::<Dated<Reply>, ErrorMetadata>(move |response| {
                Ok(Dated {
                    reply: protocol::reply(service.protocol, name, response)?,
                    at: date(response),
                })
            })
            .build()
            .invoke(parameters)
            .await;
        called.map_err(|error| AwsError::from_sdk(action, &error))
    }

    /// The parts of the SDK's own clients, set up as ECS's client is.
    fn plugin(&self) -> StaticRuntimePlugin {
        let config = &self.config;
        let mut components = RuntimeComponentsBuilder::new("signed")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
                SCHEME_ID,
            ])))
            .with_http_client(config.http_client())
            .with_sleep_impl(config.sleep_impl())
            .with_time_source(config.time_source())
            .with_interceptor(self.clock.clone())
            .with_retry_classifier(HttpStatusCodeClassifier::default())
            .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .with_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new());
        if let Some(cache) = config.identity_cache() {
            components.set_identity_cache(Some(cache));
        }
        if let Some(credentials) = config.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, credentials);
        }
        StaticRuntimePlugin::new()
            .with_runtime_components(components)
            .with_config(self.settings().freeze())
    }

    fn settings(&self) -> Layer {
        let mut settings = Layer::new("signed");
        settings.store_put(AuthSchemeOptionResolverParams::new(()));
        settings.store_put(SigV4OperationSigningConfig {
            region: self.config.region().cloned().map(Into::into),
            name: Some(self.service.signing_name.into()),
            ..SigV4OperationSigningConfig::default()
        });
        // A reply may be a password.
        settings.store_put(SensitiveOutput);
        if let Some(retries) = self.config.retry_config() {
            settings.store_put(retries.clone());
        }
        if let Some(timeouts) = self.config.timeout_config() {
            settings.store_put(timeouts.clone());
        }
        settings
    }
}

/// A reply and the server's clock.
#[derive(Debug)]
pub(super) struct Dated<Reply> {
    pub(super) reply: Reply,
    /// To the second; nothing where the answer has no date.
    pub(super) at: Option<SystemTime>,
}

fn date(response: &HttpResponse) -> Option<SystemTime> {
    let date = response.headers().get("date")?;
    let date = DateTime::from_str(date, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

/// The operation of an action: AWS's APIs and IAM use the same name.
fn operation(action: &'static str) -> &'static str {
    action.split_once(':').map_or(action, |(_, name)| name)
}
