//! The agent's image: one file on an empty base.

use serde_json::json;

use super::super::elf;
use super::super::image::{CREATED, VERSION, Variant, layer};
use crate::error::Result;

/// The agent in its image. Task definitions call it `/fargate-agent`.
pub(super) const PROGRAM: &str = "fargate-agent";

/// Packs `program` into an image for its architecture.
///
/// # Errors
///
/// When `program` cannot stand alone in an image.
pub(super) fn variant(program: &[u8]) -> Result<Variant> {
    let architecture = elf::architecture(program)?;
    let layer = layer(&[(PROGRAM, program, 0o755)])?;
    let config = json!({
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
    });
    Ok(Variant::new(architecture, vec![layer], &config))
}
