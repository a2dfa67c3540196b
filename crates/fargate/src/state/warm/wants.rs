//! What a keeper wants of each kind of start: word that it leaves for `fargate warm status`, which asks nobody.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names;
use crate::state::files::{self, Draft};

/// How many tasks of one kind a keeper wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Want {
    /// The pool, or the jobs that are followed, as people know them.
    pub(crate) pool: String,
    /// The hash of their starts.
    pub(crate) hash: String,
    pub(crate) wanted: usize,
}

/// What this keeper wanted last; nothing where it has left no word that can be read.
pub(super) fn read(folder: &Path, keeper: &str) -> Vec<Want> {
    let content = files::read(&path(folder, keeper)).unwrap_or_default();
    serde_json::from_slice(&content).unwrap_or_default()
}

/// Leaves word. Without fsync: what a crash loses the next look of the keeper tells again.
pub(super) fn write(folder: &Path, keeper: &str, wants: &[Want]) -> std::io::Result<()> {
    Draft::new(&path(folder, keeper), &serde_json::to_vec(wants)?)?.persist()
}

fn path(folder: &Path, keeper: &str) -> PathBuf {
    folder.join(names::wants(keeper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_each_keeper_counts() {
        let folder = tempfile::tempdir().unwrap();
        let want = |wanted| Want {
            pool: "ruby:3.3".to_owned(),
            hash: "a".to_owned(),
            wanted,
        };
        assert_eq!(read(folder.path(), "one"), []);
        for wanted in [1, 2] {
            write(folder.path(), "one", &[want(wanted)]).unwrap();
        }
        write(folder.path(), "other", &[]).unwrap();
        assert_eq!(read(folder.path(), "one"), [want(2)]);
        std::fs::write(path(folder.path(), "one"), "[{").unwrap();
        assert_eq!(read(folder.path(), "one"), []);
    }
}
