//! Documents as people write them.

use std::sync::Arc;

use super::*;
use crate::yaml::error::YamlError;
use crate::yaml::node::Position;

fn read(text: &str) -> Node {
    let mut documents = documents(&"ci.yml".into(), text).unwrap();
    documents.swap_remove(0)
}

fn fault(text: &str) -> YamlError {
    documents(&"ci.yml".into(), text).unwrap_err()
}

fn text(value: &str) -> Node {
    node(Value::Text(value.into()))
}

fn node(value: Value) -> Node {
    let at = Position {
        file: "".into(),
        line: 0,
        column: 0,
    };
    Node { value, at }
}

#[test]
fn nodes_know_their_place() {
    let document = read("a: 1\nb:\n  - x\n  - y: &z\n      - 2\nc: *z\n");
    let place = |node: &Node| (node.at.line, node.at.column);
    let list = document.get("b").unwrap();
    let items = list.as_list().unwrap();
    assert_eq!(place(list), (2, 1));
    assert_eq!(place(&items[0]), (3, 5));
    assert_eq!(place(items[1].get("y").unwrap()), (4, 5));
    let alias = document.get("c").unwrap();
    assert_eq!(place(alias), (6, 1));
    assert_eq!(place(&alias.as_list().unwrap()[0]), (5, 9));
    assert_eq!(alias.at.to_string(), "ci.yml:6");
}

#[test]
fn a_header_and_the_content_are_two_documents_whose_lines_go_on() {
    let text = "# comment\n---\nspec:\n  inputs: {a: }\n---   \n\njob: {script: [x}\n";
    assert_eq!((fault(text).at.line, fault(text).at.column), (7, 15));
    let documents = documents(&"ci.yml".into(), &text.replace("[x", "[x]")).unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1].get("job").unwrap().at.line, 7);
}

#[test]
fn a_syntax_error_names_what_is_not_closed_or_cannot_be_there() {
    for (text, line, column, words) in [
        (
            "a:\n  - b\n  c: d\n",
            3,
            3,
            "did not find expected '-' indicator while parsing a block collection",
        ),
        (
            "a: 1\n b: 2\n",
            2,
            3,
            "mapping values are not allowed in this context",
        ),
        (
            "a: {b: c\nd: e\n",
            1,
            4,
            "did not find expected ',' or '}' while parsing a flow mapping",
        ),
        (
            "a: [b,\n",
            1,
            4,
            "did not find expected node content while parsing a flow node",
        ),
        (
            "a:\n  b: 'c\n  d: e\n",
            2,
            6,
            "found unexpected end of stream while scanning a quoted scalar",
        ),
        (
            "a:\n\tb: c\n",
            2,
            1,
            "found character that cannot start any token while scanning for the next token",
        ),
        (
            "a: b\nc\nd: e\n",
            2,
            1,
            "could not find expected ':' while scanning a simple key",
        ),
        ("a: \u{7}\n", 1, 4, "control characters are not allowed"),
        (
            "a: 2024-01-02\nb: [\n",
            2,
            4,
            "did not find expected node content",
        ),
    ] {
        let error = fault(text);
        assert_eq!((error.at.line, error.at.column), (line, column), "{text}");
        assert!(error.fault.starts_with(words), "{text}: {}", error.fault);
    }
}

#[test]
fn a_hundred_jobs_merge_one_anchor_at_no_cost() {
    let mut file = ".base: &base\n  script: &s [a, b, c]\n".to_owned();
    for job in 0..100 {
        file += &format!("job {job}:\n  <<: *base\n  stage: test\n");
    }
    let document = read(&file);
    let script = |job: &str| match &document.get(job).unwrap().get("script").unwrap().value {
        Value::List(items) => Arc::as_ptr(items),
        other => panic!("{other:?}"),
    };
    assert_eq!(document.entries().count(), 101);
    assert_eq!(script("job 7"), script(".base"));
}

#[test]
fn references_keep_their_path() {
    let document = read("job: {script: [a, !reference [.setup, script], [!reference [.b]]]}");
    let script = document.get("job").unwrap().get("script").unwrap();
    let path: Arc<[Arc<str>]> = [".setup".into(), "script".into()].into();
    assert_eq!(script.as_list().unwrap()[1], node(Value::Reference(path)));
    assert!(document.has_reference());
    for wrong in [
        "!reference",
        "!reference []",
        "!reference [1]",
        "!reference {a: b}",
        "!reference [[a]]",
    ] {
        assert!(
            fault(&format!("a: {wrong}")).fault.contains("!reference"),
            "{wrong}"
        );
    }
}

#[test]
fn keys_of_one_name_and_different_kinds_are_different() {
    let document = read("1: a\n'1': b\non: c\n~: d\n");
    assert_eq!(document.get("1"), Some(&text("b")));
    assert_eq!(document.get("true"), None);
    let names: Vec<_> = document.entries().map(|(name, _)| name).collect();
    assert_eq!(names, ["1", "1", "true", ""]);
}

#[test]
fn what_multiplies_or_is_endless_is_refused_at_once() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        let before = level - 1;
        laughs += &format!("a{level}: &a{level} [*a{before}, *a{before}, *a{before}]\n");
        chain += &format!("a{level}: &a{level} [*a{before}]\n");
    }
    let nested = |levels: usize| format!("{}x{}", "[".repeat(levels), "]".repeat(levels));
    for file in [
        &*laughs,
        &*chain,
        "a: &a [*a]",
        &nested(101),
        &nested(100_000),
    ] {
        assert!(fault(file).fault.contains("too big"), "{:.40}", file);
    }
    assert_eq!(read(&nested(100)).as_list().unwrap().len(), 1);
}
