//! Every link of the pages leads to a file and to a heading in it, and the book has every page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{pages, root};

/// A page without its blocks of code, whose brackets are no links.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{page:?}: {error}"));
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence && !line.starts_with("    ")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The targets of a page's links and pictures.
fn targets(page: &Path) -> Vec<String> {
    let text = prose(page);
    let rests = text.split("](").skip(1);
    rests
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// The anchors of a page's headings, as GitLab and mdBook make them: small letters, digits, `-` and `_`, spaces as `-`;
/// a repeated one gets a number.
fn anchors(page: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(page).lines() {
        let heading = line.trim_start_matches('#');
        if !line.starts_with('#') || !heading.starts_with(' ') {
            continue;
        }
        // A link in a heading counts by its text.
        let text = heading.split("](").next().unwrap_or(heading);
        let anchor: String = text
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let mut unique = anchor.clone();
        let mut number = 0;
        while !found.insert(unique.clone()) {
            number += 1;
            unique = format!("{anchor}-{number}");
        }
    }
    found
}

#[test]
fn links_between_pages_lead_to_files_and_headings() {
    let mut links = 0;
    for page in pages() {
        for target in targets(&page) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            links += 1;
            let here = page.display();
            assert!(file.exists(), "{here} links to {target}, which is missing");
            assert!(
                anchor.is_empty() || anchors(&file).contains(anchor),
                "{here} links to {target}, and there is no such heading"
            );
        }
    }
    assert!(links > 150, "only {links} links");
}

#[test]
fn the_book_has_every_page_and_is_complete_in_itself() {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let chapters: BTreeSet<PathBuf> = targets(&summary)
        .iter()
        .map(|target| docs.join(target))
        .collect();
    for page in pages().iter().filter(|page| page.starts_with(&docs)) {
        assert!(
            *page == summary || chapters.contains(page),
            "{} is not in SUMMARY.md",
            page.display()
        );
        for target in targets(page) {
            assert!(
                !target.starts_with("../"),
                "{} links to {target}, which is not in the book: name it without a link",
                page.display()
            );
        }
    }
}
