//! `cache:`: files that one run of a job leaves for the next.

use crate::file::artifacts::KeepWhen;
use crate::file::values::{flattened, switch, text, texts};
use crate::yaml::{Node, Value};

/// GitLab's key of a cache that has none.
const DEFAULT_KEY: &str = "default";

/// Caches that a job may have (`Entry::Caches`).
const MAX_CACHES: usize = 4;

/// One cache of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cache {
    pub(crate) key: CacheKey,
    /// Patterns relative to the project's folder, with variables.
    pub(crate) paths: Vec<String>,
    /// Whether all files that git does not track are kept, too.
    pub(crate) untracked: bool,
    /// `pull-push`, `pull` or `push`, or a variable with one of them.
    pub(crate) policy: String,
    pub(crate) when: KeepWhen,
    /// Keys to look at, in order, when `key` has no cache.
    pub(crate) fallback_keys: Vec<String>,
}

/// What names a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheKey {
    /// A text, with variables.
    Text(String),
    /// Files whose change makes a new cache: `files` or `files_commits`.
    Files {
        /// With variables.
        files: Vec<String>,
        /// Before the files' hash, with a dash between.
        prefix: Option<String>,
    },
}

/// Reads `cache:`: one, or a list, which may have lists in it (by `!reference`).
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_caches(node: &Node) -> Result<Vec<Cache>, String> {
    let caches = flattened(node)?;
    match caches.len() > MAX_CACHES {
        true => Err("no more than 4 caches can be created".to_owned()),
        false => caches.into_iter().map(read_cache).collect(),
    }
}

fn read_cache(node: &Node) -> Result<Cache, String> {
    if node.as_map().is_none() {
        return Err("should be a hash".to_owned());
    }
    let policy = text(node, "policy")?.unwrap_or_else(|| "pull-push".to_owned());
    let known = ["pull-push", "pull", "push"].contains(&policy.as_str());
    if !known && !policy.contains('$') {
        return Err("policy should be a variable or one of: pull-push, push, pull".to_owned());
    }
    Ok(Cache {
        key: read_key(node.get("key"))?,
        paths: texts(node, "paths")?,
        untracked: switch(node, "untracked")?,
        policy,
        when: KeepWhen::read(node)?,
        fallback_keys: texts(node, "fallback_keys")?,
    })
}

/// Files that may make a key (`Entry::Files`).
const MAX_KEY_FILES: usize = 2;

fn read_key(node: Option<&Node>) -> Result<CacheKey, String> {
    let Some(node) = node else {
        return Ok(CacheKey::Text(DEFAULT_KEY.to_owned()));
    };
    if let Value::Map(_) = node.value {
        let files = match texts(node, "files")? {
            files if files.is_empty() => texts(node, "files_commits")?,
            files => files,
        };
        let prefix = text(node, "prefix")?;
        return match files.len() {
            0 => Err("has a `key` without `files`".to_owned()),
            1..=MAX_KEY_FILES => Ok(CacheKey::Files { files, prefix }),
            _ => Err(format!(
                "key:files config has too many items (maximum is {MAX_KEY_FILES})"
            )),
        };
    }
    let key = node.scalar();
    let key = key.ok_or("has a `key` that should be a hash, a string or a symbol")?;
    Ok(CacheKey::Text(key))
}
