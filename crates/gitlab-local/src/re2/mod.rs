//! Patterns of GitLab's, which are RE2's, within bounds.

mod translation;

use regex::{Regex, RegexBuilder};

use self::translation::translated;

/// Bytes of a pattern. What a search may remember grows with groups times size, and a file could ask for gigabytes.
const MAX_BYTES: usize = 2000;

/// Memory of a compiled pattern. GitLab's RE2 has a limit of this order.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Compiles `pattern` with `flags` of `imsU`.
///
/// # Errors
///
/// With the fault, when it is no pattern, or a larger one than anybody writes.
pub(crate) fn compiled(pattern: &str, flags: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_BYTES {
        return Err(format!("a pattern has more than {MAX_BYTES} bytes"));
    }
    let wrong = || format!("/{pattern}/ is not a pattern that GitLab takes (RE2)");
    let translated = translated(pattern).ok_or_else(wrong)?;
    RegexBuilder::new(&translated)
        .case_insensitive(flags.contains('i'))
        .dot_matches_new_line(flags.contains('s'))
        .multi_line(flags.contains('m'))
        .swap_greed(flags.contains('U'))
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_in_re2() {
        let table = include_str!("../../tests/re2.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let texts = table["texts"].as_array().unwrap();
        let rows = table["rows"].as_array().unwrap();
        assert!(texts.len() > 60 && rows.len() > 250);
        let made = |pattern: &str| match compiled(pattern, "") {
            Err(_) => serde_json::json!({"pattern": pattern, "invalid": true}),
            Ok(compiled) => {
                let texts = texts.iter().map(|text| text.as_str().unwrap());
                let matches: Vec<&str> = texts.filter(|text| compiled.is_match(text)).collect();
                serde_json::json!({"pattern": pattern, "invalid": false, "matches": matches})
            }
        };
        let other = |row: &&serde_json::Value| made(row["pattern"].as_str().unwrap()) != **row;
        let others: Vec<_> = rows.iter().filter(other).collect();
        assert!(others.is_empty(), "{others:#?}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r"[-a{},*?\[\]^$/\\ä0-7QExp:()&~|<>=]{0,20}") {
            if let Ok(pattern) = compiled(&text, "") {
                pattern.is_match(&text);
            }
        }
    }

    #[test]
    fn a_pattern_is_compiled_with_its_flags() {
        assert!(compiled("^v\\d+$", "").unwrap().is_match("v12"));
        assert!(compiled("^V", "i").unwrap().is_match("v12"));
        assert!(compiled("(", "").is_err());
    }

    /// The first would want 57 GB to search this text.
    #[test]
    fn patterns_beyond_reason_are_refused() {
        let text = "a".repeat(400_000);
        for pattern in ["(a|b)?".repeat(30_000), "(a{1000}){1000}".to_owned()] {
            assert!(compiled(&pattern, "").is_err());
        }
        assert!(compiled(&"()".repeat(999), "").unwrap().is_match(&text));
    }
}
