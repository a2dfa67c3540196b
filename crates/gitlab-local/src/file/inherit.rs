//! Where the value of a keyword comes from: the job, `default:` or the top level, as `inherit:` lets it.

use crate::file::image::read_variables;
use crate::file::lint::Lint;
use crate::file::reference::ResolvedFile;
use crate::file::shape::{DEFAULTS, GLOBAL, Subject, check};
use crate::file::values::text_list;
use crate::variables::Variable;
use crate::yaml::{Node, Value, bytes};

/// Keywords of the top level, in the old form, that jobs inherit as those of `default:`.
const TOP_LEVEL_DEFAULTS: &[&str] = &[
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
];

/// What all jobs of a file have in common, with references resolved.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Values of [`DEFAULTS`].
    defaults: Vec<(&'static str, Node)>,
    /// `variables:` of the top level.
    variables: Option<Node>,
    /// Ruby's memory of all of these.
    bytes: usize,
}

impl Shared {
    /// Reads what the jobs of `file` have in common.
    ///
    /// # Errors
    ///
    /// When a keyword is both at the top level and in `default:`, or a reference leads nowhere.
    pub(super) fn read(file: &mut ResolvedFile<'_>) -> Result<Self, Lint> {
        for (keyword, shape) in GLOBAL {
            let value = file.get(keyword)?.map(|value| value.node);
            if let Some(value) = value.filter(|value| value.value != Value::Null) {
                check(shape, &value, &Subject::new(*keyword))?;
            }
        }
        let default = file.get("default")?.map(|default| default.node);
        let mut defaults = Vec::new();
        for &keyword in DEFAULTS {
            let value = default.as_ref().and_then(|node| node.get(keyword)).cloned();
            let old = match TOP_LEVEL_DEFAULTS.contains(&keyword) {
                true => file.get(keyword)?.map(|old| old.node),
                false => None,
            };
            let old = old.filter(|node| node.value != Value::Null);
            let value = match (value, old) {
                (Some(_), Some(old)) => {
                    let fault = format!("{keyword} is defined in top-level and `default:` entry");
                    return Err(Lint::new(fault).at(&old.at));
                }
                (value, old) => value.or(old),
            };
            defaults.extend(value.map(|value| (keyword, value)));
        }
        let variables = file.get("variables")?.map(|variables| variables.node);
        let variables = variables.filter(|node| node.value != Value::Null);
        let nodes = defaults.iter().map(|(_, node)| node).chain(&variables);
        Ok(Self {
            bytes: nodes.map(bytes).sum(),
            defaults,
            variables,
        })
    }

    /// The variables of the top level.
    ///
    /// # Errors
    ///
    /// GitLab's, when they are wrong.
    pub(super) fn variables(&self) -> Result<Vec<Variable>, Lint> {
        let Some(node) = &self.variables else {
            return Ok(Vec::new());
        };
        read_variables(node).map_err(|fault| Lint::new(format!("variables {fault}")))
    }
}

/// One job, with what it inherits.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobNode<'a> {
    pub(super) name: &'a str,
    /// The job's own keywords, extended and with references resolved.
    pub(super) own: &'a Node,
    pub(super) shared: &'a Shared,
}

impl<'a> JobNode<'a> {
    /// The job's own value of `keyword`, or else the one that it inherits.
    pub(super) fn get(&self, keyword: &str) -> Option<&'a Node> {
        // A job's own `~` lets the default in (`Entry::Unspecified`); an empty list does not.
        self.own.get(keyword).or_else(|| self.default(keyword))
    }

    /// Ruby's memory of the job with all that it may inherit.
    pub(super) fn bytes(&self) -> usize {
        bytes(self.own).saturating_add(self.shared.bytes)
    }

    /// Whether the job itself has `keyword`, with a value or without.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.own
            .as_map()
            .is_some_and(|own| own.contains_key(keyword))
    }

    fn default(&self, keyword: &str) -> Option<&'a Node> {
        let mut defaults = self.shared.defaults.iter();
        let (_, value) = defaults.find(|(known, _)| *known == keyword)?;
        self.inherits("default", keyword).then_some(value)
    }

    /// Whether `inherit:` lets `name` in, a keyword (`default`) or a variable (`variables`).
    pub(super) fn inherits(&self, kind: &str, name: &str) -> bool {
        let inherit = self.own.get("inherit");
        let Some(allowed) = inherit.and_then(|inherit| inherit.get(kind)) else {
            return true;
        };
        match &allowed.value {
            Value::Bool(all) => *all,
            _ => text_list(allowed).is_ok_and(|names| names.iter().any(|known| known == name)),
        }
    }

    /// `keyword` has a wrong value: the path of GitLab's lint, `jobs:build:script should be …`.
    pub(super) fn wrong(&self, keyword: &str, fault: impl AsRef<str>) -> Lint {
        let name = self.name;
        let lint = Lint::new(format!("jobs:{name}:{keyword} {}", fault.as_ref()));
        let node = self.get(keyword).unwrap_or(self.own);
        lint.at(&node.at)
    }
}
