//! Advice for the operator about a call that brought no answer.

use super::error::AwsError;
use super::kind::Kind;

/// Advice for a manager that does not trust the server. It lacks the right certificates, or a proxy intercepts its
/// connections.
const CERTIFICATES: &str = "Install the package ca-certificates on the manager, or name a file with the right certificates \
                            by AWS_CA_BUNDLE or SSL_CERT_FILE in the environment of GitLab Runner.";

impl AwsError {
    /// What to look at between the manager and AWS.
    pub(super) fn network_advice(&self) -> &'static str {
        let has = |fragment: &str| self.message.contains(fragment);
        match self.kind {
            Kind::Unresolved => {
                "Check [Fargate] Region (and Endpoint, where it is set) for a wrong name, and the manager's DNS."
            }
            Kind::Untrusted if has("proxy authorization required") => {
                "Put the proxy's user and password into HTTPS_PROXY in the environment of GitLab Runner."
            }
            // The library keeps the proxy's status to itself.
            Kind::Unreached if has("tunnel error") => {
                "The proxy opens no way to AWS: check its rules for AWS's endpoints, and the user and password in \
                 HTTPS_PROXY."
            }
            Kind::Environment if has("is not the URL") || has("AWS_CA_BUNDLE names") => {
                "Correct that variable in the environment of GitLab Runner."
            }
            Kind::Untrusted | Kind::Environment => CERTIFICATES,
            Kind::LateCredentials => {
                "Run the job again. If this goes on, check that the manager reaches the source of its credentials: \
                 its instance's metadata, its task's, or STS."
            }
            _ => "Check that the manager reaches AWS's API, and run the job again.",
        }
    }
}
