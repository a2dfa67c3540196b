//! `CI_ENVIRONMENT_SLUG`: an environment's name as a DNS label, as GitLab makes it (`Gitlab::Slug::Environment`).

use sha2::{Digest as _, Sha256};

/// Longest slug.
const LENGTH: usize = 24;

/// Characters of a slug before a suffix.
const SHORTENED: usize = 17;

/// Digits of a suffix, to the base 36.
const SUFFIX: u32 = 6;

/// The slug of a name. Where it differs from the name or is too long, it ends with a suffix of the name's hash.
pub(crate) fn environment_slug(name: &str) -> String {
    slug(name, &Sha256::digest(name))
}

fn slug(name: &str, hash: &[u8]) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if slug.is_empty() && !c.is_ascii_lowercase() {
            slug.push_str("env-");
        }
        if c != '-' || !slug.ends_with('-') {
            slug.push(c);
        }
    }
    if slug.is_empty() {
        slug.push_str("env-");
    }
    if slug.len() <= LENGTH && slug == name {
        return slug.strip_suffix('-').unwrap_or(&slug).to_owned();
    }
    let mut short: String = slug.chars().take(SHORTENED).collect();
    if !short.ends_with('-') {
        short.push('-');
    }
    short + &suffix(hash)
}

/// The last digits of a hash to the base 36.
fn suffix(hash: &[u8]) -> String {
    let limit = 36_u64.pow(SUFFIX);
    let number = hash
        .iter()
        .fold(0, |number, byte| (number * 256 + u64::from(*byte)) % limit);
    let digit = |place: u32| {
        let digit = u32::try_from(number / 36_u64.pow(place) % 36).unwrap_or_default();
        char::from_digit(digit, 36).unwrap_or('0')
    };
    (0..SUFFIX).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_gitlabs() {
        // The table of GitLab's own test (`spec/lib/gitlab/slug/environment_spec.rb`), where a hash is all `a`.
        for (name, expected) in [
            ("staging-12345678901234567", "staging-123456789-q517sa"),
            ("9-staging-123456789012345", "env-9-staging-123-q517sa"),
            ("staging-1234567890123456", "staging-1234567890123456"),
            ("staging-1234567890123456-", "staging-123456789-q517sa"),
            ("production", "production"),
            ("PRODUCTION", "production-q517sa"),
            ("review/1-foo", "review-1-foo-q517sa"),
            ("1-foo", "env-1-foo-q517sa"),
            ("1/foo", "env-1-foo-q517sa"),
            ("foo-", "foo"),
            ("foo--bar", "foo-bar-q517sa"),
            ("foo**bar", "foo-bar-q517sa"),
            ("*-foo", "env-foo-q517sa"),
            ("staging-12345678-", "staging-12345678"),
            ("staging-12345678-01234567", "staging-12345678-q517sa"),
            ("", "env-q517sa"),
        ] {
            assert_eq!(slug(name, &[0xaa; 32]), expected, "{name:?}");
        }
    }

    #[test]
    fn the_suffix_is_of_the_names_hash() {
        // ruby -rdigest -e 'puts Digest::SHA2.hexdigest("review/1-foo").to_i(16).to_s(36)[-6..]'
        assert_eq!(environment_slug("review/1-foo"), "review-1-foo-9tdj0u");
    }
}
