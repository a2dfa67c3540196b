//! A registry, and the login to it.

use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use serde_json::Value;

use super::credentials::{self, Login};
use super::place::Place;
use crate::aws::Aws;
use crate::error::{Error, Result};

/// Bound of a registry's silence; a layer of a few MB is taken much faster.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client's name in requests.
const USER_AGENT: &str = concat!("fargate/", env!("CARGO_PKG_VERSION"));

/// A registry that knows who we are.
pub(super) struct Registry<'a> {
    pub(super) client: Client,
    pub(super) place: &'a Place,
    login: Option<Login>,
    operation: RegistryOperation,
}

impl<'a> Registry<'a> {
    /// Logs in, to push or to pull there.
    ///
    /// # Errors
    ///
    /// Without a login that is wanted, or with the registry's refusal.
    pub(super) async fn connect(place: &'a Place, operation: RegistryOperation) -> Result<Self> {
        let login = login(place).await?;
        let client = client(place)?;
        let registry = Self {
            client,
            place,
            login,
            operation,
        };
        registry.log_in().await?;
        Ok(registry)
    }

    /// Asks the registry for its kind of login, and logs in.
    ///
    /// Without this the client would mistake a refusal for a registry without logins.
    async fn log_in(&self) -> Result<()> {
        let auth = match &self.login {
            None => RegistryAuth::Anonymous,
            Some(login) => RegistryAuth::Basic(login.user.clone(), login.password.clone()),
        };
        let reference = &self.place.reference;
        self.client
            .auth(reference, &auth, self.operation)
            .await
            .map(drop)
            .map_err(|error| self.refused("log in to", &error))
    }

    /// The error of a failed request, with advice.
    pub(super) fn refused(&self, doing: &str, error: &OciDistributionError) -> Error {
        let name = format!(
            "{}/{}",
            self.place.registry(),
            self.place.reference.repository()
        );
        let (status, reason) = match error {
            OciDistributionError::RequestError(error) => return self.unreachable(error),
            OciDistributionError::AuthenticationFailure(text) => (401, reason(text)),
            OciDistributionError::UnauthorizedError { .. } => (401, String::new()),
            OciDistributionError::ServerError { code, message, .. } => (*code, reason(message)),
            other => (0, other.to_string()),
        };
        let reason = match (reason.is_empty(), status) {
            (true, 0) => "no reason given".to_owned(),
            (true, status) => format!("status {status}"),
            (false, _) => reason,
        };
        let error = Error::system(format!("could not {doing} {name}: {reason}"));
        match (status, &self.login) {
            (401 | 403, None) => error.advise(format!(
                "There is no login for {}: run docker login or podman login first, or name the file that has it in \
                 REGISTRY_AUTH_FILE.",
                self.place.registry()
            )),
            (401 | 403, Some(login)) => error.advise(format!(
                "It was tried as {:?}, from {}: check the password, and what this user may do there.",
                login.user, login.from
            )),
            (404, _) => error.advise("Check the repository's name; ECR wants it created before the first push."),
            _ => error,
        }
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> Error {
        let causes = causes(error);
        let caused = |what: &str| causes.iter().any(|cause| cause.contains(what));
        let advice = if caused("InvalidContentType") {
            "It does not speak TLS; --insecure speaks plain HTTP with it."
        } else if caused("certificate") {
            "Let this machine trust the registry's authority, or name its certificate in SSL_CERT_FILE."
        } else {
            "Check the registry's name, and that this machine reaches it."
        };
        let causes = causes.join(": ");
        Error::system(format!(
            "no answer from the registry {}: {causes}",
            self.place.registry()
        ))
        .advise(advice)
    }
}

/// The errors in a registry's answer (OCI distribution-spec, error codes), or the answer itself in another form.
fn reason(body: &str) -> String {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |error: &Value, member: &str| {
        let text = error.get(member).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    match document.get("errors").and_then(Value::as_array) {
        Some(errors) => errors
            .iter()
            .map(|error| format!("{} ({})", text(error, "message"), text(error, "code")))
            .collect::<Vec<_>>()
            .join("; "),
        None => body.trim().chars().take(500).collect(),
    }
}

/// The login to the registry: from the account's credentials for ECR, else from a stored login.
async fn login(place: &Place) -> Result<Option<Login>> {
    let registry = place.registry();
    let Some(region) = place.ecr_region() else {
        return credentials::find(registry, place.reference.repository());
    };
    let token = Aws::connect(region, None).await.registry_token().await?;
    let (user, password) = credentials::decode(&token).map_err(|reason| {
        Error::system(format!(
            "could not use the token that AWS gave for {registry}: {reason}"
        ))
    })?;
    let from = "ecr:GetAuthorizationToken".to_owned();
    Ok(Some(Login {
        user,
        password,
        from,
    }))
}

/// A client that speaks plain HTTP only on this machine, or with --insecure.
fn client(place: &Place) -> Result<Client> {
    // The client's TLS uses the process's provider. An earlier one does as well.
    let _earlier = rustls::crypto::ring::default_provider().install_default();
    let config = ClientConfig {
        protocol: if place.is_plain() {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        },
        // One request, not one for each 4 MB.
        use_monolithic_push: true,
        connect_timeout: Some(CONNECT_TIMEOUT),
        read_timeout: Some(SILENCE),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(|error| {
        let causes = causes(&error).join(": ");
        Error::system(format!("could not set up a client for registries: {causes}")).advise(
            "It needs the certificates that this machine trusts: install the package ca-certificates, or name them in \
             SSL_CERT_FILE.",
        )
    })
}

/// The messages of an error and its causes.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect()
}
