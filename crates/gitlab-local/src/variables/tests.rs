//! Variables, and references in them.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut all = Variables::default();
    all.extend(pairs.iter().map(|(key, value)| Variable::new(key, *value)));
    all
}

/// The variables of a row of a table.
fn of(row: &serde_json::Value) -> Variables {
    let variable = |variable: &serde_json::Value| Variable {
        raw: variable["raw"].as_bool().unwrap(),
        ..Variable::new(
            variable["key"].as_str().unwrap(),
            variable["value"].as_str().unwrap(),
        )
    };
    let mut all = Variables::default();
    all.extend(row.as_array().unwrap().iter().map(variable));
    all
}

#[test]
fn variables_are_sent_as_gitlab_sends_them_and_expanded_as_the_runner_expands_them() {
    // Made with Ruby and Go: `tests/variables.rb` and `tests/variables.go`.
    let table = include_str!("../../tests/variables.json");
    let table: Vec<serde_json::Value> = serde_json::from_str(table).unwrap();
    assert!(table.len() > 25);
    for row in table {
        let name = row["name"].as_str().unwrap();
        let sent = match (of(&row["variables"]).completed(), row["error"].as_str()) {
            (Ok(sent), None) => sent,
            (Err(error), Some(expected)) => {
                assert_eq!(error.to_string(), expected, "{name}");
                continue;
            }
            (read, _) => panic!("{name}: {read:?}"),
        };
        let pairs = |all: &Variables| -> Vec<(String, String)> {
            let pairs = all.iter();
            pairs
                .map(|variable| (variable.key.clone(), variable.value.clone()))
                .collect()
        };
        assert_eq!(pairs(&sent), pairs(&of(&row["sent"])), "{name}: sent");
        let mut all = variables(&[
            ("CI_BUILDS_DIR", "/builds"),
            ("CI_PROJECT_DIR", "/builds/a/b"),
        ]);
        all.extend(sent.all.iter().cloned());
        let mut job = pairs(&all.expanded_by_runner());
        job.sort();
        let expected = row["job"].as_object().unwrap().iter();
        let expected: Vec<_> = expected
            .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(job, expected, "{name}: job");
    }
}

#[test]
fn gitlab_follows_references_in_texts_through_values() {
    let mut all = variables(&[
        ("URL", "http://$HOST/$$x"),
        ("HOST", "%NAME%.example"),
        ("NAME", "db"),
        ("A", "<$B>"),
        ("B", "$A$B!"),
    ]);
    all.extend([Variable {
        raw: true,
        ..Variable::new("RAW", "$NAME$$")
    }]);
    for (text, expanded) in [
        ("$URL", "http://db.example/$$x"),
        ("${HOST}b", "db.exampleb"),
        ("$HOSTb", ""),
        ("$$NAME", "$db"),
        ("%NAME%${NO}", "db"),
        ("cost: 5$ ${A:-b}", "cost: 5$ ${A:-b}"),
        ("ü$NAME€", "üdb€"),
        ("$RAW", "$NAME$$"),
        // GitLab refuses these before it reads such a text.
        ("$A", "<!>"),
    ] {
        assert_eq!(all.expand(text), expanded, "{text:?}");
    }
    assert_eq!(all.resolved("URL").unwrap(), "http://db.example/$$x");
    assert_eq!(all.resolved("RAW").unwrap(), "$NAME$$");
    assert_eq!(all.resolved("NO"), None);
}

#[test]
fn switches_are_read_as_in_go() {
    for (text, value) in [
        ("true", true),
        ("T", true),
        ("1", true),
        ("False", false),
        ("0", false),
    ] {
        let all = variables(&[("A", text)]);
        assert_eq!(
            (all.switch("A", !value), all.is_on("A")),
            (value, value),
            "{text:?}"
        );
    }
    for text in ["", "yes", "on", "2", "tRUE"] {
        let all = variables(&[("A", text)]);
        assert!(all.switch("A", true) && !all.is_on("A"), "{text:?}");
    }
}

#[test]
fn references_that_multiply_end() {
    let chain = (0..60).map(|index| {
        let next = index + 1;
        Variable::new(&format!("V{index}"), format!("$V{next}$V{next}$V{next}"))
    });
    let mut all = Variables::default();
    all.extend(chain);
    all.put("V60", "x");
    // More references than a text may have.
    assert!(all.expand("<$V0>").len() < MAX_EXPANDED_BYTES);
    let error = all.completed().unwrap_err();
    assert!(matches!(error, VariablesError::TooLarge(_)), "{error}");
    all = Variables::default();
    all.put("LONG", "x".repeat(MAX_EXPANDED_BYTES / 2));
    assert_eq!(all.expand("$LONG$LONG$LONG").len(), MAX_EXPANDED_BYTES);
    assert_eq!(
        all.expand_by_runner("$LONG$LONG$LONG").len(),
        MAX_EXPANDED_BYTES
    );
}

#[test]
fn long_chains_and_many_variables_take_no_time() {
    let chain =
        (0..50_000).map(|index| Variable::new(&format!("V{index}"), format!("$V{}", index + 1)));
    let mut all = Variables::default();
    all.extend(chain);
    all.put("V50000", "end");
    assert_eq!(all.completed().unwrap().value("V0"), "end");
    let large = "x".repeat(MAX_EXPANDED_BYTES);
    all.put("LARGE", large);
    all.extend((0..20).map(|index| Variable::new(&format!("L{index}"), "$LARGE")));
    assert!(matches!(all.completed(), Err(VariablesError::TooLarge(_))));
}

#[test]
fn a_later_variable_wins() {
    let all = variables(&[("A", "1"), ("B", "2"), ("A", "3")]);
    assert_eq!((all.value("A"), all.iter().count()), ("3", 2));
}

#[test]
fn a_name_no_shell_can_export_is_refused() {
    for bad in ["", "1A", "a-b", "a.b", "a b", "A;rm -rf /", "ü"] {
        assert!(Variable::named(bad, "").is_err(), "{bad:?}");
    }
    assert!(Variable::named("_A1", "").is_ok());
}
