//! The agent's image, byte for byte.
//!
//! No byte depends on the time or the machine: the same program gives the same digest, so that a person who pins
//! a digest can make the image again and compare.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::elf::{self, Architecture};
use crate::error::{Error, Result};

/// Media types (OCI image-spec, media types).
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Not compressed: a compressed layer's digest would depend on the compressor's version, for a few MB less.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The agent in its image. Task definitions call it `/fargate-agent`.
const PROGRAM: &str = "fargate-agent";

/// The creation time in the image, which is always the same.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The version in the image's label, and its default tag.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes that are found by their digest.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) media_type: &'static str,
    pub(super) data: Vec<u8>,
}

impl Blob {
    fn new(media_type: &'static str, data: Vec<u8>) -> Self {
        let hex: String = Sha256::digest(&data)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            digest: format!("sha256:{hex}"),
            media_type,
            data,
        }
    }

    fn document(media_type: &'static str, document: &Value) -> Self {
        Self::new(media_type, document.to_string().into_bytes())
    }

    /// How other documents refer to it.
    pub(super) fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.data.len() })
    }
}

/// The agent for one architecture.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) architecture: Architecture,
    pub(super) layer: Blob,
    pub(super) config: Blob,
    pub(super) manifest: Blob,
}

impl Variant {
    /// Packs `program` into a layer.
    ///
    /// # Errors
    ///
    /// When `program` cannot stand alone in an image.
    pub(super) fn new(program: &[u8]) -> Result<Self> {
        let architecture = elf::architecture(program)?;
        let layer = tar(&[(PROGRAM, program, 0o755)])
            .map(|tar| Blob::new(LAYER, tar))
            .map_err(|error| Error::system(format!("could not pack the image: {error}")))?;
        let config = Blob::document(
            CONFIG,
            &json!({
                "created": CREATED,
                "architecture": architecture.name(),
                "os": "linux",
                "config": {
                    "Entrypoint": [format!("/{PROGRAM}")],
                    "Labels": {
                        "org.opencontainers.image.title": PROGRAM,
                        "org.opencontainers.image.version": VERSION,
                    },
                },
                "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
                "history": [{ "created": CREATED, "created_by": format!("fargate agent image ({VERSION})") }],
            }),
        );
        let manifest = Blob::document(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(),
                "layers": [layer.descriptor()],
            }),
        );
        Ok(Self {
            architecture,
            layer,
            config,
            manifest,
        })
    }
}

/// The agent's image for one or several architectures.
#[derive(Debug, Clone)]
pub(super) struct Image {
    variants: Vec<Variant>,
    /// Lists the variants, if there are several.
    index: Option<Blob>,
}

impl Image {
    /// The image of these variants, in any order. Their architectures must differ.
    pub(super) fn new(mut variants: Vec<Variant>) -> Self {
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
        Self { variants, index }
    }

    pub(super) fn variants(&self) -> &[Variant] {
        &self.variants
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
            .flat_map(|variant| [&variant.layer, &variant.config, &variant.manifest])
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
