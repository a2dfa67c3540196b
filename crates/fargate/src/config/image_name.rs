//! The name of an image, by the grammar of the tools that pull images and by ECS's own limits.
//!
//! A name that passes means the same to everybody who reads it: there is no other spelling of its path, so a pattern of
//! `[JobImage] AllowedImages` matches all names of an image or none. The grammar is that of the reference package of
//! the CNCF's distribution, from which Docker and containerd have theirs.

/// Most characters before the digest (AWS: ContainerDefinition, image).
const NAME_LIMIT: usize = 255;

/// Most characters of a tag (distribution: reference).
const TAG_LIMIT: usize = 128;

/// Digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

/// An image, as a job or an operator names it: `[HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]`.
///
/// # Errors
///
/// With the expected form, and the problem.
pub(crate) fn image(text: &str) -> Result<String, String> {
    match problem(text) {
        None => Ok(text.to_owned()),
        Some(problem) => Err(format!(
            "an image, like \"debian:12\" or \"registry.example.com/team/image:1\": {problem}"
        )),
    }
}

fn problem(text: &str) -> Option<&'static str> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    if name.is_empty() {
        return Some("its name is empty");
    }
    if name.len() > NAME_LIMIT {
        return Some("ECS takes names of up to 255 characters");
    }
    if digest.is_some_and(|digest| !is_sha256(digest)) {
        return Some("a digest is sha256: and 64 digits of 0-9 and a-f");
    }
    let (host, rest) = split_host(name);
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Some("its registry is no host name, or no port follows the colon");
    }
    if !path.split('/').all(is_component) {
        return Some(
            "the parts of its path are lower-case letters and digits, with . _ __ or - between them",
        );
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Some(
            "a tag is 1 to 128 letters, digits, _ . and -, and does not begin with . or -",
        );
    }
    // Docker takes such a name for the id of an image.
    (text.len() == SHA256_DIGITS && text.bytes().all(is_hex))
        .then_some("64 hexadecimal digits are the id of an image")
}

/// The registry's host with its port, if the name begins with one, and the rest. A host has a dot, a colon or a capital
/// letter, or is `localhost`.
pub(crate) fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.contains(|c: char| c.is_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

/// The host of a registry, with its port if it has one, as names of images begin with it.
///
/// # Errors
///
/// With the expected form. A word without dot and port is the beginning of a path on Docker Hub.
pub(crate) fn registry_host(text: &str) -> Result<String, String> {
    let image = format!("{text}/image");
    match split_host(&image) {
        (Some(host), "image") if is_host(host) => Ok(host.to_ascii_lowercase()),
        _ => Err(
            "the host of a registry, like \"registry.example.com\", \"registry:5000\" or \"docker.io\"".to_owned(),
        ),
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Whether it is a part of a path: runs of lower-case letters and digits, between which are a dot, one or two
/// underscores, or any number of hyphens.
fn is_component(text: &str) -> bool {
    let is_separator = |between: &str| {
        matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
    };
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.split(is_alphanumeric).all(is_separator)
}

fn is_tag(text: &str) -> bool {
    (1..=TAG_LIMIT).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_sha256(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == SHA256_DIGITS && hash.bytes().all(is_hex))
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The grammar as distribution's reference package writes it in its documentation, with ECS's only algorithm.
    ///
    /// By the grammar alone `a_0.a/b` would be a path. Docker takes its first part for a host, for the dot.
    fn grammar_allows(name: &str) -> bool {
        let component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
        let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
        let host = format!("{label}(?:\\.{label})*(?::[0-9]+)?");
        let looks_like_a_host = regex::Regex::new("^[^/]*[.:][^/]*/").unwrap();
        let has_host = regex::Regex::new(&format!("^{host}/")).unwrap();
        let whole = regex::Regex::new(&format!(
            "^(?:{host}/)?{component}(?:/{component})*(?::[0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?$"
        ))
        .unwrap();
        whole.is_match(name) && (has_host.is_match(name) || !looks_like_a_host.is_match(name))
    }

    #[test]
    fn the_host_of_a_registry_is_told_from_a_path_on_docker_hub() {
        for host in [
            "r.example.com",
            "registry:5000",
            "localhost",
            "docker.io",
            "R.example.com:443",
        ] {
            assert_eq!(registry_host(host), Ok(host.to_ascii_lowercase()));
        }
        // Their credentials would go to Docker Hub, or to all of the host.
        for other in [
            "registry",
            "r.example.com/team",
            "https://index.docker.io/v1/",
            "",
            "a b.c",
            ":5000",
        ] {
            assert!(registry_host(other).is_err(), "{other}");
        }
    }

    #[test]
    fn names_that_ecs_or_registries_refuse_are_refused() {
        let digest = "0".repeat(64);
        for good in [
            "debian".to_owned(),
            "debian:12".to_owned(),
            "library/debian:bookworm-20250101_1".to_owned(),
            "localhost/a".to_owned(),
            "localhost:5000/a/b:1".to_owned(),
            "Registry.example.com:4999/team/db:1".to_owned(),
            "111122223333.dkr.ecr.us-east-2.amazonaws.com/fargate-agent:0.1.0".to_owned(),
            "gcr.io/a__b/c---d/e.f:V1".to_owned(),
            format!("ruby@sha256:{digest}"),
            format!("ruby:3.3@sha256:{digest}"),
            format!("{}@sha256:{digest}", "x".repeat(250)),
        ] {
            assert_eq!(image(&good), Ok(good.clone()));
        }
        let id = "a".repeat(64);
        for bad in [
            "",
            "a b",
            "-rf",
            "/a",
            "a\nb",
            "a/",
            "ruby:3?",
            "$X/y",
            "ruby:",
            "ruby:-1",
            "ruby:a:b",
            "Ruby",
            "a/Ruby",
            "a//b",
            "a/./b",
            "a/../b",
            "a%2fb",
            "a/b%2Fc",
            "r.example.com//secret",
            "r.example.com/./secret",
            "r.example.com/%73ecret",
            "r.example.com./secret",
            "r.example.com:/a",
            "r.example.com:x/a",
            "[::1]:5000/a",
            "https://r.example.com/a",
            "a#b",
            "a_-b",
            "a_0.a/0",
            "a___b",
            "a..b",
            "é",
            "ruby@",
            "ruby@sha256:00",
            "@sha256:00",
            "r@md5:d41d8cd98f00b204e9800998ecf8427e",
            &id,
            &"x".repeat(256),
            &format!("ruby:{}", "x".repeat(129)),
            &format!("ruby@sha512:{digest}"),
            &format!("ruby@sha256:{}", "A".repeat(64)),
            &format!("ruby@sha256:{digest}@sha256:{digest}"),
        ] {
            assert!(image(bad).is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        /// Whether the parts are told apart as the grammar tells them, for names that are nearly right.
        #[test]
        fn names_are_judged_as_the_grammar_judges_them(
            name in "([A-Za-z0-9.:-]{0,6}/)?[a-z0-9._/-]{0,8}(:[A-Za-z0-9_.:-]{0,4})?(@sha256:[0-9a-f]{64})?",
        ) {
            // Docker tells a host from a path by more than the grammar: "A/b" has a host, "a/B" has none.
            prop_assert_eq!(image(&name).is_ok(), grammar_allows(&name), "{}", name);
        }
    }
}
