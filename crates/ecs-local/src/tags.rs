//! Tags and the rules AWS has for them.

use serde::{Deserialize, Serialize};
use unicode_general_category::get_general_category;

use crate::error::ApiError;

/// Most tags of a resource.
const MAX_TAGS: usize = 50;

/// AWS's refusal of characters (reported in PrefectHQ/prefect#13174).
const INVALID_CHARACTERS: &str = "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.";

/// A tag as ECS shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A tag of a request. Both members are optional on the wire.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagInput {
    key: Option<String>,
    value: Option<String>,
}

/// Checks the tags of a request.
pub(crate) fn check(tags: Option<Vec<TagInput>>) -> Result<Vec<Tag>, ApiError> {
    let tags = tags.unwrap_or_default();
    if tags.len() > MAX_TAGS {
        return Err(ApiError::invalid_parameter(format!(
            "Tags can have at most {MAX_TAGS} items."
        )));
    }
    let mut out: Vec<Tag> = Vec::with_capacity(tags.len());
    for tag in tags {
        let key = tag.key.unwrap_or_default();
        let value = tag.value.unwrap_or_default();
        let length = key.chars().count();
        if length == 0 || length > 128 {
            return Err(ApiError::invalid_parameter(
                "Tag keys must be between 1 and 128 characters long.",
            ));
        }
        if value.chars().count() > 256 {
            return Err(ApiError::invalid_parameter(format!(
                "The value of tag {key} can be at most 256 characters long."
            )));
        }
        if [&key, &value].into_iter().any(|text| is_reserved(text)) {
            return Err(ApiError::invalid_parameter(
                "Tag keys and values cannot begin with aws:; this prefix is reserved for system tags.",
            ));
        }
        if !key.chars().chain(value.chars()).all(allowed) {
            return Err(ApiError::invalid_parameter(INVALID_CHARACTERS));
        }
        if out.iter().any(|seen| seen.key == key) {
            return Err(ApiError::invalid_parameter(format!(
                "Duplicate tag keys found: {key}."
            )));
        }
        out.push(Tag { key, value });
    }
    Ok(out)
}

/// Adds tags, and replaces those with the same keys.
pub(crate) fn merge(into: &mut Vec<Tag>, tags: Vec<Tag>) -> Result<(), ApiError> {
    let mut merged = into.clone();
    for tag in tags {
        match merged.iter_mut().find(|have| have.key == tag.key) {
            Some(have) => have.value = tag.value,
            None => merged.push(tag),
        }
    }
    if merged
        .iter()
        .filter(|tag| !tag.key.starts_with("aws:"))
        .count()
        > MAX_TAGS
    {
        return Err(ApiError::invalid_parameter(format!(
            "A resource can have at most {MAX_TAGS} tags."
        )));
    }
    *into = merged;
    Ok(())
}

/// Whether the text begins as AWS's own tags do, in any case (AWS: Tag).
fn is_reserved(text: &str) -> bool {
    let head = text.get(..4);
    head.is_some_and(|head| head.eq_ignore_ascii_case("aws:"))
}

/// The character class of the model, `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. Combining marks are no letters.
fn allowed(c: char) -> bool {
    // The categories' short names begin with the letters that the class has: `Lu`, `Zs`, `Nd`.
    let category = get_general_category(c).abbreviation();
    category.starts_with(['L', 'Z', 'N']) || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Result<Vec<Tag>, ApiError> {
        check(Some(vec![TagInput {
            key: Some(key.into()),
            value: Some(value.into()),
        }]))
    }

    #[test]
    fn the_rules_of_tags() {
        assert!(one("ci:job", "1001 ü/+=-@").is_ok());
        for (key, value) in [
            ("", "x"),
            ("aws:x", "x"),
            ("AWS:x", "x"),
            ("x", "aws:x"),
            ("x", "Aws:x"),
            ("branch", "fix#1"),
            ("branch", "a,b"),
            ("branch", "it's"),
            ("branch", "a~b"),
            ("branch", "a\tb"),
            // Vowel signs of Hindi and Thai, and a circled letter.
            ("job", "परीक्षण"),
            ("job", "ทดสอบทั้งหมด"),
            ("job", "Ⓐ"),
            (&"k".repeat(129), "x"),
            ("k", &"v".repeat(257)),
        ] {
            let error = one(key, value).unwrap_err();
            assert_eq!(error.code, "InvalidParameterException", "{key} {value}");
        }
    }

    #[test]
    fn characters_are_those_of_the_models_own_pattern() {
        // The pattern of TagKey and TagValue in botocore 1.44.
        let pattern = regex::Regex::new(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$").unwrap();
        let mut bytes = [0; 4];
        for c in '\0'..=char::MAX {
            assert_eq!(
                allowed(c),
                pattern.is_match(c.encode_utf8(&mut bytes)),
                "{c:?}"
            );
        }
        assert_eq!(one("job", "Ⓐ").unwrap_err().message, INVALID_CHARACTERS);
    }

    #[test]
    fn merging_replaces_by_key_and_is_all_or_nothing() {
        let mut tags = one("a", "1").unwrap();
        merge(&mut tags, one("a", "2").unwrap()).unwrap();
        assert_eq!(tags, one("a", "2").unwrap());
        let many = (0..50)
            .map(|n| Tag {
                key: format!("k{n}"),
                value: String::new(),
            })
            .collect();
        assert!(merge(&mut tags, many).is_err());
        assert_eq!(tags.len(), 1);
    }
}
