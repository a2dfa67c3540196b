//! Keys of caches as the runner uses them (`sanitizeCacheKey` of `shells/abstract.go`), whose paths they become there.

/// The end of keys that only protected branches may have.
const PROTECTED: &str = "-protected";

/// A key without what leads out of a folder, and the runner's words where that changes it. Empty where nothing is left.
pub(crate) fn sanitized(key: &str) -> (String, Option<String>) {
    let mut decoded = key.to_owned();
    for (code, sign) in [
        ("%2e", "."),
        ("%2E", "."),
        ("%2f", "/"),
        ("%2F", "/"),
        ("\\", "/"),
    ] {
        decoded = decoded.replace(code, sign);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    // Only the last part loses blanks at its end; where nothing is left of it, the one before is the last.
    while let Some(last) = parts.pop() {
        let last = last.trim_end();
        if !last.is_empty() {
            parts.push(last);
            break;
        }
    }
    match parts.join("/") {
        same if same == key => (same, None),
        none if none.is_empty() => (
            none,
            Some(format!("cache key {key:?} could not be sanitized")),
        ),
        other => {
            let warning = format!("cache key {key:?} sanitized to {other:?}");
            (other, Some(warning))
        }
    }
}

/// The key of `CACHE_FALLBACK_KEY`, if it has one.
///
/// # Errors
///
/// With the runner's words when the key is kept for protected branches.
pub(crate) fn fallback_key(key: String) -> Result<Option<String>, String> {
    match key.ends_with(PROTECTED) {
        true => Err(format!(
            "CACHE_FALLBACK_KEY {key:?} not allowed to end in {PROTECTED:?}"
        )),
        false => Ok(Some(key).filter(|key| !key.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sanitized_as_in_go() {
        // Made with Go's `path`: `tests/cache_keys.go`.
        let table = include_str!("../../tests/cache_keys.json");
        let table: Vec<serde_json::Value> = serde_json::from_str(table).unwrap();
        assert!(table.len() > 30);
        for row in table {
            let key = row["key"].as_str().unwrap();
            let (sanitized, warning) = sanitized(key);
            assert_eq!(sanitized, row["sanitized"], "{key:?}");
            assert_eq!(warning.unwrap_or_default(), row["warning"], "{key:?}");
        }
    }

    #[test]
    fn keys_of_protected_branches_are_no_fallback() {
        let key = |text: &str| fallback_key(text.to_owned());
        assert_eq!(key("main"), Ok(Some("main".to_owned())));
        assert_eq!(key(""), Ok(None));
        let refused = "CACHE_FALLBACK_KEY \"main-protected\" not allowed to end in \"-protected\"";
        assert_eq!(key("main-protected"), Err(refused.to_owned()));
    }
}
