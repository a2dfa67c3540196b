//! The variables of a job that deploys to an environment.

use sha2::{Digest as _, Sha256};

use crate::file::Environment;
use crate::variables::Variables;

/// Longest slug.
const LENGTH: usize = 24;

/// Characters of a slug before a suffix.
const SHORTENED: usize = 17;

/// Digits of a suffix, to the base 36.
const SUFFIX: u32 = 6;

/// Words in the name of an environment, and the tier that GitLab guesses from them (`Environment#guess_tier`).
const TIERS: &[(&[&str], &str)] = &[
    (&["dev", "review", "trunk"], "development"),
    (
        &[
            "test", "tst", "int", "acpt", "accept", "qa", "qc", "control", "quality",
        ],
        "testing",
    ),
    (
        &["stg", "stag", "modl", "model", "pre", "demo", "non"],
        "staging",
    ),
    (&["prd", "prod", "live"], "production"),
];

/// Adds the variables of an environment of this name, in which nothing refers to a variable any more.
pub(super) fn put_environment(all: &mut Variables, environment: &Environment, name: &str) {
    let action = environment.action.as_deref().unwrap_or("start");
    let tier = environment.tier.as_deref();
    all.put("CI_ENVIRONMENT_NAME", name);
    all.put("CI_ENVIRONMENT_ACTION", action);
    all.put(
        "CI_ENVIRONMENT_TIER",
        tier.unwrap_or_else(|| guessed_tier(name)),
    );
}

/// Adds those that no variable of a file replaces. The address may refer to any variable of the job.
pub(super) fn put_persisted(all: &mut Variables, environment: &Environment, name: &str) {
    all.put("CI_ENVIRONMENT_SLUG", environment_slug(name));
    if let Some(url) = &environment.url {
        all.put("CI_ENVIRONMENT_URL", url);
    }
}

fn guessed_tier(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let guessed = TIERS
        .iter()
        .find(|(words, _)| words.iter().any(|word| name.contains(word)));
    guessed.map_or("other", |(_, tier)| tier)
}

/// `CI_ENVIRONMENT_SLUG`: the name as a DNS label (`Gitlab::Slug::Environment`). Where it differs
/// from the name or is too long, it ends with a suffix of the name's hash.
fn environment_slug(name: &str) -> String {
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
    fn a_tier_is_guessed_from_the_name() {
        // From GitLab's own test (`spec/models/environment_spec.rb`, `guess_tier`), and the order of its patterns.
        for (name, tier) in [
            ("review/feature", "development"),
            ("DEV", "development"),
            ("acceptance", "testing"),
            ("production/qa", "testing"),
            ("Staging", "staging"),
            ("pre-prod", "staging"),
            ("prd-us", "production"),
            ("live", "production"),
            ("canary", "other"),
        ] {
            assert_eq!(guessed_tier(name), tier, "{name}");
        }
    }

    #[test]
    fn the_suffix_is_of_the_names_hash() {
        // ruby -rdigest -e 'puts Digest::SHA2.hexdigest("review/1-foo").to_i(16).to_s(36)[-6..]'
        assert_eq!(environment_slug("review/1-foo"), "review-1-foo-9tdj0u");
    }
}
