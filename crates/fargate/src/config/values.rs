//! Values of the configuration that cannot be wrong once they exist.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_general_category::get_general_category;

/// A task definition: a family, `family:revision`, or the ARN of either (AWS: RunTask).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskDefinitionName(String);

impl fmt::Display for TaskDefinitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TaskDefinitionName {
    /// Its other names: `family:revision` and the family alone.
    pub(crate) fn other_names(&self) -> Vec<String> {
        vec![self.short().to_owned(), self.family().to_owned()]
    }

    /// The family alone.
    pub(crate) fn family(&self) -> &str {
        let name = self.short();
        name.split_once(':').map_or(name, |(family, _)| family)
    }

    /// The name without the rest of an ARN.
    fn short(&self) -> &str {
        match self.0.starts_with("arn:") {
            true => arn_resource(&self.0, "task-definition").unwrap_or_default(),
            false => &self.0,
        }
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

/// The part after `kind/` in an ECS ARN of any partition.
fn arn_resource<'a>(arn: &'a str, kind: &str) -> Option<&'a str> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        [_, partition, "ecs", region, account, resource]
            if [partition, region, account]
                .into_iter()
                .all(|part| is_arn_part(part)) =>
        {
            resource.strip_prefix(kind)?.strip_prefix('/')
        }
        _ => None,
    }
}

/// Whether the text can be the partition, region or account of an ARN.
fn is_arn_part(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A capacity provider (AWS: CreateCapacityProvider).
pub(crate) fn capacity_provider(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("the name of a capacity provider, like \"FARGATE_SPOT\"".to_owned())
    }
}

/// Whether ECS takes the text as the name of a family or cluster (AWS: RegisterTaskDefinition, CreateCluster).
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

/// The longest name of a manager. AWS takes 128 characters with our prefix (AWS: startedBy).
const MANAGER_LIMIT: usize = 100;

/// A manager's name.
pub(crate) fn manager(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() <= MANAGER_LIMIT && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "up to {MANAGER_LIMIT} letters, digits, `-` and `_`"
        ))
    }
}

/// A region, such as `eu-west-1`: words and a number (AWS: the regions' pattern in botocore's `partitions.json`).
pub(crate) fn region(text: &str) -> Result<String, String> {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let valid = text.rsplit_once('-').is_some_and(|(words, number)| {
        let words: Vec<_> = words.split('-').collect();
        let has_parts = words.len() >= 2 && !number.is_empty();
        has_parts && is_number(number) && words.iter().all(|word| word.len() > 1 && is_word(word))
    });
    if valid {
        Ok(text.to_owned())
    } else {
        Err("an AWS region, like \"eu-west-1\"; \"eu-west-1a\" is one of its zones".to_owned())
    }
}

/// The region of an ARN, if the text is one.
pub(crate) fn region_of_arn(text: &str) -> Option<&str> {
    text.strip_prefix("arn:")?.split(':').nth(2)
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

/// The ARN of an IAM role.
pub(crate) fn role(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let valid = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            is_arn_part(partition)
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(is_role_name)
        }
        _ => false,
    };
    if valid {
        Ok(text.to_owned())
    } else {
        Err("the ARN of an IAM role, like \"arn:aws:iam::111122223333:role/ci\"".to_owned())
    }
}

/// Whether the text is the path and name of a role (AWS: CreateRole).
fn is_role_name(name: &str) -> bool {
    (1..=577).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte))
}

/// The ARN of a secret in Secrets Manager.
pub(crate) fn secret(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.splitn(7, ':').collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", _, _, "secret", name] if !name.is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("the ARN of a secret in Secrets Manager".to_owned()),
    }
}

/// A log group (CloudWatch Logs: CreateLogGroup).
pub(crate) fn log_group(text: &str) -> Result<String, String> {
    let valid = (1..=512).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte));
    if valid {
        Ok(text.to_owned())
    } else {
        Err("a log group of CloudWatch, like \"/ci/jobs\"".to_owned())
    }
}

/// The URL of an endpoint in place of AWS's own.
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

/// Whether AWS takes the character in a tag: `[\p{L}\p{Z}\p{N}_.:/=+\-@]` (AWS: the pattern of TagValue). A combining
/// mark, such as a vowel sign of Hindi, is no letter.
pub(crate) fn is_tag_character(character: char) -> bool {
    // The general categories L, Z and N, by the first letters of their short names.
    let category = get_general_category(character).abbreviation();
    category.starts_with(['L', 'Z', 'N']) || "_.:/=+-@".contains(character)
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
            assert_eq!(
                good.parse::<TaskDefinitionName>().unwrap().to_string(),
                good
            );
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
            "arn:aws:ecs:eu-west-1\nCleaned up:111122223333:task-definition/a",
            "arn:aws\u{1b}[2J:ecs:eu-west-1:111122223333:task-definition/a",
            "arn::ecs:eu-west-1:111122223333:task-definition/a",
        ] {
            assert!(
                bad.parse::<TaskDefinitionName>().is_err(),
                "{bad:?} was accepted"
            );
        }
    }

    #[test]
    fn arns_are_of_the_right_service() {
        assert!(capacity_provider("FARGATE_SPOT").is_ok());
        for bad in ["", "FARGATE SPOT", "a\nb", "\u{1b}[31m"] {
            assert!(capacity_provider(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(role("arn:aws:iam::111122223333:role/ci-test").is_ok());
        assert!(role("arn:aws-cn:iam::111122223333:role/path/ci").is_ok());
        for bad in [
            "ci-test",
            "arn:aws:iam::1:role/a",
            "arn:aws:iam::111122223333:user/a",
            "arn:aws\n:iam::111122223333:role/a",
            "arn:aws:iam::111122223333:role/",
        ] {
            assert!(role(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(
            secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:registry-AbCdEf").is_ok()
        );
        assert!(secret("registry").is_err());
    }

    #[test]
    fn regions_are_told_from_zones() {
        // One of each of AWS's partitions.
        for good in [
            "us-east-2",
            "ap-southeast-7",
            "mx-central-1",
            "cn-north-1",
            "us-gov-west-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "us-isof-south-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
        ] {
            assert_eq!(region(good).as_deref(), Ok(good));
        }
        for bad in [
            "us-east-2a",
            "us-east",
            "us-east-",
            "useast-1",
            "eu-west-1-wl1-ber-wlz-1",
            "us-west-2-lax-1a",
            "US-EAST-2",
            "us_east_2",
            "ohio",
            "",
            "-1",
            "us--2",
        ] {
            assert!(region(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn tags_are_in_aws_alphabet() {
        assert!(tag("team", "platform/ci @home").is_ok());
        assert!(tag("aws:x", "y").is_err());
        assert!(tag("AWS:x", "y").is_err());
        assert!(tag("branch", "feature#1").is_err());
        assert!(tag("", "y").is_err());
    }

    #[test]
    fn characters_of_tags_are_those_of_awss_own_pattern() {
        // The pattern of TagKey and TagValue in AWS's model of ECS (botocore 1.44).
        let pattern = regex::Regex::new(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$").unwrap();
        let mut bytes = [0; 4];
        for character in '\0'..=char::MAX {
            let expected = pattern.is_match(character.encode_utf8(&mut bytes));
            assert_eq!(is_tag_character(character), expected, "{character:?}");
        }
        // Vowel signs of Hindi, Thai and Tamil, and a circled letter.
        for character in ['\u{940}', '\u{e31}', '\u{bc1}', 'Ⓐ'] {
            assert!(!is_tag_character(character), "{character:?}");
        }
    }
}
