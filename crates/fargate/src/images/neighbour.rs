//! The registry client's HTTP library, for servers beside this process: GitLab Runner, the endpoints in an ECS task.

use std::time::Duration;

use crate::error::{Error, Result};

/// A client that goes through no proxy. Each call takes this long at most.
///
/// # Errors
///
/// When it cannot be set up.
pub(crate) fn client(bound: Duration) -> Result<reqwest::Client> {
    // The client wants a provider for TLS, which these calls do not use. An earlier one does as well.
    let _earlier = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(bound)
        .build()
        .map_err(|error| Error::system(format!("could not set up an HTTP client: {error}")))
}
