//! What GitLab replaces: `$NAME`, `${NAME}` and `%NAME%`.

/// Characters that stay as they are in a variable's value, with no reference among them.
const ESCAPES: [&str; 2] = ["$$", "%%"];

/// Replaces the references in a text of a configuration file (GitLab's `ExpandVariables`) by what `value` returns for
/// the name. A reference for which it returns nothing stays. What it returns is not expanded again.
pub fn expand_text(text: &str, value: impl FnMut(&str) -> Option<String>) -> String {
    expand(text, &[], value)
}

/// Replaces the references in a variable's value (GitLab's `Variables::Collection`), as [`expand_text`] does it; but
/// `$$` and `%%` stay, and are no part of a reference. The runner makes `$` of `$$` later.
pub fn expand_value(text: &str, value: impl FnMut(&str) -> Option<String>) -> String {
    expand(text, &ESCAPES, value)
}

fn expand(text: &str, escapes: &[&str], mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.find(['$', '%']) {
        let (before, reference) = rest.split_at_checked(sign).unwrap_or((rest, ""));
        expanded.push_str(before);
        let is_escape = escapes.iter().any(|escape| reference.starts_with(escape));
        let (replacement, after) = match name(reference) {
            _ if is_escape => (None, split(reference, 2)),
            Some((name, after)) => (value(name), after),
            None => (None, split(reference, 1)),
        };
        let original = || reference.strip_suffix(after).unwrap_or_default();
        expanded.push_str(replacement.as_deref().unwrap_or_else(original));
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

/// `text` without its first `count` bytes.
fn split(text: &str, count: usize) -> &str {
    text.get(count..).unwrap_or_default()
}

/// The name to which a text beginning with `$` or `%` refers, and what follows the reference.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix("${") {
        let (name, after) = leading_name(braced)?;
        return Some((name, after.strip_prefix('}')?));
    }
    if let Some(plain) = text.strip_prefix('$') {
        return leading_name(plain);
    }
    let (name, after) = leading_name(text.strip_prefix('%')?)?;
    Some((name, after.strip_prefix('%')?))
}

/// The name at the start of a text: a letter or `_`, and then letters, digits and `_`.
fn leading_name(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names that begin with `U` are unknown.
    fn value(name: &str) -> Option<String> {
        (!name.starts_with('U')).then(|| format!("<{name}>"))
    }

    #[test]
    fn every_text_expands_as_in_ruby() {
        let table = include_str!("../tests/gitlab.json");
        let table: Vec<serde_json::Value> = serde_json::from_str(table).unwrap();
        assert!(table.len() > 130);
        for row in table {
            let text = row["text"].as_str().unwrap();
            assert_eq!(expand_text(text, value), row["as_text"], "text {text:?}");
            assert_eq!(expand_value(text, value), row["as_value"], "value {text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_known_names_stays(text in "\\PC{0,40}|[${}%U1?-]{0,20}") {
            prop_assert_eq!(expand_text(&text, |_| None), text.as_str());
            prop_assert_eq!(expand_value(&text, |_| None), text.as_str());
        }
    }
}
