//! A place in a registry, and the kind of registry that its name shows.

use oci_client::Reference;

use super::image::VERSION;
use crate::error::{Blame, Error, Result};

/// An image's place in a registry.
#[derive(Debug)]
pub(super) struct Place {
    /// Has a tag and no digest; [`Place::at`] puts a digest in the tag's place.
    pub(super) reference: Reference,
    insecure: bool,
}

impl Place {
    /// An image to pull, as Docker's commands take it: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.
    ///
    /// # Errors
    ///
    /// When it is not of that form.
    pub(super) fn to_pull(name: &str) -> Result<Self> {
        let parsed: Reference = name.parse().map_err(|error| {
            Error::new(
                Blame::Usage,
                format!("{name:?} is not a valid image name: {error}"),
            )
            .advise(
                "Name an image, like gitlab/gitlab-runner:alpine-v19.4.0 or one with @sha256:….",
            )
        })?;
        let version = parsed.digest().or(parsed.tag()).unwrap_or("latest");
        let (registry, repository) = (parsed.registry(), parsed.repository());
        let reference = Reference::with_tag(
            registry.to_owned(),
            repository.to_owned(),
            version.to_owned(),
        );
        Ok(Self {
            reference,
            insecure: false,
        })
    }

    /// Where to push, as `REGISTRY/REPOSITORY[:TAG]`; the tag is our version unless given.
    ///
    /// # Errors
    ///
    /// When it is not of that form.
    pub(super) fn to_push(name: &str, insecure: bool) -> Result<Self> {
        let wrong = |reason: String| {
            Error::new(Blame::Usage, format!("{name:?} is not a valid image name: {reason}")).advise(
                "Name a repository, like ACCOUNT.dkr.ecr.REGION.amazonaws.com/fargate-agent or registry.example.com/ci/agent:1.0.",
            )
        };
        let parsed: Reference = name.parse().map_err(|error| wrong(format!("{error}")))?;
        if parsed.digest().is_some() {
            return Err(wrong(
                "the push prints the digest; leave it out of the name".to_owned(),
            ));
        }
        // An image name's last part has a colon only before a tag.
        let tagged = name
            .rsplit('/')
            .next()
            .is_some_and(|last| last.contains(':'));
        let tag = parsed.tag().filter(|_| tagged).unwrap_or(VERSION);
        let reference = Reference::with_tag(
            parsed.registry().to_owned(),
            parsed.repository().to_owned(),
            tag.to_owned(),
        );
        Ok(Self {
            reference,
            insecure,
        })
    }

    pub(super) fn registry(&self) -> &str {
        self.reference.registry()
    }

    /// The same repository, with a document's digest in the place of the tag.
    ///
    /// The digest is given as a tag: ECR's replies lack a header, and oci-client then panics at a reference without a
    /// tag.
    pub(super) fn at(&self, digest: &str) -> Reference {
        Reference::with_tag(
            self.registry().to_owned(),
            self.reference.repository().to_owned(),
            digest.to_owned(),
        )
    }

    /// The region of the registry, if it is AWS's.
    pub(super) fn ecr_region(&self) -> Option<&str> {
        ecr_region(self.registry())
    }

    /// Whether to speak plain HTTP: only on this machine, or with --insecure.
    pub(super) fn is_plain(&self) -> bool {
        self.insecure || is_loopback(self.registry())
    }
}

/// The region of a private ECR registry, in the forms that AWS documents: IPv4 only or dual-stack, FIPS or not.
fn ecr_region(registry: &str) -> Option<&str> {
    let (account, rest) = registry.split_once('.')?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let region = |starts: [&str; 2], ends: [&str; 2]| {
        let rest = starts.iter().find_map(|start| rest.strip_prefix(start))?;
        ends.iter().find_map(|end| rest.strip_suffix(end))
    };
    region(
        ["dkr.ecr.", "dkr.ecr-fips."],
        [".amazonaws.com", ".amazonaws.com.cn"],
    )
    .or_else(|| {
        region(
            ["dkr-ecr.", "dkr-ecr-fips."],
            [".on.aws", ".on.amazonwebservices.com.cn"],
        )
    })
    .filter(|region| !region.is_empty() && !region.contains('.'))
}

fn is_loopback(registry: &str) -> bool {
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    host == "localhost"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_registries_are_known_by_their_names() {
        for (registry, region) in [
            (
                "000000000000.dkr.ecr.eu-west-1.amazonaws.com",
                Some("eu-west-1"),
            ),
            (
                "000000000000.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                Some("us-gov-west-1"),
            ),
            (
                "000000000000.dkr.ecr.cn-north-1.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("000000000000.dkr-ecr.eu-west-1.on.aws", Some("eu-west-1")),
            ("public.ecr.aws", None),
            (
                "000000000000.dkr.ecr.eu-west-1.amazonaws.com.example.com",
                None,
            ),
            ("evil.example.com.dkr.ecr.eu-west-1.amazonaws.com", None),
            ("registry.example.com", None),
        ] {
            assert_eq!(ecr_region(registry), region, "{registry}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for (registry, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.9.8.7", true),
            ("registry.example.com", false),
            ("localhost.example.com", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_loopback(registry), loopback, "{registry}");
        }
    }

    #[test]
    fn the_tag_is_the_version_unless_given() {
        let full = |name: &str| Place::to_push(name, false).map(|it| it.reference.whole());
        assert_eq!(
            full("localhost:5000/agent").unwrap(),
            format!("localhost:5000/agent:{VERSION}")
        );
        assert_eq!(
            full("r.example.com/a/b:1.0").unwrap(),
            "r.example.com/a/b:1.0"
        );
        for wrong in [
            format!("r.example.com/a@sha256:{}", "0".repeat(64)),
            "r.example.com/A b".to_owned(),
            String::new(),
        ] {
            assert_eq!(full(&wrong).unwrap_err().blame(), Blame::Usage, "{wrong}");
        }
    }
}
