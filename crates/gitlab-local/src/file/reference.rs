//! `!reference`: nodes that stand for others of the same file (`Gitlab::Ci::Config::Yaml::Tags`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::file::extends::{Extended, ExtendedFile};
use crate::file::lint::Lint;
use crate::file::spelling::nearest;
use crate::yaml::{Map, Node, Value};

/// Lists and maps around a node, through all references to it. GitLab ends with Ruby's stack.
const MAX_LEVELS: usize = 500;

/// The top level of a merged file, complete in itself.
#[derive(Debug)]
pub(super) struct ResolvedFile<'a> {
    extended: ExtendedFile<'a>,
    /// By the keys that lead there.
    known: HashMap<Arc<[Arc<str>]>, Target>,
}

/// What a reference names.
#[derive(Debug)]
enum Target {
    /// It is being resolved.
    InProgress,
    Resolved(Node),
}

impl<'a> ResolvedFile<'a> {
    /// `is_partial`: an included file is not here, so that what is not found may be in it.
    pub(super) fn new(file: &'a Map, is_partial: bool) -> Self {
        Self {
            extended: ExtendedFile::new(file, is_partial),
            known: HashMap::new(),
        }
    }

    /// The value of `key`, extended and with its references resolved; none when the file has no such key.
    ///
    /// # Errors
    ///
    /// GitLab's fault.
    pub(super) fn get(&mut self, key: &str) -> Result<Option<Extended>, Lint> {
        let Some(extended) = self.extended.get(key)? else {
            return Ok(None);
        };
        let node = self.resolve(&extended.node, 0)?;
        Ok(Some(extended.with(node)))
    }

    fn resolve(&mut self, node: &Node, level: usize) -> Result<Node, Lint> {
        if level > MAX_LEVELS {
            return Err(Lint::new("!reference is nested too deep").at(&node.at));
        }
        let value = match &node.value {
            Value::Reference(path) => return self.follow(path, node, level),
            Value::List(items) if node.has_reference() => {
                let items = items.iter().map(|item| self.resolve(item, level + 1));
                Value::List(Arc::new(items.collect::<Result<_, _>>()?))
            }
            Value::Map(map) if node.has_reference() => {
                let resolved = map
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.resolve(item, level + 1)?)));
                Value::Map(Arc::new(resolved.collect::<Result<_, Lint>>()?))
            }
            _ => return Ok(node.clone()),
        };
        Ok(Node {
            value,
            at: node.at.clone(),
        })
    }

    fn follow(&mut self, path: &Arc<[Arc<str>]>, node: &Node, level: usize) -> Result<Node, Lint> {
        match self.known.get(path) {
            Some(Target::Resolved(known)) => return Ok(known.clone()),
            Some(Target::InProgress) => {
                let fault = format!("{} is part of a circular chain", shown(path));
                return Err(Lint::new(fault).at(&node.at));
            }
            None => (),
        }
        self.known.insert(Arc::clone(path), Target::InProgress);
        let resolved = match self.dig(path) {
            Ok(Some(target)) => self.resolve(&target, level + 1),
            Ok(None) => Err(self.not_found(path).at(&node.at)),
            Err(fault) => Err(fault),
        };
        match &resolved {
            Ok(resolved) => {
                let target = Target::Resolved(resolved.clone());
                self.known.insert(Arc::clone(path), target);
            }
            // Another job that has the reference meets the same fault.
            Err(_) => {
                self.known.remove(path);
            }
        }
        resolved
    }

    fn not_found(&self, path: &[Arc<str>]) -> Lint {
        let fault = Lint::new(format!("{} could not be found", shown(path)));
        let first = path.first().map_or("", |first| first);
        let mut known = self.extended.keys();
        match nearest(first, self.extended.keys()) {
            Some(nearest) if !known.any(|known| known == first) => {
                fault.advise(format!("Did you mean `{nearest}`?"))
            }
            _ => fault,
        }
    }

    /// The node at the end of `path`, before its references are resolved. GitLab takes false for nothing.
    fn dig(&mut self, path: &[Arc<str>]) -> Result<Option<Node>, Lint> {
        let Some((first, rest)) = path.split_first() else {
            return Ok(None);
        };
        let mut found = self.extended.get(first)?.map(|extended| extended.node);
        for key in rest {
            found = found.and_then(|node| node.get(key).cloned());
        }
        Ok(found.filter(|node| !matches!(node.value, Value::Null | Value::Bool(false))))
    }
}

/// The reference as Ruby prints it.
fn shown(path: &[Arc<str>]) -> String {
    let keys: Vec<_> = path.iter().map(|key| format!("{key:?}")).collect();
    format!("!reference [{}]", keys.join(", "))
}
