//! The page on `fargate.toml` has the keys that the driver reads, and no others.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;

use super::{root, sources};

/// The methods that read a key.
const READS: &str =
    "text|parsed|table|tables|words|amount|strings|items|required|integer|duration|boolean";

fn matches(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let all = pattern.captures_iter(text);
    all.map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_page_has_the_keys_that_are_read_and_no_others() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let config = sources("crates/fargate/src/config").into_iter();
    let config = config.filter(|(file, _)| file != "tests.rs" && file != "properties.rs");
    let config: String = config.map(|(_, text)| text).collect();
    let read = matches(&format!(r#"\.(?:{READS})\(\s*"([A-Z]\w+)""#), &config);
    let literals = matches(r#""([A-Z]\w+)""#, &config);
    assert!(read.len() > 60, "{read:?}");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let firsts = rows.filter_map(|row| Some(format!("`{}\n", row.split('|').next()?)));
    let firsts: String = firsts.collect();
    // In a row's first column, or in a table that a row describes.
    let mut named = matches(r"[`.\[]([A-Z]\w+)", &firsts);
    named.extend(matches(r"(?m)^#+ \[\[?(?:\w+\.)?([A-Z]\w+)\]", &page));
    named.extend(matches(r"(?:with|and|,) `([A-Z]\w+)`", &page));
    named.extend(matches(r"\[\[\w+\.([A-Z]\w+)\]\]", &page));
    let missing: Vec<_> = read.difference(&named).collect();
    assert!(missing.is_empty(), "the page lacks {missing:?}");
    let listed = matches(r"[`.\[]([A-Z][a-z]\w+)`", &firsts);
    assert!(listed.len() > 50, "{listed:?}");
    let invented: Vec<_> = listed.difference(&literals).collect();
    assert!(invented.is_empty(), "nothing reads {invented:?}");
}
