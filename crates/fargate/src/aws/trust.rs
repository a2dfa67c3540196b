//! The certificates that AWS's servers are checked against.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;

/// No server can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TrustFault {
    #[error("this machine has no CA certificates to check AWS's server against")]
    NoCertificates,
    #[error("AWS_CA_BUNDLE names {}, which holds no CA certificates{why}", file.display())]
    Bundle { file: PathBuf, why: String },
}

/// The variable that names a bundle in place of the machine's, as for other AWS tools.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// The bundles of Debian and Alpine, and of Amazon Linux and Red Hat.
const BUNDLES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// What this process trusts: the bundle that the environment names, else the machine's own certificates.
pub(super) fn of_environment() -> Result<TlsContext, TrustFault> {
    match std::env::var_os(BUNDLE).filter(|file| !file.is_empty()) {
        Some(file) => of_bundle(Path::new(&file)),
        None if has_certificates() => Ok(TlsContext::default()),
        None => Err(TrustFault::NoCertificates),
    }
}

/// Why this process could check no server's certificate, if so.
pub(crate) fn fault_of_environment() -> Option<String> {
    of_environment().err().map(|fault| fault.to_string())
}

/// The certificates of one file and no others. Those that cannot be read are left out: the client panics at them.
fn of_bundle(file: &Path) -> Result<TlsContext, TrustFault> {
    let fault = |why: String| TrustFault::Bundle {
        file: file.to_owned(),
        why,
    };
    let found = rustls_native_certs::load_certs_from_paths(Some(file), None);
    let mut known = RootCertStore::empty();
    let mut trusted = TrustStore::empty();
    for certificate in found.certs {
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&certificate)
        );
        match known.add(certificate) {
            Ok(()) => trusted = trusted.with_pem_certificate(pem),
            Err(error) => tracing::debug!("a certificate in {}: {error}", file.display()),
        }
    }
    if known.is_empty() {
        let why = found.errors.first();
        return Err(fault(
            why.map_or_else(String::new, |why| format!(": {why}")),
        ));
    }
    TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(|error| fault(format!(": {error}")))
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
