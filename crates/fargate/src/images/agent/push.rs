//! Pushes the image by the protocol of all registries.

use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use serde_json::Value;

use super::credentials::{self, Login};
use super::destination::Destination;
use super::image::{Blob, Image};
use crate::aws::Aws;
use crate::error::{Error, Result};

/// Bound of a registry's silence; a layer of a few MB is taken much faster.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client's name in requests.
const USER_AGENT: &str = concat!("fargate/", env!("CARGO_PKG_VERSION"));

/// The outcome of a push.
#[derive(Debug)]
pub(super) struct Pushed {
    /// The image by its digest, for `AgentImage`.
    pub(super) reference: String,
    /// Its name with the tag.
    pub(super) tagged: String,
    /// Bytes sent; 0 when the registry had all of them.
    pub(super) sent: usize,
}

/// Pushes the image, except the parts that the registry already has.
///
/// # Errors
///
/// With the registry's refusal and advice.
pub(super) async fn push(image: &Image, destination: &Destination) -> Result<Pushed> {
    let login = login(destination).await?;
    let registry = Registry {
        client: client(destination)?,
        destination,
        login,
    };
    registry.log_in().await?;
    let mut sent = 0;
    for variant in image.variants() {
        for blob in [&variant.layer, &variant.config] {
            sent += registry.send_blob(blob).await?;
        }
    }
    let top = image
        .top()
        .ok_or_else(|| Error::system("there is nothing in the image"))?;
    for variant in image.variants() {
        if variant.manifest.digest != top.digest {
            let reference = destination.at(&variant.manifest.digest);
            sent += registry
                .send_document(&variant.manifest, &reference)
                .await?;
        }
    }
    sent += registry.send_document(top, &destination.reference).await?;
    Ok(Pushed {
        reference: destination
            .reference
            .clone_with_digest(top.digest.clone())
            .whole(),
        tagged: destination.reference.whole(),
        sent,
    })
}

/// A registry and the login to it.
struct Registry<'a> {
    client: Client,
    destination: &'a Destination,
    login: Option<Login>,
}

impl Registry<'_> {
    /// Asks the registry for its kind of login, and logs in.
    ///
    /// Without this the client would mistake a refusal for a registry without logins.
    async fn log_in(&self) -> Result<()> {
        let auth = match &self.login {
            None => RegistryAuth::Anonymous,
            Some(login) => RegistryAuth::Basic(login.user.clone(), login.password.clone()),
        };
        let reference = &self.destination.reference;
        self.client
            .auth(reference, &auth, RegistryOperation::Push)
            .await
            .map(drop)
            .map_err(|error| self.refused("log in to", &error))
    }

    /// Sends a blob unless the registry has it; returns the bytes sent.
    async fn send_blob(&self, blob: &Blob) -> Result<usize> {
        let reference = &self.destination.reference;
        // A login may write without being allowed to read; then the blob is sent again.
        if let Ok(true) = self.client.blob_exists(reference, &blob.digest).await {
            return Ok(0);
        }
        self.client
            .push_blob(reference, blob.data.clone(), &blob.digest)
            .await
            .map_err(|error| self.refused("push to", &error))?;
        Ok(blob.data.len())
    }

    /// Sends a manifest or index unless `reference` already leads to it.
    ///
    /// A registry with immutable tags refuses even the same document again.
    async fn send_document(&self, blob: &Blob, reference: &Reference) -> Result<usize> {
        let auth = RegistryAuth::Anonymous; // The login of `log_in` stays in use.
        if let Ok(digest) = self.client.fetch_manifest_digest(reference, &auth).await
            && digest == blob.digest
        {
            return Ok(0);
        }
        let media_type = blob
            .media_type
            .parse()
            .map_err(|_| Error::system("a media type is not a valid header value"))?;
        self.client
            .push_manifest_raw(reference, blob.data.clone(), media_type)
            .await
            .map_err(|error| self.refused("push to", &error))?;
        Ok(blob.data.len())
    }

    /// The error of a failed request, with advice.
    fn refused(&self, doing: &str, error: &OciDistributionError) -> Error {
        let name = format!(
            "{}/{}",
            self.destination.registry(),
            self.destination.reference.repository()
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
                self.destination.registry()
            )),
            (401 | 403, Some(login)) => error.advise(format!(
                "It was tried as {:?}, from {}: check the password, and that this user may push there.",
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
            self.destination.registry()
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
async fn login(destination: &Destination) -> Result<Option<Login>> {
    let registry = destination.registry();
    let Some(region) = destination.ecr_region() else {
        return credentials::find(registry, destination.reference.repository());
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
fn client(destination: &Destination) -> Result<Client> {
    // The client's TLS uses the process's provider. An earlier one does as well.
    let _earlier = rustls::crypto::ring::default_provider().install_default();
    let config = ClientConfig {
        protocol: if destination.is_plain() {
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
