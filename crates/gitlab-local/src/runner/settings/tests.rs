//! Against the table of the runner's variables, and values that it cannot read.

use std::path::Path;

use super::*;
use crate::runner::feature_flags::{self, FEATURE_FLAGS};

const TABLE: &str = include_str!("../../../tests/runner_variables.txt");

/// The rows of the table: a name, the default of a flag, and what becomes of it.
fn rows() -> Vec<(&'static str, Option<bool>, &'static str)> {
    let lines = TABLE.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line: &'static str| {
        let (name, rest) = line.split_once(' ').unwrap();
        match rest.split_once(' ') {
            Some((default, rest)) if name.starts_with("FF_") => {
                (name, Some(default.parse().unwrap()), rest)
            }
            _ => (name, None, rest),
        }
    };
    lines.map(row).collect()
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut all = Variables::default();
    for (key, value) in pairs {
        all.put(key, *value);
    }
    all
}

/// All code of a crate, without tests.
fn code(folder: &Path) -> String {
    let mut all = String::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match name.as_str() {
            "tests" | "tests.rs" | "settings.rs" | "feature_flags.rs" | "settings" => {}
            _ if path.is_dir() => all.push_str(&code(&path)),
            _ => {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    all
}

#[test]
fn the_flags_are_the_runners() {
    let expected: Vec<_> = rows()
        .into_iter()
        .filter_map(|(name, default, _)| Some((name, default?)))
        .collect();
    let known = FEATURE_FLAGS.iter();
    let known: Vec<_> = known.map(|flag| (flag.name, flag.default)).collect();
    assert_eq!(known, expected);
}

#[test]
fn each_variable_of_the_runner_is_followed_or_warns_or_changes_nothing() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let code = code(&crates.join("gitlab-local/src")) + &code(&crates.join("fargate/src"));
    let page = std::fs::read_to_string(crates.join("../docs/try.md")).unwrap();
    for (name, default, effect) in rows() {
        let value = default.map_or("x".to_owned(), |default| (!default).to_string());
        let set = variables(&[(name, &value)]);
        let warned = feature_flags::warnings(&set).len();
        // With `--git` alone: `Project::warnings`.
        let warns = effect == "warns" && name != "GIT_SUBMODULE_UPDATE_FLAGS";
        assert_eq!(warned, usize::from(warns), "{name}");
        let is_used = [format!("\"{name}\""), format!("\"CUSTOM_ENV_{name}\"")]
            .iter()
            .any(|literal| code.contains(literal));
        match effect {
            "followed" => assert!(is_used, "{name} is not followed"),
            "warns" => {}
            reason => {
                let reason = reason.strip_prefix("nothing: ");
                assert!(reason.is_some_and(|reason| !reason.is_empty()), "{name}");
            }
        }
        let is_told = page.contains(&format!("`{name}`"));
        let must_be_told = default.is_none() || !effect.starts_with("nothing");
        assert!(is_told || !must_be_told, "{name} is not in docs/try.md");
    }
}

#[test]
fn values_that_the_runner_cannot_read_are_told_in_its_words() {
    for (name, value, words) in [
        (
            "GIT_CHECKOUT",
            "yes",
            "GIT_CHECKOUT: expected bool got \"yes\", using default value: true",
        ),
        (
            "CI_DEBUG_TRACE",
            "on",
            "CI_DEBUG_TRACE: expected bool got \"on\", using default value: false",
        ),
        (
            "GET_SOURCES_ATTEMPTS",
            "three",
            "GET_SOURCES_ATTEMPTS: expected int got \"three\", using default value: 1",
        ),
        (
            "GET_SOURCES_ATTEMPTS",
            "0",
            "GET_SOURCES_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 1",
        ),
        (
            "RESTORE_CACHE_ATTEMPTS",
            "11",
            "RESTORE_CACHE_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 10",
        ),
        (
            "GIT_STRATEGY",
            "shallow",
            "GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got \"shallow\", using default value 'fetch'",
        ),
    ] {
        assert_eq!(warnings(&variables(&[(name, value)])), [words], "{name}");
    }
    let flag = variables(&[("FF_SCRIPT_SECTIONS", "maybe")]);
    assert_eq!(
        feature_flags::warnings(&flag),
        ["FF_SCRIPT_SECTIONS: could not parse feature flag, expected bool, got maybe"]
    );
    let good = [
        ("GIT_CHECKOUT", "f"),
        ("GET_SOURCES_ATTEMPTS", "10"),
        ("GIT_SUBMODULE_DEPTH", "-1"),
        ("GIT_STRATEGY", "empty"),
    ];
    assert_eq!(warnings(&variables(&good)), Vec::<String>::new());
}

#[test]
fn tries_are_within_the_runners_bounds() {
    for (value, tries) in [("", 1), ("3", 3), ("x", 1), ("-1", 1), ("99", 10)] {
        let set = variables(&[("GET_SOURCES_ATTEMPTS", value)]);
        assert_eq!(attempts(&set, "GET_SOURCES_ATTEMPTS"), tries, "{value:?}");
    }
}

#[test]
fn an_unknown_way_to_get_submodules_fails_where_there_are_sources() {
    let wrong = ("GIT_SUBMODULE_STRATEGY", "deep");
    let failure = check_sources(&variables(&[wrong])).unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("unknown GIT_SUBMODULE_STRATEGY")
    );
    for good in [
        &[wrong, ("GIT_STRATEGY", "none")][..],
        &[("GIT_SUBMODULE_STRATEGY", "normal")],
    ] {
        assert!(check_sources(&variables(good)).is_ok(), "{good:?}");
    }
}
