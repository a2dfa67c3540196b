//! The rules for a container's image. They are those of the model (ContainerDefinition, image), which are wider than
//! the grammar of image names: a name that no registry knows fails when it is pulled.

use crate::ecs::checks::refuse;
use crate::error::ApiError;

/// AWS's refusal of characters, seen for a name with a `$` and for one that ended in a space.
const INVALID_CHARACTERS: &str = "Container.image contains invalid characters.";

/// Most characters before a digest.
const MAX_CHARACTERS: usize = 255;

/// Checks the name of an image.
pub(super) fn check(image: &str) -> Result<(), ApiError> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-_:./#".contains(c);
    if !name.chars().all(is_valid) || !digest.is_none_or(is_sha256) {
        return refuse(INVALID_CHARACTERS);
    }
    if name.len() > MAX_CHARACTERS {
        return refuse(format!(
            "Container.image may have up to {MAX_CHARACTERS} characters before the digest."
        ));
    }
    Ok(())
}

fn is_sha256(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_models_class_and_digests_are_sha256() {
        let digest = "0aF9".repeat(16);
        for image in [
            "ruby",
            "Registry.example.com:5000/team_a/ruby-3#x:3.3",
            // Not a name that can be pulled, but the model takes it.
            "ruby:",
            &format!("registry.example.com/ruby@sha256:{digest}"),
            &format!("{}@sha256:{digest}", "x".repeat(255)),
        ] {
            assert!(check(image).is_ok(), "{image}");
        }
        for image in [
            "ruby:3?",
            "$X/y",
            "ruby ",
            "rüby",
            "a%2fb",
            "ruby@",
            "ruby@sha256:00",
            &format!("ruby@sha512:{digest}"),
            &format!("ruby@sha256:{digest}0"),
        ] {
            assert_eq!(
                check(image).unwrap_err().message,
                INVALID_CHARACTERS,
                "{image}"
            );
        }
        assert!(check(&"x".repeat(256)).is_err());
    }
}
