//! An image on disk: an OCI image layout, as a folder or as a tar of one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::image::{self, Image, VERSION};
use crate::error::{Error, Result};

/// Writes the image to `output`: a tar where the name ends so, else a folder.
///
/// # Errors
///
/// When it cannot be written, or the folder is not empty.
pub(super) fn write(image: &Image, output: &Path) -> Result<()> {
    let files = files(image);
    let is_tar = output.extension().is_some_and(|end| end == "tar");
    let written = if is_tar {
        write_tar(&files, output)
    } else {
        if fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("the folder {} is not empty", output.display());
            return Err(Error::system(message).advise(
                "Remove it first, or name another one; a name that ends in .tar makes one file.",
            ));
        }
        write_folder(&files, output)
    };
    written.map_err(|error| {
        Error::system(format!("could not write {}: {error}", output.display()))
            .advise("Name a place that can be written to with --output.")
    })
}

/// Names and contents of the layout's files (OCI image-spec, image layout), in a fixed order.
fn files(image: &Image) -> Vec<(String, Vec<u8>)> {
    let mut top = image.top().map(image::Blob::descriptor);
    if let Some(members) = top.as_mut().and_then(|top| top.as_object_mut()) {
        // Podman and containerd read the first as the image's whole name; the other is OCI's own.
        let names = json!({
            "io.containerd.image.name": format!("localhost/{}:{VERSION}", image.name),
            "org.opencontainers.image.ref.name": VERSION,
        });
        members.insert("annotations".into(), names);
    }
    let manifests: Vec<_> = top.into_iter().collect();
    let index = json!({ "schemaVersion": 2, "mediaType": image::INDEX, "manifests": manifests })
        .to_string();
    let mut files = vec![
        (
            "oci-layout".to_owned(),
            b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec(),
        ),
        ("index.json".to_owned(), index.into_bytes()),
    ];
    for blob in image.blobs() {
        let name = format!("blobs/{}", blob.digest.replace(':', "/"));
        files.push((name, blob.data.clone()));
    }
    files
}

fn write_folder(files: &[(String, Vec<u8>)], folder: &Path) -> io::Result<()> {
    for (name, content) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}

fn write_tar(files: &[(String, Vec<u8>)], path: &Path) -> io::Result<()> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice(), 0o644))
        .collect();
    fs::File::create(path)?.write_all(&image::tar(&files)?)
}
