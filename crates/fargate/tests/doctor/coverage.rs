//! Every row of the facts that doctor was built from has its misconfigurations (`coverage.json`).
//!
//! The rows are those of the project's notes on set-ups, sections 1.2 to 1.6, and of the troubleshooting entries of
//! GitLab's guide.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

/// A fault that a source names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Section and row of the notes, or an entry of the guide.
    source: String,
    fault: String,
    /// The misconfigurations that have it.
    tests: Vec<String>,
    /// The test that has it, or why doctor leaves it.
    #[serde(default)]
    elsewhere: Option<String>,
}

/// The rows of the sources: each needs a fault at least.
const SECTIONS: [(&str, &[&str]); 5] = [
    (
        "set-up 1.2",
        &[
            "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
            "17", "18", "19", "20",
        ],
    ),
    ("set-up 1.3", &["a", "b", "c"]),
    ("set-up 1.4", &["1", "2", "3", "4", "5", "6", "7"]),
    (
        "set-up 1.5",
        &[
            "public, false",
            "public, true",
            "NAT, true",
            "NAT, false",
            "isolated",
            "main table",
            "blackhole",
            "via",
            "endpoints",
        ],
    ),
    ("set-up 1.6", &["EC2", "ECS", "elsewhere"]),
];

/// The guide's entries.
const GUIDE: [&str; 4] = [
    "No Container Instances were found in your cluster",
    "Metadata file does not exist",
    "connection timed out",
    "connection refused",
];

#[test]
fn every_row_of_the_sources_has_a_test() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("coverage.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(include_str!("misconfigurations.json")).unwrap();
    let known: BTreeSet<_> = cases
        .iter()
        .map(|case| case["name"].as_str().unwrap())
        .collect();
    assert_eq!(known.len(), cases.len(), "two have one name");
    for row in &rows {
        let Row {
            source,
            fault,
            tests,
            elsewhere,
        } = row;
        assert!(
            !tests.is_empty() || elsewhere.is_some(),
            "{source}, {fault}"
        );
        for test in tests {
            assert!(known.contains(test.as_str()), "{source}, {fault}: {test}");
        }
    }
    // Tests of other files that rows name.
    let others = [
        include_str!("misconfigurations.rs"),
        include_str!("../../src/operate/doctor/judge/identity.rs"),
        include_str!("../../../../deploy/tests/test_doctor.py"),
    ]
    .concat();
    let named = rows.iter().filter_map(|row| row.elsewhere.as_deref());
    for name in named.flat_map(|text| text.split([' ', ',', ':'])) {
        assert!(
            !name.contains('_') || name.contains(".py") || others.contains(name),
            "{name}"
        );
    }
    let told: BTreeSet<_> = rows.iter().map(|row| row.source.clone()).collect();
    let sections = SECTIONS
        .iter()
        .flat_map(|(section, rows)| rows.iter().map(move |row| format!("{section} {row}")));
    let guide = GUIDE.iter().map(|entry| format!("guide: {entry}"));
    let expected: BTreeSet<_> = sections.chain(guide).collect();
    assert_eq!(told, expected);
}
