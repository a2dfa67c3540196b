//! Images: those that the engine has, and those that it pulls.

use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptions;
use futures_util::TryStreamExt;

use super::client::{Engine, message};

/// An image that the engine has.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The digest of its manifest if it came from a registry, else the ID of the image.
    pub(crate) digest: String,
    /// In Docker's spelling.
    architecture: String,
    /// The signal that asks its program to end.
    pub(super) stop_signal: Option<String>,
    /// The paths at which it declares volumes.
    pub(super) volumes: Vec<String>,
}

impl Engine {
    /// Makes sure that the engine has an image. The error has ECS's words and the registry's.
    ///
    /// A name with a registry's host is pulled, as on AWS. If that fails, an image of that name that the engine has is
    /// used. Any other name, `localhost/app` of Podman's own images included, is pulled only if the engine has no such
    /// image. An image for another architecture is an
    /// error, even where an emulator could run it: tasks have the architecture of this machine.
    pub(crate) async fn provide(&self, name: &str) -> Result<Image, String> {
        let image = self.get(name).await?;
        let fits = image.architecture.is_empty() || image.architecture == self.architecture;
        if fits {
            Ok(image)
        } else {
            Err(mismatch(&self.architecture))
        }
    }

    async fn get(&self, name: &str) -> Result<Image, String> {
        let local = self.inspect(name).await?;
        match local {
            Some(image) if !has_host(name) => return Ok(image),
            _ => {}
        }
        match (self.pull(name).await, local) {
            (Ok(()), _) => self
                .inspect(name)
                .await?
                .ok_or_else(|| failure(name, "the engine does not have it after the pull")),
            (Err(error), Some(image)) => {
                tracing::info!(
                    image = name,
                    error = message(&error),
                    "the pull failed; using the image that the engine has"
                );
                Ok(image)
            }
            (Err(error), None) => Err(failure(name, &message(&error))),
        }
    }

    async fn pull(&self, name: &str) -> Result<(), Error> {
        let options = CreateImageOptions {
            from_image: Some(with_tag(name)),
            ..Default::default()
        };
        self.waiting
            .create_image(Some(options), None, None)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    async fn inspect(&self, name: &str) -> Result<Option<Image>, String> {
        let found = match self.docker.inspect_image(name).await {
            Ok(found) => found,
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => return Ok(None),
            Err(error) => return Err(failure(name, &message(&error))),
        };
        let config = found.config.unwrap_or_default();
        let digest = digest(name, found.repo_digests.as_deref().unwrap_or_default());
        Ok(Some(Image {
            digest: digest.map(str::to_owned).or(found.id).unwrap_or_default(),
            architecture: found.architecture.unwrap_or_default(),
            stop_signal: config.stop_signal.filter(|signal| !signal.is_empty()),
            volumes: config.volumes.unwrap_or_default(),
        }))
    }
}

fn failure(name: &str, why: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {name}: {why}"
    )
}

fn mismatch(architecture: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does not contain \
         descriptor matching platform 'linux/{architecture}'"
    )
}

/// Whether a name begins with a registry's host: the first of several parts has a dot or a port. `localhost` without a
/// port is how Podman names images that were built on this machine.
fn has_host(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(first, _)| first.contains(['.', ':']))
}

/// The name with a tag. A pull without tag and digest would pull all tags.
fn with_tag(name: &str) -> String {
    if repository(name) == name {
        format!("{name}:latest")
    } else {
        name.to_owned()
    }
}

/// A name without its tag or digest. The port of a host is not in the last part of a name.
fn repository(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// The digest of the image under this name, among the digests of all its names. Podman lists each digest under each
/// name.
fn digest<'a>(name: &str, digests: &'a [String]) -> Option<&'a str> {
    let repository = repository(name);
    let full = format!("/{repository}");
    let split = || digests.iter().filter_map(|digest| digest.split_once('@'));
    split()
        .find(|(name, _)| *name == repository || name.ends_with(&full))
        .or_else(|| split().next())
        .map(|(_, digest)| digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_name() {
        let digests = [
            "localhost/a/b@sha256:1",
            "registry:5000/a/b@sha256:2",
            "docker.io/library/c@sha256:3",
        ];
        let digests = digests.map(str::to_owned);
        for (name, expected) in [
            ("registry:5000/a/b:tag", "sha256:2"),
            ("registry:5000/a/b@sha256:2", "sha256:2"),
            ("a/b", "sha256:1"),
            ("c:latest", "sha256:3"),
            ("elsewhere/d", "sha256:1"),
        ] {
            assert_eq!(digest(name, &digests), Some(expected), "{name}");
        }
        assert_eq!(digest("a", &[]), None);
    }

    #[test]
    fn hosts_and_tags_are_told_apart() {
        for (name, host, pulled) in [
            ("debian", false, "debian:latest"),
            ("debian:12", false, "debian:12"),
            ("library/debian", false, "library/debian:latest"),
            ("localhost/debian", false, "localhost/debian:latest"),
            (
                "localhost:5000/debian",
                true,
                "localhost:5000/debian:latest",
            ),
            ("registry:5000/debian", true, "registry:5000/debian:latest"),
            ("ghcr.io/a/b:c", true, "ghcr.io/a/b:c"),
            ("a/b@sha256:00", false, "a/b@sha256:00"),
        ] {
            assert_eq!(
                (has_host(name), with_tag(name).as_str()),
                (host, pulled),
                "{name}"
            );
        }
    }
}
