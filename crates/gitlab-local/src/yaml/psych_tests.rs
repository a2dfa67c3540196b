//! The reader against Ruby's Psych, by the table that `tests/psych/make_table.rb` wrote.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::yaml::documents;
use crate::yaml::node::{Key, Node, Value};

const TABLE: &str = include_str!("../../tests/psych/table.jsonl");

#[derive(Deserialize)]
struct Row {
    yaml: String,
    documents: Option<Json>,
    error: Option<String>,
    /// Why our reader differs on purpose.
    differs: Option<String>,
}

/// Our documents in the form of the table, or our error.
fn ours(yaml: &str) -> Result<Json, String> {
    match documents(&"table".into(), yaml) {
        Ok(documents) => Ok(documents.iter().map(encoded).collect()),
        Err(error) => Err(error.fault),
    }
}

fn encoded(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(text) => number(text),
        Value::Text(text) => json!(**text),
        Value::List(items) => items.iter().map(encoded).collect(),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, node)| json!([encoded_key(key), encoded(node)]));
            json!({ "Hash": entries.collect::<Vec<_>>() })
        }
        Value::Reference(path) => {
            json!({ "Reference": path.iter().map(|key| &**key).collect::<Vec<_>>() })
        }
    }
}

fn number(text: &str) -> Json {
    match text.contains(['.', 'I', 'N']) {
        true => json!({ "Float": text }),
        false => json!({ "Integer": text }),
    }
}

fn encoded_key(key: &Key) -> Json {
    match key {
        Key::Text(name) => json!(**name),
        Key::Other(name) => match &**name {
            "" => Json::Null,
            "true" => json!(true),
            "false" => json!(false),
            name => number(name),
        },
    }
}

/// A symbol is a text for us, as GitLab makes no difference.
fn without_symbols(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(without_symbols).collect(),
        Json::Object(object) => match object.get("Symbol") {
            Some(name) => name.clone(),
            None => object
                .into_iter()
                .map(|(class, value)| (class, without_symbols(value)))
                .collect(),
        },
        other => other,
    }
}

/// What is not as the table says.
fn fault(row: &Row) -> Option<String> {
    match (&row.documents, &row.error, ours(&row.yaml)) {
        (Some(theirs), None, Ok(ours)) => {
            let theirs = without_symbols(theirs.clone());
            (ours != theirs).then(|| format!("Psych: {theirs}\n ours: {ours}"))
        }
        (Some(theirs), None, Err(ours)) => Some(format!("Psych: {theirs}\n ours: error: {ours}")),
        (None, Some(theirs), Ok(ours)) => Some(format!("Psych: {theirs}\n ours: {ours}")),
        (None, Some(theirs), Err(ours)) => {
            let class =
                theirs.strip_prefix("Psych::DisallowedClass: Tried to load unspecified class: ");
            let told = class
                .is_none_or(|class| !["Date", "Time"].contains(&class) || ours.contains(class));
            (!told).then(|| format!("Psych: {theirs}\n ours: error: {ours}"))
        }
        _ => Some("a row has documents or an error".to_owned()),
    }
}

#[test]
fn documents_are_what_psych_makes_of_them() {
    let rows: Vec<Row> = TABLE
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(rows.len() > 200, "{}", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        match (fault(row), &row.differs) {
            (Some(fault), None) => faults.push(format!("{:?}\n{fault}", row.yaml)),
            (None, Some(reason)) => {
                faults.push(format!("{:?} no longer differs: {reason}", row.yaml))
            }
            _ => (),
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {} rows:\n{}",
        faults.len(),
        rows.len(),
        faults.join("\n")
    );
    let differing = rows.iter().filter(|row| row.differs.is_some()).count();
    assert!(
        differing * 20 < rows.len(),
        "{differing} rows differ on purpose"
    );
}
