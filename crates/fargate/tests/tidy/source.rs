//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file.
pub(crate) struct Source {
    /// Its path below the folder that was asked for.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The Rust files below a folder of the repository.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let base = root().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let file = path.strip_prefix(&base).unwrap();
                found.push(Source {
                    file: file.to_string_lossy().into_owned(),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found.sort_by(|one, other| one.file.cmp(&other.file));
    found
}

/// Files of `folder` outside of `home` that hold one of `words`.
pub(crate) fn strays(folder: &str, home: &[&str], words: &[&str]) -> Vec<String> {
    let at_home = |file: &str| home.iter().any(|home| file.starts_with(home));
    sources(folder)
        .into_iter()
        .filter(|source| !at_home(&source.file))
        .filter(|source| words.iter().any(|word| source.text.contains(word)))
        .map(|source| source.file)
        .collect()
}

/// The Rust code of all crates.
pub(crate) fn all_code() -> String {
    sources("crates")
        .into_iter()
        .map(|source| source.text)
        .collect()
}
