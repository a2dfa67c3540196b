//! Patterns of GitLab's, which are RE2's, within bounds.

use regex::{Regex, RegexBuilder};

/// Bytes of a pattern. What a search may remember grows with groups times size, and a file could ask for gigabytes.
const MAX_BYTES: usize = 2000;

/// Memory of a compiled pattern. GitLab's RE2 has a limit of this order.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Compiles `pattern` with `flags` of `imsU`. RE2's syntax is that of Rust's crate, but for details that no file was
/// seen to use.
///
/// # Errors
///
/// With the fault, when it is no pattern, or a larger one than anybody writes.
pub(crate) fn compiled(pattern: &str, flags: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_BYTES {
        return Err(format!("a pattern has more than {MAX_BYTES} bytes"));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .dot_matches_new_line(flags.contains('s'))
        .multi_line(flags.contains('m'))
        .swap_greed(flags.contains('U'))
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|_| format!("/{pattern}/ is not a pattern that GitLab takes (RE2)"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
