//! `extends`: the keys of the top level with all that they take from others.
//!
//! GitLab extends the whole file at once. Here it happens for the keys that are asked for, so that a fault of one job
//! is no fault of another.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::file::lint::Lint;
use crate::file::merge::{MergeBudget, MergeTooLarge};
use crate::file::spelling::nearest;
use crate::yaml::{Key, Map, Node, Value};

/// Links from a job to the last of its bases. GitLab's `MAX_NESTING_LEVELS` is 10, and lets eleven pass.
const MAX_LINKS: usize = 11;

/// The top level of a merged file, of which keys can be extended.
#[derive(Debug)]
pub(super) struct ExtendedFile<'a> {
    file: &'a Map,
    /// Whether an included file is not here, so that what is not found may be in it.
    is_partial: bool,
    known: HashMap<String, Extended>,
    budget: MergeBudget,
}

/// One key with all that it takes from others.
#[derive(Debug, Clone)]
pub(super) struct Extended {
    pub(super) node: Node,
    /// Names in `extends` that must be in a file that is not here.
    pub(super) missing: BTreeSet<String>,
    /// Links to the last base.
    links: usize,
}

/// What an `extends` names.
struct Bases {
    found: Vec<(String, Node)>,
    /// Names that this file lacks.
    missing: BTreeSet<String>,
}

impl Extended {
    /// This with another value.
    pub(super) fn with(self, node: Node) -> Self {
        Self { node, ..self }
    }
}

impl<'a> ExtendedFile<'a> {
    pub(super) fn new(file: &'a Map, is_partial: bool) -> Self {
        Self {
            file,
            is_partial,
            known: HashMap::new(),
            budget: MergeBudget::default(),
        }
    }

    /// The keys of the file.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.file.keys().map(Key::name)
    }

    /// The value of `key`, extended; none when the file has no such key.
    ///
    /// # Errors
    ///
    /// GitLab's fault.
    pub(super) fn get(&mut self, key: &str) -> Result<Option<Extended>, Lint> {
        match self.file.get(key) {
            Some(node) => self.extend(key, node, &mut Vec::new()).map(Some),
            None => Ok(None),
        }
    }

    /// `path` has the keys that are being extended by this one.
    fn extend(&mut self, key: &str, node: &Node, path: &mut Vec<String>) -> Result<Extended, Lint> {
        let (Some(own), Some(extends)) = (node.as_map(), node.get("extends")) else {
            return Ok(Extended {
                node: node.clone(),
                missing: BTreeSet::new(),
                links: 0,
            });
        };
        let fault = |fault: &str| Lint::new(format!("{key}: {fault}")).at(&extends.at);
        if path.iter().any(|before| before == key) {
            return Err(fault("circular dependency detected in `extends`"));
        }
        let too_deep = "nesting too deep in `extends`";
        if let Some(known) = self.known.get(key) {
            return match path.len() + known.links > MAX_LINKS {
                true => Err(fault(too_deep)),
                false => Ok(known.clone()),
            };
        }
        if path.len() >= MAX_LINKS {
            return Err(fault(too_deep));
        }
        let too_large = |_: MergeTooLarge| fault("`extends` copies more than two million keys");
        let Bases { found, mut missing } = self.bases(key, extends)?;
        let mut merged = Map::new();
        let mut links = 0;
        path.push(key.to_owned());
        for (name, base) in found {
            let base = self.extend(&name, &base, path)?;
            if let Some(base) = base.node.as_map() {
                merged = self.budget.merge(&merged, base).map_err(too_large)?;
            }
            links = links.max(base.links + 1);
            missing.extend(base.missing);
        }
        path.pop();
        let merged = self.budget.merge(&merged, own).map_err(too_large)?;
        let extended = Extended {
            node: Node {
                value: Value::Map(Arc::new(merged)),
                at: node.at.clone(),
            },
            missing,
            links,
        };
        self.known.insert(key.to_owned(), extended.clone());
        Ok(extended)
    }

    /// The keys that `extends` names, and the names that this file lacks.
    fn bases(&self, key: &str, extends: &Node) -> Result<Bases, Lint> {
        let at = |fault: String| Lint::new(format!("{key}: {fault}")).at(&extends.at);
        let names = extends.as_list().unwrap_or(std::slice::from_ref(extends));
        let names: Option<Vec<String>> = names.iter().map(Node::scalar).collect();
        let names = names
            .ok_or_else(|| at("`extends` should be an array of strings or a string".to_owned()))?;
        let mut found = Vec::new();
        let mut missing = BTreeSet::new();
        let mut invalid = Vec::new();
        for name in names {
            match self.file.get(name.as_str()) {
                Some(base) if base.as_map().is_some() => found.push((name, base.clone())),
                Some(_) => invalid.push(name),
                None => {
                    missing.insert(name);
                }
            }
        }
        if let Some(first) = missing.first().filter(|_| !self.is_partial) {
            let missing: Vec<_> = missing.iter().map(String::as_str).collect();
            let fault = at(format!(
                "unknown keys in `extends` ({})",
                missing.join(", ")
            ));
            return Err(match nearest(first, self.keys()) {
                Some(nearest) => fault.advise(format!("Did you mean `{nearest}`?")),
                None => fault,
            });
        }
        match invalid.is_empty() {
            true => Ok(Bases { found, missing }),
            false => Err(at(format!(
                "invalid base hashes in `extends` ({})",
                invalid.join(", ")
            ))),
        }
    }
}
