//! What the runner replaces: `$NAME` and `${NAME}`, with Go's `os.Expand` (`JobVariables.ExpandValue`).
//!
//! Both sides of a job need exactly that: the driver, which reads a job response, and the local runner, which makes
//! one.

/// The characters that are a name by themselves: Go's `isShellSpecialVar`.
const SPECIAL: &[u8] = b"*#$@!?-0123456789";

/// Replaces `$NAME` and `${NAME}` in `text` by what `value` returns for the name.
///
/// `$$` becomes one dollar. The shell's special parameters (`$?`, `$1`, …) become nothing, as in the runner. A `$` that
/// starts no name stays; `${}` and a `${` without its `}` vanish. What `value` returns is not expanded again.
pub fn expand(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = match reference(after) {
            Reference::Name(name, after) => {
                match name {
                    "$" => expanded.push('$'),
                    // The runner looks these up in no list of variables.
                    special if is_empty_parameter(special) => {}
                    name => expanded.push_str(&value(name)),
                }
                after
            }
            Reference::Invalid(after) => after,
            Reference::None => {
                expanded.push('$');
                after
            }
        };
    }
    expanded.push_str(rest);
    expanded
}

/// What follows a `$`: Go's `getShellName`.
enum Reference<'a> {
    /// A name, and the text after it.
    Name(&'a str, &'a str),
    /// A broken reference, which vanishes, and the text after it.
    Invalid(&'a str),
    /// Something else.
    None,
}

fn reference(text: &str) -> Reference<'_> {
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.split_once('}') {
            Some(("", after)) => Reference::Invalid(after),
            Some((name, after)) => Reference::Name(name, after),
            None => Reference::Invalid(inner),
        };
    }
    let is_special = text
        .bytes()
        .next()
        .is_some_and(|byte| SPECIAL.contains(&byte));
    let end = match is_special {
        true => 1,
        false => text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len()),
    };
    match text.split_at_checked(end) {
        Some(("", _)) | None => Reference::None,
        Some((name, after)) => Reference::Name(name, after),
    }
}

/// The special parameters that `JobVariables.Get` answers with nothing. `-` is not among them.
fn is_empty_parameter(name: &str) -> bool {
    matches!(name.as_bytes(), [byte] if *byte != b'-' && SPECIAL.contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_text_expands_as_in_go() {
        let table = include_str!("../tests/expansion.json");
        let table: Vec<serde_json::Value> = serde_json::from_str(table).unwrap();
        assert!(table.len() > 100);
        for row in table {
            let text = row["text"].as_str().unwrap();
            let expanded = expand(text, |name| format!("<{name}>"));
            assert_eq!(expanded, row["expanded"], "{text:?}");
        }
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(expand("$A${A}", |_| "$A$$".to_owned()), "$A$$$A$$");
    }

    proptest! {
        #[test]
        fn any_text_expands_without_panic(text in "\\PC{0,40}|[${}A1?-]{0,20}") {
            let same = expand(&text, |name| format!("${name}"));
            prop_assert!(same.len() <= text.len());
            // Without a reference there is nothing to replace.
            prop_assert!(text.contains('$') || same == text);
        }
    }
}
