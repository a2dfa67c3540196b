//! `docs/schema`: the page about a document names all that its schema has.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::root;

/// The names of all members that a schema allows, at any depth.
fn members(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::Object(properties)) = keywords.get("properties") {
                found.extend(properties.keys().cloned());
            }
            keywords.values().for_each(|inner| members(inner, found));
        }
        Value::Array(schemas) => schemas.iter().for_each(|inner| members(inner, found)),
        _ => {}
    }
}

#[test]
fn the_page_of_a_document_names_each_member_of_its_schema() {
    let docs = root().join("docs");
    let pages: Vec<_> = fs::read_dir(&docs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for entry in fs::read_dir(docs.join("schema")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let link = format!("(schema/{file})");
        let about: Vec<_> = pages.iter().filter(|page| page.contains(&link)).collect();
        assert!(!about.is_empty(), "no page links to {file}");
        let (schema, mut names) = (fs::read(&path).unwrap(), BTreeSet::new());
        members(&serde_json::from_slice(&schema).unwrap(), &mut names);
        assert!(names.len() > 5, "{file}: {names:?}");
        let is_named = |page: &str, name: &str| {
            page.contains(&format!("`{name}`")) || page.contains(&format!("\"{name}\""))
        };
        for page in about {
            let title = page.lines().next().unwrap_or_default();
            let missing: Vec<_> = names.iter().filter(|name| !is_named(page, name)).collect();
            assert!(
                missing.is_empty(),
                "{title}: members of {file} are missing: {missing:?}"
            );
        }
    }
}
