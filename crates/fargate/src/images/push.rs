//! Pushes an image by the protocol of all registries.

use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};

use super::image::{Blob, Image};
use super::place::Place;
use super::registry::Registry;
use crate::error::{Error, Result};

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
pub(super) async fn push(image: &Image, place: &Place) -> Result<Pushed> {
    let registry = Registry::connect(place, RegistryOperation::Push).await?;
    let mut sent = 0;
    for variant in image.variants() {
        for blob in variant.layers.iter().chain([&variant.config]) {
            sent += registry.send_blob(blob).await?;
        }
    }
    let top = image
        .top()
        .ok_or_else(|| Error::system("there is nothing in the image"))?;
    for variant in image.variants() {
        if variant.manifest.digest != top.digest {
            let reference = place.at(&variant.manifest.digest);
            sent += registry
                .send_document(&variant.manifest, &reference)
                .await?;
        }
    }
    sent += registry.send_document(top, &place.reference).await?;
    Ok(Pushed {
        reference: place
            .reference
            .clone_with_digest(top.digest.clone())
            .whole(),
        tagged: place.reference.whole(),
        sent,
    })
}

impl Registry<'_> {
    /// Sends a blob unless the registry has it; returns the bytes sent.
    async fn send_blob(&self, blob: &Blob) -> Result<usize> {
        let reference = &self.place.reference;
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
}
