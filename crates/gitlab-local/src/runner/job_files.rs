//! The artifacts and caches of a job, with variables put in.

use std::path::Path;

use crate::file::{Artifacts, Cache, CacheKey, KeepWhen};
use crate::runner::cache_folder::hash_of_files;
use crate::runner::collection::Collection;
use crate::transfer::Archive;
use crate::variables::{Variable, Variables};

/// GitLab puts this behind the keys of caches on branches that are not protected.
const KEY_SUFFIX: &str = "-non_protected";

/// What a job has left for later jobs.
#[derive(Debug, Clone, Default)]
pub struct JobArtifacts {
    pub(crate) files: Option<Archive>,
    /// Of the report `dotenv`.
    pub(crate) variables: Vec<Variable>,
}

/// The artifacts that a job is to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArtifactFiles {
    pub(crate) collection: Collection,
    pub(crate) dotenv: Vec<String>,
    pub(crate) when: KeepWhen,
}

/// A cache of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheFiles {
    pub(crate) key: String,
    fallback_keys: Vec<String>,
    pub(crate) collection: Collection,
    pub(crate) pull: bool,
    pub(crate) push: bool,
    pub(crate) when: KeepWhen,
}

impl ArtifactFiles {
    pub(crate) fn new(artifacts: &Artifacts, variables: &Variables) -> Self {
        let all = |texts: &[String]| {
            texts
                .iter()
                .map(|text| variables.expand_by_runner(text))
                .collect()
        };
        Self {
            collection: Collection {
                paths: all(&artifacts.paths),
                exclude: all(&artifacts.exclude),
                untracked: artifacts.untracked,
            },
            dotenv: all(&artifacts.dotenv),
            when: artifacts.when,
        }
    }
}

impl CacheFiles {
    /// `folder` is the project's, whose files may make a key.
    pub(crate) fn new(cache: &Cache, variables: &Variables, folder: &Path) -> Self {
        let all = |texts: &[String]| {
            texts
                .iter()
                .map(|text| variables.expand_by_runner(text))
                .collect()
        };
        let key = match &cache.key {
            CacheKey::Text(key) => variables.expand_by_runner(key),
            CacheKey::Files { files, prefix } => {
                let files: Vec<String> = all(files);
                let hash = hash_of_files(folder, &files).unwrap_or_else(|| "default".to_owned());
                match prefix {
                    Some(prefix) => format!("{}-{hash}", variables.expand_by_runner(prefix)),
                    None => hash,
                }
            }
        };
        let policy = variables.expand_by_runner(&cache.policy);
        let fallback_keys: Vec<String> = all(&cache.fallback_keys);
        let general = Some(variables.value("CACHE_FALLBACK_KEY").to_owned());
        let fallback_keys = fallback_keys.into_iter().chain(general);
        let protected = |key: String| format!("{key}{KEY_SUFFIX}");
        Self {
            key: protected(key),
            fallback_keys: fallback_keys
                .filter(|key| !key.is_empty())
                .map(protected)
                .collect(),
            collection: Collection {
                paths: all(&cache.paths),
                exclude: Vec::new(),
                untracked: cache.untracked,
            },
            pull: matches!(policy.as_str(), "pull" | "pull-push" | ""),
            push: matches!(policy.as_str(), "push" | "pull-push" | ""),
            when: cache.when,
        }
    }

    /// Where to look for the cache, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = std::iter::once(&self.key).chain(&self.fallback_keys);
        keys.map(String::as_str)
    }
}
