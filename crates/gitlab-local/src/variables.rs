//! A job's variables, and references from one to another.

use gitlab_variables::expand;
use indexmap::IndexMap;

/// One variable of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// A name that a shell can export.
    pub(crate) key: String,
    pub(crate) value: String,
    /// Never expanded.
    pub(crate) raw: bool,
}

/// A name that no shell can export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name for a variable (letters, digits and _, not starting with a digit)")]
pub struct InvalidName(String);

impl Variable {
    /// A variable that a person or a `.gitlab-ci.yml` named.
    ///
    /// # Errors
    ///
    /// When no shell could export `key`.
    pub(crate) fn named(key: &str, value: impl Into<String>) -> Result<Self, InvalidName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit_first = key.starts_with(|c: char| c.is_ascii_digit());
        if key.is_empty() || digit_first || !key.chars().all(allowed) {
            return Err(InvalidName(key.to_owned()));
        }
        Ok(Self::new(key, value))
    }

    /// A variable of ours, whose name is valid.
    pub(crate) fn new(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
            raw: false,
        }
    }
}

/// Variables by name; a later one replaces an earlier one of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables(IndexMap<String, Variable>);

/// References that one text may have, followed through values. GitLab has no such limit; a few lines of variables that
/// name each other twice would keep it busy for hours.
const MAX_REFERENCES: usize = 10_000;

/// Bytes that one text may become.
const MAX_EXPANDED_BYTES: usize = 1 << 20;

/// Values within values.
const MAX_LEVELS: usize = 200;

/// What is left of these limits for one text. References beyond them vanish.
struct Budget {
    references: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            references: MAX_REFERENCES,
            bytes: MAX_EXPANDED_BYTES,
        }
    }
}

impl Budget {
    /// Takes one reference to a value out of the budget, if it is there.
    fn take(&mut self, value: &str) -> Option<()> {
        let references = self.references.checked_sub(1)?;
        let bytes = self.bytes.checked_sub(value.len())?;
        *self = Self { references, bytes };
        Some(())
    }
}

impl Variables {
    /// Adds a variable of ours.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<String>) {
        self.extend([Variable::new(key, value)]);
    }

    /// Adds all of `variables`.
    pub(crate) fn extend(&mut self, variables: impl IntoIterator<Item = Variable>) {
        for variable in variables {
            self.0.shift_remove(&variable.key);
            self.0.insert(variable.key.clone(), variable);
        }
    }

    /// The variables in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Variable> {
        self.0.values()
    }

    /// The variable `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Variable> {
        self.0.get(key)
    }

    /// The value of `key`; empty when there is none.
    pub(crate) fn value(&self, key: &str) -> &str {
        self.get(key).map_or("", |variable| &variable.value)
    }

    /// Whether `key` is switched on, as the runner reads a switch; off where it has no value or a wrong one.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.switch(key, false)
    }

    /// The switch `key`, with the spellings that Go's `strconv.ParseBool` knows; `default` for any other.
    pub(crate) fn switch(&self, key: &str, default: bool) -> bool {
        match self.value(key) {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => default,
        }
    }

    /// These variables with their references to each other resolved.
    pub(crate) fn expanded(&self) -> Self {
        let expand = |variable: &Variable| match variable.raw {
            true => variable.clone(),
            false => Variable {
                value: self.resolve(
                    &variable.value,
                    &mut vec![&variable.key],
                    &mut Budget::default(),
                ),
                ..variable.clone()
            },
        };
        let expanded = self.0.iter();
        Self(
            expanded
                .map(|(key, variable)| (key.clone(), expand(variable)))
                .collect(),
        )
    }

    /// `text` with its references replaced, unknown names by nothing.
    pub(crate) fn expand(&self, text: &str) -> String {
        self.resolve(text, &mut Vec::new(), &mut Budget::default())
    }

    /// References are followed through values, as GitLab does before it sends a job. `within` holds the variables whose
    /// values are being resolved: a reference back to one is a cycle and vanishes.
    fn resolve<'a>(&'a self, text: &str, within: &mut Vec<&'a str>, budget: &mut Budget) -> String {
        expand(text, |name| {
            let Some(variable) = self.get(name) else {
                return String::new();
            };
            let is_cycle = within.contains(&name) || within.len() > MAX_LEVELS;
            if is_cycle && !variable.raw || budget.take(&variable.value).is_none() {
                return String::new();
            }
            if variable.raw {
                return variable.value.clone();
            }
            within.push(&variable.key);
            let value = self.resolve(&variable.value, within, budget);
            within.pop();
            value
        })
    }
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
    fn switches_are_read_as_in_go() {
        for (text, value) in [
            ("true", true),
            ("T", true),
            ("1", true),
            ("False", false),
            ("0", false),
        ] {
            let all = variables(&[("A", text)]);
            assert_eq!(
                (all.switch("A", !value), all.is_on("A")),
                (value, value),
                "{text:?}"
            );
        }
        for text in ["", "yes", "on", "2", "tRUE"] {
            let all = variables(&[("A", text)]);
            assert!(all.switch("A", true) && !all.is_on("A"), "{text:?}");
        }
    }

    #[test]
    fn references_that_multiply_end() {
        let chain = (0..60).map(|index| {
            let next = index + 1;
            Variable::new(&format!("V{index}"), format!("$V{next}$V{next}$V{next}"))
        });
        let mut all = Variables::default();
        all.extend(chain);
        all.put("LONG", "x".repeat(MAX_EXPANDED_BYTES / 2));
        assert_eq!(all.expand("<$V0>"), "<>");
        assert_eq!(all.expand("$LONG$LONG$LONG").len(), MAX_EXPANDED_BYTES);
        assert_eq!(all.expanded().iter().count(), 61);
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
