//! A job's variables, and references from one to another.

use crate::error::{Blame, Error, Result};

/// One variable of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    /// A name that a shell can export.
    pub(super) key: String,
    pub(super) value: String,
    /// Never expanded.
    pub(super) raw: bool,
}

impl Variable {
    /// A variable that a person or a `.gitlab-ci.yml` named.
    ///
    /// # Errors
    ///
    /// When no shell could export `key`.
    pub(super) fn named(key: &str, value: impl Into<String>) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit_first = key.starts_with(|c: char| c.is_ascii_digit());
        if key.is_empty() || digit_first || !key.chars().all(plain) {
            let message = format!(
                "{key:?} is no name for a variable (letters, digits and _, not starting with a digit)"
            );
            return Err(Error::new(Blame::Usage, message));
        }
        Ok(Self::new(key, value))
    }

    /// A variable of ours, whose name is known to be one.
    pub(super) fn new(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
            raw: false,
        }
    }
}

/// Variables by name; a later one replaces an earlier one of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(Vec<Variable>);

impl Variables {
    /// Adds a variable of ours.
    pub(super) fn put(&mut self, key: &str, value: impl Into<String>) {
        self.extend([Variable::new(key, value)]);
    }

    /// Adds all of `variables`.
    pub(super) fn extend(&mut self, variables: impl IntoIterator<Item = Variable>) {
        for variable in variables {
            self.0.retain(|known| known.key != variable.key);
            self.0.push(variable);
        }
    }

    /// The variables in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter()
    }

    /// The value of `key`; empty when there is none.
    pub(super) fn value(&self, key: &str) -> &str {
        self.find(key).map_or("", |variable| &variable.value)
    }

    /// Whether `key` is switched on, as the runner reads a switch.
    pub(super) fn is_on(&self, key: &str) -> bool {
        matches!(self.value(key), "true" | "1")
    }

    /// These variables with their references to each other resolved.
    pub(super) fn expanded(&self) -> Self {
        let expand = |variable: &Variable| match variable.raw {
            true => variable.clone(),
            false => Variable {
                value: self.resolve(&variable.value, &mut vec![&variable.key]),
                ..variable.clone()
            },
        };
        Self(self.0.iter().map(expand).collect())
    }

    /// `text` with `$X` and `${X}` replaced, unknown names by nothing, and `$$` by `$`.
    pub(super) fn expand(&self, text: &str) -> String {
        self.resolve(text, &mut Vec::new())
    }

    /// `within`: the variables whose values are being resolved. A reference back to one is a cycle and vanishes.
    fn resolve<'a>(&'a self, text: &'a str, within: &mut Vec<&'a str>) -> String {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('$') {
            resolved.push_str(plain);
            if let Some(after) = after.strip_prefix('$') {
                resolved.push('$');
                rest = after;
                continue;
            }
            let (name, after) = reference(after);
            rest = after;
            match self.find(name) {
                // A `$` that starts no name stands for itself.
                _ if name.is_empty() => resolved.push('$'),
                Some(variable) if variable.raw => resolved.push_str(&variable.value),
                Some(variable) if !within.contains(&name) => {
                    within.push(name);
                    resolved.push_str(&self.resolve(&variable.value, within));
                    within.pop();
                }
                _ => {}
            }
        }
        resolved.push_str(rest);
        resolved
    }

    fn find(&self, key: &str) -> Option<&Variable> {
        self.0.iter().find(|variable| variable.key == key)
    }
}

/// The name that a text after `$` starts with, in braces or not, and what follows it.
fn reference(text: &str) -> (&str, &str) {
    let braced = text.strip_prefix('{');
    if let Some(found) = braced.and_then(|braced| braced.split_once('}')) {
        return found;
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let mut all = Variables::default();
        all.extend(pairs.iter().map(|(key, value)| Variable::new(key, *value)));
        all
    }

    #[test]
    fn references_are_replaced_and_unknown_ones_vanish() {
        let all = variables(&[("A", "1"), ("LONG_NAME", "two")]);
        for (text, expanded) in [
            ("$A", "1"),
            ("${A}b", "1b"),
            ("$Ab", ""),
            ("x$LONG_NAME/y", "xtwo/y"),
            ("$$A", "$A"),
            ("cost: 5$", "cost: 5$"),
            ("$ A", "$ A"),
            ("${NO}", ""),
            ("ü$A€", "ü1€"),
        ] {
            assert_eq!(all.expand(text), expanded, "{text:?}");
        }
    }

    #[test]
    fn references_among_variables_are_resolved_in_any_order_and_cycles_end() {
        let mut all = variables(&[
            ("URL", "http://$HOST/$$x"),
            ("HOST", "$NAME.example"),
            ("NAME", "db"),
            ("A", "<$B>"),
            ("B", "$A$B!"),
        ]);
        all.extend([Variable {
            raw: true,
            ..Variable::new("RAW", "$NAME$$")
        }]);
        let expanded = all.expanded();
        assert_eq!(expanded.value("URL"), "http://db.example/$x");
        assert_eq!(expanded.value("A"), "<!>");
        assert_eq!(expanded.value("RAW"), "$NAME$$");
        assert_eq!(all.expand("$RAW"), "$NAME$$");
    }

    #[test]
    fn a_later_variable_wins() {
        let all = variables(&[("A", "1"), ("B", "2"), ("A", "3")]);
        assert_eq!((all.value("A"), all.iter().count()), ("3", 2));
    }

    #[test]
    fn a_name_no_shell_can_export_is_refused() {
        for bad in ["", "1A", "a-b", "a.b", "a b", "A;rm -rf /", "ü"] {
            assert!(Variable::named(bad, "").is_err(), "{bad:?}");
        }
        assert!(Variable::named("_A1", "").is_ok());
    }
}
