//! `docs/local.md` documents every effect, operation and resource, and its examples are valid.

use std::collections::BTreeSet;
use std::path::Path;

use ecs_local::{Faults, SECURITY_GROUP, SUBNET_A, SUBNET_B, VPC};
use serde_json::{Value, json};

use crate::cluster::Cluster;

fn text() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/local.md");
    std::fs::read_to_string(file).unwrap()
}

/// The effects in the tables headed `effect`: the text between the first backticks of each row.
fn documented() -> Vec<Value> {
    let text = text();
    let mut effects = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        inside = line.starts_with("| effect") || (inside && line.starts_with('|'));
        if inside && let Some(effect) = line.split('`').nth(1) {
            effects.push(
                serde_json::from_str(effect).unwrap_or_else(|error| panic!("{line}: {error}")),
            );
        }
    }
    effects
}

#[test]
fn every_effect_is_documented_and_accepted() {
    let mut names = BTreeSet::new();
    for effect in documented() {
        let document = json!({ "faults": [{ "effect": effect }] }).to_string();
        Faults::parse(&document).unwrap_or_else(|error| panic!("{document}: {error:#}"));
        let name = match &effect {
            Value::String(name) => name.clone(),
            Value::Object(members) => members.keys().next().unwrap().clone(),
            other => panic!("{other} is not an effect"),
        };
        assert!(names.insert(name), "{effect} is documented twice");
    }
    // The message about an unknown effect lists the known ones.
    let error = Faults::parse(r#"{"faults": [{"effect": "?"}]}"#).unwrap_err();
    let message = format!("{error:#}");
    let (_, list) = message.split_once("expected one of ").unwrap();
    let known: BTreeSet<String> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(names, known);
}

#[test]
fn the_example_is_accepted() {
    let text = text();
    let example = text
        .split("```json")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    Faults::parse(example).unwrap();
}

#[test]
fn every_operation_and_resource_is_documented() {
    let text = text();
    for id in [VPC, SUBNET_A, SUBNET_B, SECURITY_GROUP] {
        assert!(text.contains(id), "{id}");
    }
    let stats = Cluster::with_faults(&json!([])).get("/_local/stats").json();
    for operation in stats["calls"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("`{operation}`")), "{operation}");
    }
}
