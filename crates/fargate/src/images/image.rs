//! An image, byte for byte.
//!
//! No byte depends on the time or the machine: the same programs give the same digest, so that a person who pins
//! a digest can make the image again and compare.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::elf::Architecture;
use crate::error::{Error, Result};

/// Media types (OCI image-spec, media types).
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Not compressed: a compressed layer's digest would depend on the compressor's version, for a few MB less.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The creation time in an image, which is always the same.
pub(super) const CREATED: &str = "1970-01-01T00:00:00Z";

/// The version in the image's label, and its default tag.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes that are found by their digest.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) media_type: String,
    pub(super) data: Vec<u8>,
}

impl Blob {
    pub(super) fn new(media_type: &str, data: Vec<u8>) -> Self {
        let hex: String = Sha256::digest(&data)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            digest: format!("sha256:{hex}"),
            media_type: media_type.to_owned(),
            data,
        }
    }

    fn document(media_type: &str, document: &Value) -> Self {
        Self::new(media_type, document.to_string().into_bytes())
    }

    /// How other documents refer to it.
    pub(super) fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.data.len() })
    }
}

/// An image for one architecture.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) architecture: Architecture,
    /// From the lowest to the topmost.
    pub(super) layers: Vec<Blob>,
    pub(super) config: Blob,
    pub(super) manifest: Blob,
}

impl Variant {
    /// An image of these layers. The configuration (OCI image-spec, image configuration) names their contents.
    pub(super) fn new(architecture: Architecture, layers: Vec<Blob>, config: &Value) -> Self {
        let config = Blob::document(CONFIG, config);
        let descriptors: Vec<_> = layers.iter().map(Blob::descriptor).collect();
        let manifest = Blob::document(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(),
                "layers": descriptors,
            }),
        );
        Self {
            architecture,
            layers,
            config,
            manifest,
        }
    }
}

/// A layer of these files: name, content and mode.
///
/// # Errors
///
/// When they do not fit an archive.
pub(super) fn layer(files: &[(&str, &[u8], u32)]) -> Result<Blob> {
    tar(files)
        .map(|tar| Blob::new(LAYER, tar))
        .map_err(|error| Error::system(format!("could not pack the image: {error}")))
}

/// An image for one or several architectures.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// Its name without a registry.
    pub(super) name: &'static str,
    variants: Vec<Variant>,
    /// Lists the variants, if there are several.
    index: Option<Blob>,
}

impl Image {
    /// The image of these variants, in any order. Their architectures must differ.
    pub(super) fn new(name: &'static str, mut variants: Vec<Variant>) -> Self {
        variants.sort_by_key(|variant| variant.architecture);
        let index = (variants.len() > 1).then(|| {
            let manifests: Vec<Value> = variants
                .iter()
                .map(|variant| {
                    let mut descriptor = variant.manifest.descriptor();
                    if let Some(members) = descriptor.as_object_mut() {
                        let platform =
                            json!({ "architecture": variant.architecture.name(), "os": "linux" });
                        members.insert("platform".into(), platform);
                    }
                    descriptor
                })
                .collect();
            Blob::document(
                INDEX,
                &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }),
            )
        });
        Self {
            name,
            variants,
            index,
        }
    }

    pub(super) fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The architectures, as a person names several.
    pub(super) fn architectures(&self) -> String {
        let names: Vec<_> = self
            .variants
            .iter()
            .map(|variant| variant.architecture.name())
            .collect();
        names.join(" and ")
    }

    /// The document that the image's name leads to: the index, or the only manifest.
    pub(super) fn top(&self) -> Option<&Blob> {
        self.index
            .as_ref()
            .or_else(|| self.variants.first().map(|variant| &variant.manifest))
    }

    /// All blobs, each before those that refer to it.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.variants
            .iter()
            .flat_map(|variant| {
                let documents = [&variant.config, &variant.manifest];
                variant.layers.iter().chain(documents)
            })
            .chain(&self.index)
    }
}

/// A tar archive of files with name, content and mode, without traces of this machine.
pub(super) fn tar(files: &[(&str, &[u8], u32)]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(u64::try_from(content.len()).map_err(std::io::Error::other)?);
        archive.append_data(&mut header, name, *content)?;
    }
    archive.into_inner()
}
