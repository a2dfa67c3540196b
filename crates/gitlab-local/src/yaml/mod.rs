//! YAML as GitLab reads it: Ruby's Psych with `safe_load`, which has YAML 1.1's scalars, and GitLab's own tag
//! `!reference`. Types cannot describe a `.gitlab-ci.yml`, as its top level mixes keywords with job names.
//!
//! `syntax` finds structure, quotes, tags and anchors as libyaml does. The meaning of a plain scalar, of merge keys and
//! of tags is Psych's: `tests/psych/table.jsonl` holds what Psych itself made of 900 texts.

mod documents;
mod error;
mod limits;
mod node;
mod number;
mod reader;
mod scalar;
mod syntax;
mod tag;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod psych_tests;
#[cfg(test)]
mod tests;

pub(crate) use self::documents::documents;
pub(crate) use self::limits::bytes;
pub(crate) use self::node::{Key, Map, Node, Position, Value};
pub(crate) use self::number::float;
