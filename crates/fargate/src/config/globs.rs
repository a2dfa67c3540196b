//! Patterns of allowed values.

use std::fmt;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of which one must match the whole value.
///
/// `*` stands for any text. A pattern that starts with `!` excludes values that the others allow.
#[derive(Debug, Clone)]
pub(crate) struct Globs {
    allowed: GlobSet,
    refused: GlobSet,
    patterns: Vec<String>,
}

impl Globs {
    /// Compiles the patterns.
    ///
    /// # Errors
    ///
    /// With the first invalid pattern and the reason.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, String> {
        Self::compile(patterns, Glob::new)
    }

    /// Compiles patterns of images.
    ///
    /// `*` stops at `/` and `**` does not, as in the Docker executor's `allowed_images`.
    ///
    /// # Errors
    ///
    /// With the first invalid pattern and the reason, or when all patterns are exclusions.
    pub(crate) fn of_images(patterns: &[String]) -> Result<Self, String> {
        if patterns.iter().all(|pattern| pattern.starts_with('!')) {
            return Err(
                "has only exclusions, which allow nothing; put \"**\", which allows all, before them"
                    .to_owned(),
            );
        }
        Self::compile(patterns, |glob| {
            GlobBuilder::new(glob).literal_separator(true).build()
        })
    }

    fn compile(
        patterns: &[String],
        parse: impl Fn(&str) -> Result<Glob, globset::Error>,
    ) -> Result<Self, String> {
        let mut allowed = GlobSetBuilder::new();
        let mut refused = GlobSetBuilder::new();
        for pattern in patterns {
            let (set, glob) = match pattern.strip_prefix('!') {
                Some(rest) => (&mut refused, rest),
                None => (&mut allowed, pattern.as_str()),
            };
            let glob = parse(glob).map_err(|error| format!("has a bad pattern: {error}"))?;
            set.add(glob);
        }
        let build = |set: GlobSetBuilder| {
            set.build()
                .map_err(|error| format!("has a bad pattern: {error}"))
        };
        Ok(Self {
            allowed: build(allowed)?,
            refused: build(refused)?,
            patterns: patterns.to_vec(),
        })
    }

    /// Whether `value` is allowed.
    pub(crate) fn allow(&self, value: &str) -> bool {
        self.allowed.is_match(value) && !self.refused.is_match(value)
    }

    /// Whether a value with several names is allowed.
    ///
    /// An exclusion of one name excludes them all; otherwise a job would use the name that the operator forgot.
    pub(crate) fn allow_named(&self, value: &str, other_names: &[String]) -> bool {
        self.allow(value) && !other_names.iter().any(|name| self.refused.is_match(name))
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.patterns.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&self.patterns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TaskDefinitionName;

    #[test]
    fn globs_match_whole_values() {
        let globs = |patterns: &[&str]| {
            Globs::new(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        assert!(globs(&["ci-*"]).allow("ci-ruby:7"));
        assert!(!globs(&["ci-*"]).allow("my-ci-ruby"));
        assert!(globs(&["*"]).allow("arn:aws:ecs:r:1:task-definition/a"));
        assert!(!globs(&["*", "!root-*"]).allow("root-all"));
        for name in [
            "root",
            "root:3",
            "arn:aws:ecs:r:1:task-definition/root",
            "arn:aws:ecs:r:1:task-definition/root:3",
        ] {
            let others = name.parse::<TaskDefinitionName>().unwrap().other_names();
            assert!(!globs(&["*", "!root"]).allow_named(name, &others), "{name}");
            assert!(
                globs(&["*", "!roo", "!root2"]).allow_named(name, &others),
                "{name}"
            );
        }
        assert!(!globs(&[]).allow("a"));
    }

    #[test]
    fn globs_of_images_stop_at_slashes() {
        let globs = |patterns: &[&str]| {
            Globs::of_images(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
        };
        let allows = |patterns: &[&str], image| globs(patterns).unwrap().allow(image);
        assert!(allows(&["ruby:*"], "ruby:3.3"));
        assert!(!allows(&["ruby:*"], "evil.example.com/ruby:3.3"));
        assert!(!allows(
            &["registry.example.com/*"],
            "registry.example.com/a/b:1"
        ));
        assert!(allows(
            &["registry.example.com/**"],
            "registry.example.com/a/b:1"
        ));
        assert!(allows(&["**"], "registry.example.com/a/b:1") && allows(&["**"], "ruby"));
        assert!(allows(&["**", "!**/secret:*"], "r.example.com/a:1"));
        assert!(!allows(&["**", "!**/secret:*"], "r.example.com/secret:1"));
        assert!(globs(&["!a"]).is_err());
        assert!(globs(&["a[", "b"]).is_err());
    }
}
