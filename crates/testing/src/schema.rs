//! Checks a document against one of the schemas of `docs/schema`: the keywords of JSON Schema (draft 2020-12) that they
//! use. A full validator brings more crates than the driver has.

use std::path::Path;

use serde_json::Value;

/// Keywords that say nothing about a document.
const NOTES: [&str; 4] = ["$schema", "$defs", "title", "description"];

/// Checks that a document follows the schema of this name, which has to name all of its members.
///
/// # Panics
///
/// With each member that does not.
#[track_caller]
pub fn follows_schema(document: &Value, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let root: Value = serde_json::from_str(&text).unwrap();
    let mut violations = Vec::new();
    Check {
        root: &root,
        violations: &mut violations,
    }
    .value(document, &root, "");
    assert_eq!(violations, [""; 0], "{name}: {document:#}");
}

struct Check<'a> {
    root: &'a Value,
    violations: &'a mut Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, value: &Value, schema: &Value, path: &str) {
        let schema = schema.as_object().unwrap();
        for (keyword, rule) in schema {
            let holds = match keyword.as_str() {
                "type" => is_of_type(value, rule),
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "minimum" => value
                    .as_f64()
                    .is_none_or(|number| number >= rule.as_f64().unwrap()),
                "format" => {
                    assert_eq!(rule, "date-time");
                    value
                        .as_str()
                        .is_none_or(|time| humantime::parse_rfc3339(time).is_ok())
                }
                "required" => {
                    let mut names = rule.as_array().unwrap().iter();
                    value.is_null() || names.all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "properties" => {
                    self.members(value, rule, path);
                    true
                }
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(item, rule, &format!("{path}/{number}"));
                    }
                    true
                }
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    let (root, path) = (self.root, path.to_owned());
                    self.value(value, &root["$defs"][name], &path);
                    true
                }
                note if NOTES.contains(&note) => true,
                unknown => panic!("{unknown} is not checked"),
            };
            if !holds {
                self.violations
                    .push(format!("{path}: {value} is not {keyword} {rule}"));
            }
        }
    }

    fn members(&mut self, value: &Value, properties: &Value, path: &str) {
        for (name, member) in value.as_object().into_iter().flatten() {
            match properties.get(name) {
                Some(schema) => self.value(member, schema, &format!("{path}/{name}")),
                None => self
                    .violations
                    .push(format!("{path}/{name} is not in the schema")),
            }
        }
    }
}

fn is_of_type(value: &Value, rule: &Value) -> bool {
    let one = std::slice::from_ref(rule);
    let names = rule.as_array().map_or(one, Vec::as_slice);
    names.iter().any(|name| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        unknown => panic!("{unknown} is no type"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(document: &Value, schema: &Value) -> usize {
        let mut violations = Vec::new();
        Check {
            root: schema,
            violations: &mut violations,
        }
        .value(document, schema, "");
        violations.len()
    }

    #[test]
    fn each_violation_is_seen() {
        let schema = json!({ "type": "object", "required": ["jobs"], "$defs": { "id": { "type": "integer", "minimum": 0 } },
            "properties": { "jobs": { "type": "array", "items": { "$ref": "#/$defs/id" } }, "version": { "const": 1 },
                "at": { "type": ["string", "null"], "format": "date-time" }, "phase": { "enum": ["ready"] } } });
        let right =
            json!({ "jobs": [1, 2], "version": 1, "at": "2026-11-29T14:00:00Z", "phase": "ready" });
        assert_eq!(violations(&right, &schema), 0);
        for wrong in [
            json!([]),
            json!({}),
            json!({ "jobs": {} }),
            json!({ "jobs": ["1"] }),
            json!({ "jobs": [-1] }),
            json!({ "jobs": [0.5] }),
            json!({ "jobs": [], "version": 2 }),
            json!({ "jobs": [], "at": "yesterday" }),
            json!({ "jobs": [], "phase": "" }),
            json!({ "jobs": [], "more": 1 }),
        ] {
            assert_ne!(violations(&wrong, &schema), 0, "{wrong}");
        }
    }
}
