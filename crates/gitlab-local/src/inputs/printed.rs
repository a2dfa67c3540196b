//! Values as Ruby prints them.

use crate::yaml::Value;

/// A value within a text, as Ruby's `to_s` prints it.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items = items.iter().map(|item| inspected(&item.value));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, node)| format!(":{}=>{}", key.name(), inspected(&node.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Bool(value) => value.to_string(),
        Value::Number(text) | Value::Text(text) => text.to_string(),
        Value::Null | Value::Reference(_) => String::new(),
    }
}

fn inspected(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        other => printed(other),
    }
}
