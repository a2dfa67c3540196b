//! Values of the configuration that cannot be wrong once they exist.

use std::fmt;
use std::str::FromStr;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// Which task definition to run: a family, `family:revision`, or the ARN of either (AWS: RunTask).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskDefinitionName(String);

impl TaskDefinitionName {
    /// The name as AWS takes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskDefinitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TaskDefinitionName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = match text.strip_prefix("arn:") {
            Some(_) => arn_resource(text, "task-definition"),
            None => Some(text),
        };
        let valid = name.is_some_and(|name| {
            let (family, revision) = match name.split_once(':') {
                Some((family, revision)) => (family, Some(revision)),
                None => (name, None),
            };
            is_name(family)
                && revision
                    .is_none_or(|revision| revision.parse::<u32>().is_ok_and(|number| number > 0))
        });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err("a task definition: family, family:revision or its ARN".to_owned())
        }
    }
}

/// A cluster: its name or ARN.
pub(crate) fn cluster(text: &str) -> Result<String, String> {
    let name = match text.strip_prefix("arn:") {
        Some(_) => arn_resource(text, "cluster"),
        None => Some(text),
    };
    match name {
        Some(name) if is_name(name) => Ok(text.to_owned()),
        _ => Err("the name (letters, digits, - and _) or the ARN of an ECS cluster".to_owned()),
    }
}

/// What follows `kind/` in an ECS ARN, whatever its partition.
fn arn_resource<'a>(arn: &'a str, kind: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let service = parts.nth(2)?;
    let resource = parts.nth(2)?;
    (service == "ecs").then(|| resource.strip_prefix(kind)?.strip_prefix('/'))?
}

/// The alphabet and length of ECS families and cluster names (AWS: RegisterTaskDefinition, CreateCluster).
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// An id of EC2, such as `subnet-0abc`.
pub(crate) fn ec2_id(prefix: &str, text: &str) -> Result<String, String> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(format!("an id that starts with {prefix}"))
    }
}

/// A region, such as `eu-west-1`.
pub(crate) fn region(text: &str) -> Result<String, String> {
    let valid = text.contains('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if valid {
        Ok(text.to_owned())
    } else {
        Err("an AWS region, like \"eu-west-1\"".to_owned())
    }
}

/// A Fargate platform version (AWS: RunTask).
pub(crate) fn platform_version(text: &str) -> Result<String, String> {
    let numbers = text.split('.').count() == 3
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if numbers || text == "LATEST" {
        Ok(text.to_owned())
    } else {
        Err("a Fargate platform version: LATEST, or numbers like \"1.4.0\"".to_owned())
    }
}

/// An address that AWS's API is reached at instead of its own.
pub(crate) fn endpoint(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => Err("an address like \"https://ecs.example.com\"".to_owned()),
    }
}

/// A tag's key and value in AWS's alphabet and lengths (AWS: TagResource).
pub(crate) fn tag(key: &str, value: &str) -> Result<(), String> {
    if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
        Err("a key of 1 to 128 and a value of up to 256 characters".to_owned())
    } else if key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    {
        Err("a key that does not start with aws:, which AWS keeps for itself".to_owned())
    } else if !key.chars().chain(value.chars()).all(is_tag_character) {
        Err("made of letters, digits, blanks and _ . : / = + - @".to_owned())
    } else {
        Ok(())
    }
}

/// Whether AWS takes the character in a tag.
pub(crate) fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character)
}

/// One entry of a capacity provider strategy (AWS: RunTask).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrategyItem {
    /// Name of the capacity provider.
    pub(crate) provider: String,
    /// Share of tasks, 0 to 1000.
    pub(crate) weight: i32,
    /// Tasks that go there before weights count, 0 to 100000.
    pub(crate) base: i32,
}

/// Patterns of which one must match a whole value: `*` stands for any text, and a pattern that starts with `!`
/// takes back what the others allow.
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
    /// With the first pattern that is none and why.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, String> {
        let mut allowed = GlobSetBuilder::new();
        let mut refused = GlobSetBuilder::new();
        for pattern in patterns {
            let (set, glob) = match pattern.strip_prefix('!') {
                Some(rest) => (&mut refused, rest),
                None => (&mut allowed, pattern.as_str()),
            };
            let glob = Glob::new(glob).map_err(|error| format!("has a bad pattern: {error}"))?;
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

    #[test]
    fn task_definitions() {
        for good in [
            "test-task",
            "test-task:1",
            "arn:aws:ecs:eu-west-1:111122223333:task-definition/test-task:7",
            "arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/a",
        ] {
            assert_eq!(good.parse::<TaskDefinitionName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a:0",
            "a:b",
            "a:1:2",
            "a b",
            "../a",
            "arn:aws:ecs:r:1:cluster/a",
            "arn:aws:iam::1:task-definition/a",
            "arn:aws:ecs",
        ] {
            assert!(
                bad.parse::<TaskDefinitionName>().is_err(),
                "{bad:?} was accepted"
            );
        }
    }

    #[test]
    fn globs_match_whole_values() {
        let globs = |patterns: &[&str]| {
            Globs::new(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        assert!(globs(&["ci-*"]).allow("ci-ruby:7"));
        assert!(!globs(&["ci-*"]).allow("my-ci-ruby"));
        assert!(globs(&["*"]).allow("arn:aws:ecs:r:1:task-definition/a"));
        assert!(!globs(&["*", "!root-*"]).allow("root-all"));
        assert!(!globs(&[]).allow("a"));
    }

    #[test]
    fn tags_are_in_aws_alphabet() {
        assert!(tag("team", "platform/ci @home").is_ok());
        assert!(tag("aws:x", "y").is_err());
        assert!(tag("AWS:x", "y").is_err());
        assert!(tag("branch", "feature#1").is_err());
        assert!(tag("", "y").is_err());
    }
}
