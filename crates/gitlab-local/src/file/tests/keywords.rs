//! The table of keywords in docs/try.md is that of the code.

use std::collections::BTreeSet;
use std::path::Path;

use crate::file::keywords::{KEYWORDS, Keyword};

/// A row of the page's table.
fn row(keyword: &Keyword) -> String {
    let (level, path) = match keyword.path.strip_prefix('^') {
        Some(path) => ("file", path),
        None => ("job", keyword.path),
    };
    let Keyword {
        treatment, effect, ..
    } = keyword;
    format!("| {level} | `{path}` | {} | {effect} |", treatment.word())
}

#[test]
fn the_page_has_the_table_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/try.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| file | `") || line.starts_with("| job | `"))
        .collect();
    let rows: Vec<_> = KEYWORDS.iter().map(row).collect();
    assert_eq!(shown, rows, "docs/try.md should have:\n{}", rows.join("\n"));
}

#[test]
fn no_keyword_is_there_twice() {
    let paths: BTreeSet<_> = KEYWORDS.iter().map(|keyword| keyword.path).collect();
    assert_eq!(paths.len(), KEYWORDS.len());
}
