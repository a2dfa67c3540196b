//! Pulls a base image by the protocol of all registries.

use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use serde_json::Value;

use super::elf::Architecture;
use super::image::{Blob, INDEX, MANIFEST};
use super::place::Place;
use super::registry::Registry;
use crate::error::{Error, Result};

/// Docker's media types of the same documents (Docker image manifest, version 2).
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// An image of a registry for one architecture.
#[derive(Debug)]
pub(super) struct Base {
    /// The image's configuration.
    pub(super) config: Value,
    pub(super) layers: Vec<Blob>,
}

/// A base image and the login to its registry.
pub(super) struct Source<'a> {
    registry: Registry<'a>,
    top: Value,
}

impl<'a> Source<'a> {
    /// Finds the image.
    ///
    /// # Errors
    ///
    /// With the registry's refusal and advice.
    pub(super) async fn find(place: &'a Place) -> Result<Self> {
        let registry = Registry::connect(place, RegistryOperation::Pull).await?;
        let top = registry.document(&place.reference).await?;
        Ok(Self { registry, top })
    }

    /// The image for an architecture, with its layers.
    ///
    /// # Errors
    ///
    /// When there is none, or the registry does not give it.
    pub(super) async fn pull(&self, architecture: Architecture) -> Result<Base> {
        let name = self.registry.place.reference.whole();
        let none = || {
            Error::system(format!("{name} is not for {architecture}"))
                .advise("Name a base for this architecture, or leave these programs out.")
        };
        let manifest = match self.top.get("manifests").and_then(Value::as_array) {
            None => self.top.clone(),
            Some(manifests) => {
                let digest = digest_for(manifests, architecture).ok_or_else(none)?;
                let place = self.registry.place.at(digest);
                self.registry.document(&place).await?
            }
        };
        let config = manifest.get("config").unwrap_or(&Value::Null);
        let config = self.registry.blob(config).await?;
        let config: Value = serde_json::from_slice(&config.data)
            .map_err(|_| Error::system(format!("the configuration of {name} is no JSON")))?;
        if text(&config, "architecture") != architecture.name() {
            return Err(none());
        }
        let mut layers = Vec::new();
        for layer in manifest
            .get("layers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            layers.push(self.registry.blob(layer).await?);
        }
        Ok(Base { config, layers })
    }
}

impl Registry<'_> {
    /// A manifest or an index.
    async fn document(&self, reference: &Reference) -> Result<Value> {
        let auth = RegistryAuth::Anonymous; // The login of `connect` stays in use.
        let accepted = [INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];
        let (text, _) = self
            .client
            .pull_manifest_raw(reference, &auth, &accepted)
            .await
            .map_err(|error| self.refused("pull from", &error))?;
        serde_json::from_slice(&text).map_err(|_| {
            Error::system(format!(
                "the registry's answer for {} is no JSON",
                reference.whole()
            ))
        })
    }

    /// The bytes that a descriptor names, compared with its digest.
    async fn blob(&self, descriptor: &Value) -> Result<Blob> {
        let digest = text(descriptor, "digest");
        let mut data = Vec::new();
        self.client
            .pull_blob(&self.place.reference, digest, &mut data)
            .await
            .map_err(|error| self.refused("pull from", &error))?;
        let blob = Blob::new(&of_oci(text(descriptor, "mediaType")), data);
        match blob.digest == digest {
            true => Ok(blob),
            false => Err(Error::system(format!(
                "the registry {} sent other bytes than those of {digest}",
                self.place.registry()
            ))),
        }
    }
}

/// The digest of the manifest for an architecture in an index.
fn digest_for(manifests: &[Value], architecture: Architecture) -> Option<&str> {
    let fits = |platform: &Value| {
        text(platform, "os") == "linux" && text(platform, "architecture") == architecture.name()
    };
    let found = manifests
        .iter()
        .find(|manifest| manifest.get("platform").is_some_and(fits))?;
    found.get("digest").and_then(Value::as_str)
}

/// OCI's name of a layer's media type: a manifest of OCI's lists no layers of Docker's, and the bytes are the same.
fn of_oci(media_type: &str) -> String {
    let docker = "application/vnd.docker.image.rootfs.diff.tar";
    match media_type.strip_prefix(docker) {
        Some("") => "application/vnd.oci.image.layer.v1.tar".to_owned(),
        Some(".gzip") => "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        Some(".zstd") => "application/vnd.oci.image.layer.v1.tar+zstd".to_owned(),
        _ => media_type.to_owned(),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_index_is_searched_by_platform() {
        // As `docker buildx imagetools inspect --raw` shows an index with attestations.
        let manifests = json!([
            { "digest": "sha256:1", "platform": { "architecture": "arm64", "os": "linux", "variant": "v8" } },
            { "digest": "sha256:2", "platform": { "architecture": "amd64", "os": "windows" } },
            { "digest": "sha256:3", "platform": { "architecture": "amd64", "os": "linux" } },
            { "digest": "sha256:4", "platform": { "architecture": "unknown", "os": "unknown" } },
        ]);
        let manifests = manifests.as_array().unwrap();
        assert_eq!(digest_for(manifests, Architecture::Amd64), Some("sha256:3"));
        assert_eq!(digest_for(manifests, Architecture::Arm64), Some("sha256:1"));
        assert_eq!(digest_for(&manifests[1..2], Architecture::Amd64), None);
    }
}
