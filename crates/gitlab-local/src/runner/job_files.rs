//! The artifacts and caches of a job, with variables put in.

use std::path::Path;

use crate::file::{Artifacts, Cache, CacheKey, KeepWhen};
use crate::runner::cache_folder::hash_of_files;
use crate::runner::cache_key::{fallback_key, sanitized};
use crate::runner::collection::Collection;
use crate::runner::failure::JobFailure;
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
    /// Empty where the key has nothing that can name a cache.
    pub(crate) key: String,
    fallback_keys: Vec<String>,
    pub(crate) collection: Collection,
    policy: String,
    pub(crate) when: KeepWhen,
    /// The runner's words about keys that it changes or refuses.
    pub(crate) warnings: Vec<String>,
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
        let mut warnings = Vec::new();
        let is_hashed = variables.is_on("FF_HASH_CACHE_KEYS");
        let mut usable = |key: String| match is_hashed {
            true => key,
            false => {
                let (key, warning) = sanitized(&key);
                warnings.extend(warning);
                key
            }
        };
        let suffixed = |key: String| format!("{key}{KEY_SUFFIX}");
        let key = usable(suffixed(key));
        let fallback_keys: Vec<String> = all(&cache.fallback_keys);
        let fallback_keys = fallback_keys.into_iter().filter(|key| !key.is_empty());
        let mut fallback_keys: Vec<String> =
            fallback_keys.map(|key| usable(suffixed(key))).collect();
        // The runner takes this one as it is.
        let general = usable(variables.value("CACHE_FALLBACK_KEY").to_owned());
        match fallback_key(general) {
            Ok(general) => fallback_keys.extend(general),
            Err(warning) => warnings.push(warning),
        }
        Self {
            key,
            fallback_keys,
            collection: Collection {
                paths: all(&cache.paths),
                exclude: Vec::new(),
                untracked: cache.untracked,
            },
            policy: variables.expand_by_runner(&cache.policy),
            when: cache.when,
            warnings,
        }
    }

    /// Whether the job gets the cache.
    ///
    /// # Errors
    ///
    /// With the runner's words when a variable has given an unknown policy.
    pub(crate) fn is_pulled(&self) -> Result<bool, JobFailure> {
        self.allows("pull")
    }

    /// Whether the job leaves the cache.
    ///
    /// # Errors
    ///
    /// As [`Self::is_pulled`].
    pub(crate) fn is_pushed(&self) -> Result<bool, JobFailure> {
        self.allows("push")
    }

    fn allows(&self, direction: &str) -> Result<bool, JobFailure> {
        match self.policy.as_str() {
            "" | "pull-push" => Ok(true),
            policy @ ("pull" | "push") => Ok(policy == direction),
            policy => Err(JobFailure::System(format!(
                "unknown cache policy {policy} for {}",
                self.key
            ))),
        }
    }

    /// Where to look for the cache, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = std::iter::once(&self.key).chain(&self.fallback_keys);
        keys.map(String::as_str)
    }
}
