//! The parts of an image's name.

use crate::config::{Architecture, split_host};

/// Docker Hub, which the names of its images leave out.
const DOCKER_HUB: &str = "docker.io";

/// The host of the registry that an image is pulled from, with its port.
pub(crate) fn registry(image: &str) -> String {
    let host = split_host(image).0.map(str::to_ascii_lowercase);
    match host.as_deref() {
        None | Some("index.docker.io" | "registry-1.docker.io") => DOCKER_HUB.to_owned(),
        Some(host) => host.to_owned(),
    }
}

/// Other names of an image: without tag, with other spellings of its registry's host, and, on Docker Hub, with and
/// without the optional parts.
pub(crate) fn other_names(image: &str) -> Vec<String> {
    let name = image.split_once('@').map_or(image, |(name, _digest)| name);
    let host = registry(name);
    let host = host
        .strip_suffix(":443")
        .unwrap_or(&host)
        .trim_end_matches('.');
    let (_, path) = split_host(name);
    let prefixes = match host {
        DOCKER_HUB => vec!["", "library/", "docker.io/", "docker.io/library/"],
        _ => vec![],
    };
    let path = match host {
        DOCKER_HUB => path.strip_prefix("library/").unwrap_or(path),
        _ => path,
    };
    let own = format!("{host}/");
    let untagged = path.rsplit_once(':').map_or(path, |(path, _tag)| path);
    let prefixes = prefixes.into_iter().chain([own.as_str()]);
    prefixes
        .flat_map(|prefix| [path, untagged].map(|path| format!("{prefix}{path}")))
        .collect()
}

/// The path without host, and the tag.
pub(super) fn path_and_tag(image: &str) -> (&str, Option<&str>) {
    let name = image.split_once('@').map_or(image, |(name, _digest)| name);
    let (_, path) = split_host(name);
    match path.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (path, None),
    }
}

/// The name without tag, digest and registry port, from which host names of services are derived.
pub(crate) fn service_name(image: &str) -> String {
    let image = image.split_once('@').map_or(image, |(name, _digest)| name);
    let (host, path) = match image.split_once('/') {
        Some((host, path)) => (Some(host), path),
        None => (None, image),
    };
    let path = path.split_once(':').map_or(path, |(path, _tag)| path);
    match host {
        Some(host) => {
            let host = host.split_once(':').map_or(host, |(host, _port)| host);
            format!("{host}/{path}")
        }
        None => path.to_owned(),
    }
}

/// GitLab's helper image for an architecture: its tags name one, like `x86_64-v19.4.0` and `arm64-v19.4.0`.
pub(crate) fn helper_image(image: &str, architecture: Architecture) -> String {
    let (other, this) = match architecture {
        Architecture::X86_64 => ("arm64-", "x86_64-"),
        Architecture::Arm64 => ("x86_64-", "arm64-"),
    };
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && !image.contains('@') => {
            format!("{name}:{}", tag.replace(other, this))
        }
        _ => image.to_owned(),
    }
}

/// The architecture of a platform like `linux/arm64`, if Fargate has it.
pub(crate) fn architecture(platform: &str) -> Option<Architecture> {
    let mut parts = platform.split('/');
    let (first, second) = (parts.next()?, parts.next());
    match second {
        Some(machine) if first.eq_ignore_ascii_case("linux") => machine.parse().ok(),
        Some(_) => None,
        None => first.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use testing::mutation;

    #[test]
    fn the_registry_is_the_first_part_that_looks_like_a_host() {
        for (image, host) in [
            ("debian", "docker.io"),
            ("debian:12", "docker.io"),
            ("library/debian", "docker.io"),
            ("index.docker.io/library/debian", "docker.io"),
            ("localhost/a", "localhost"),
            ("Internal/a", "internal"),
            (
                "Registry.example.com:4999/team/db:1",
                "registry.example.com:4999",
            ),
        ] {
            assert_eq!(registry(image), host, "{image}");
        }
    }

    #[test]
    fn what_is_taken_back_is_taken_back_under_every_name() {
        let globs = |patterns: &[&str]| {
            let patterns: Vec<_> = patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect();
            crate::config::Globs::of_images(&patterns).unwrap()
        };
        let secret = globs(&["**", "!r.example.com/secret", "!r.example.com/secret:*"]);
        for image in [
            "r.example.com/secret",
            "r.example.com/secret:1",
            "r.example.com/secret:1@sha256:00",
            "R.Example.com/secret@sha256:00",
            "r.example.com:443/secret:1",
            "r.example.com./secret:1",
        ] {
            assert!(!secret.allow_named(image, &other_names(image)), "{image}");
        }
        let hub = globs(&["**", "!debian:*"]);
        for image in [
            "debian:12",
            "library/debian:12",
            "docker.io/library/debian:12",
            "Index.docker.io/debian:12",
            "docker.io/debian:12@sha256:00",
        ] {
            assert!(!hub.allow_named(image, &other_names(image)), "{image}");
        }
        for image in [
            "r.example.com/secrets:1",
            "r.example.com:5000/secret:1",
            "me/debian:12",
            "r.example.com/debian:12",
        ] {
            assert!(
                secret.allow_named(image, &other_names(image))
                    && hub.allow_named(image, &other_names(image)),
                "{image}"
            );
        }
    }

    #[test]
    fn names_of_services_lose_tag_digest_and_port() {
        for (image, name) in [
            ("postgres:16", "postgres"),
            ("valkey/valkey:latest", "valkey/valkey"),
            (
                "registry.example.com:4999/team/db:1",
                "registry.example.com/team/db",
            ),
            ("r.example.com/db@sha256:00", "r.example.com/db"),
            ("r.example.com/db:1@sha256:00", "r.example.com/db"),
        ] {
            assert_eq!(service_name(image), name, "{image}");
        }
    }

    #[test]
    fn the_helper_is_for_the_tasks_processors() {
        let x86 = "registry.example.com:5000/helper:x86_64-v19.4.0";
        let arm = "registry.example.com:5000/helper:arm64-v19.4.0";
        assert_eq!(helper_image(x86, Architecture::Arm64), arm);
        assert_eq!(helper_image(arm, Architecture::X86_64), x86);
        assert_eq!(
            helper_image("r:5000/x86_64-helper", Architecture::Arm64),
            "r:5000/x86_64-helper"
        );
        assert_eq!(
            helper_image("h:ubuntu-x86_64-v19.4.0", Architecture::Arm64),
            "h:ubuntu-arm64-v19.4.0"
        );
    }

    #[test]
    fn platforms() {
        assert_eq!(architecture("linux/arm64/v8"), Some(Architecture::Arm64));
        assert_eq!(architecture("linux/amd64"), Some(Architecture::X86_64));
        assert_eq!(architecture("amd64"), Some(Architecture::X86_64));
        assert_eq!(architecture("windows/amd64"), None);
        assert_eq!(architecture("linux/s390x"), None);
    }

    proptest! {
        #[test]
        fn whatever_an_image_is_called_its_parts_are_what_they_should_be(
            image in prop_oneof![
                mutation::bytes("registry.example.com:5000/team/ruby:x86_64-v3@sha256:00").prop_map(|name| String::from_utf8_lossy(&name).into_owned()),
                "[!-~]{1,40}",
            ],
        ) {
            let host = registry(&image);
            prop_assert!(!host.contains('/') && host == host.to_ascii_lowercase());
            // Credentials of one host are never given to another.
            prop_assert!(host == DOCKER_HUB || image.to_ascii_lowercase().starts_with(&host), "{} of {}", host, image);
            prop_assert!(!service_name(&image).contains('@'));
            for architecture in [Architecture::X86_64, Architecture::Arm64] {
                let once = helper_image(&image, architecture);
                prop_assert_eq!(helper_image(&once, architecture), once.clone());
                prop_assert_eq!(registry(&once), registry(&image));
            }
        }

        #[test]
        fn no_platform_is_too_odd(platform in "\\PC{0,20}|(linux|Linux|windows)?/?(amd64|arm64|x86_64|aarch64)?(/v8)?") {
            if architecture(&platform).is_some() {
                prop_assert!(!platform.to_ascii_lowercase().starts_with("windows"));
            }
        }
    }
}
