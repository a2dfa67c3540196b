//! The reader against Ruby's Psych, by the table that `tests/psych/make_table.rb` wrote.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::yaml::documents;
use crate::yaml::node::{Key, Node, Value};

/// The golden table. `PSYCH_TABLE` names another, which `tests/psych/random.rb` made.
fn table() -> String {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/psych/table.jsonl");
    let path = std::env::var("PSYCH_TABLE").unwrap_or_else(|_| golden.to_owned());
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

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

/// A symbol is a text for us, as GitLab makes symbols of all keys: a later value of the same key replaces the first.
fn without_symbols(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(without_symbols).collect(),
        Json::Object(mut object) => match (object.remove("Symbol"), object.remove("Hash")) {
            (Some(name), _) => name,
            (None, Some(Json::Array(entries))) => {
                let entries = entries.into_iter().map(without_symbols);
                json!({ "Hash": with_unique_keys(entries) })
            }
            _ => Json::Object(object),
        },
        other => other,
    }
}

fn with_unique_keys(entries: impl Iterator<Item = Json>) -> Vec<Json> {
    let mut unique: Vec<Json> = Vec::new();
    for entry in entries {
        match unique.iter_mut().find(|known| known[0] == entry[0]) {
            Some(known) => *known = entry,
            None => unique.push(entry),
        }
    }
    unique
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
            (!has_words_of(&ours, theirs)).then(|| format!("Psych: {theirs}\n ours: error: {ours}"))
        }
        _ => Some("a row has documents or an error".to_owned()),
    }
}

/// Whether our error has the words of a syntax error, and names what is not permitted.
fn has_words_of(ours: &str, theirs: &str) -> bool {
    let class = theirs.strip_prefix("Psych::DisallowedClass: Tried to load unspecified class: ");
    match (theirs.strip_prefix("Psych::SyntaxError: "), class) {
        (Some(problem), _) => ours.starts_with(problem),
        (_, Some(class @ ("Date" | "Time"))) => ours.contains(class),
        _ => true,
    }
}

#[test]
fn documents_are_what_psych_makes_of_them() {
    let rows: Vec<Row> = table()
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
