//! A job's variables, and references from one to another.
//!
//! GitLab replaces references before it sends a job ([`Variables::completed`]), and in what it reads itself
//! ([`Variables::expand`]); the runner replaces those that are left ([`Variables::expanded_by_runner`]).

mod completion;

use std::collections::HashMap;

use gitlab_variables::{gitlab, runner};

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

/// Why variables cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariablesError {
    /// They refer to each other in a circle. The words are GitLab's.
    #[error("circular variable reference detected: {0:?}")]
    Circular(Vec<String>),
    /// One of them becomes too large.
    #[error(
        "the value of {0} is too large: its references make it more than 1 MiB, or all values more than 16 MiB"
    )]
    TooLarge(String),
}

impl VariablesError {
    /// What the reader can do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Circular(_) => {
                "GitLab makes no pipeline with such variables. Break the circle; `expand: false` takes a value as it is."
            }
            Self::TooLarge(_) => {
                "Refer to fewer variables. Linux takes no value of more than 128 KiB."
            }
        }
    }
}

/// Variables in their order. A later one hides earlier ones of the same name, and may refer to the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables {
    all: Vec<Variable>,
    /// Places of the last of each name.
    last: HashMap<String, usize>,
}

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
            self.last.insert(variable.key.clone(), self.all.len());
            self.all.push(variable);
        }
    }

    /// The variables in order, without hidden ones.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Variable> {
        let all = self.all.iter().enumerate();
        let visible = all.filter(|(place, variable)| self.last.get(&variable.key) == Some(place));
        visible.map(|(_, variable)| variable)
    }

    /// The variable `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Variable> {
        self.all.get(*self.last.get(key)?)
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
        go_bool(self.value(key)).unwrap_or(default)
    }

    /// `text` with its references replaced as GitLab does it in what it reads itself: they are followed through values,
    /// and unknown names become nothing.
    pub(crate) fn expand(&self, text: &str) -> String {
        self.resolve(text, &mut Vec::new(), &mut Budget::default())
    }

    /// The value of `key` as GitLab's rules see it: with its references followed through values.
    pub(crate) fn resolved(&self, key: &str) -> Option<String> {
        let variable = self.get(key)?;
        Some(match variable.raw {
            true => variable.value.clone(),
            false => self.resolve(
                &variable.value,
                &mut vec![&variable.key],
                &mut Budget::default(),
            ),
        })
    }

    /// `text` with its references replaced as in [`Self::expand`], unknown names left as they are
    /// (`ExpandVariables.expand_existing`).
    pub(crate) fn expand_known(&self, text: &str) -> String {
        let mut budget = Budget::default();
        gitlab::expand_text(text, |name| {
            let variable = self.get(name)?;
            Some(match (budget.take(&variable.value), variable.raw) {
                (None, _) => String::new(),
                (Some(()), true) => variable.value.clone(),
                (Some(()), false) => {
                    self.resolve(&variable.value, &mut vec![&variable.key], &mut budget)
                }
            })
        })
    }

    /// `within` holds the variables whose values are being resolved: a reference back to one is a cycle and vanishes.
    fn resolve<'a>(&'a self, text: &str, within: &mut Vec<&'a str>, budget: &mut Budget) -> String {
        let is_text = within.is_empty();
        let value = |name: &str| {
            let Some(variable) = self.get(name) else {
                return Some(String::new());
            };
            let is_cycle = within.contains(&name) || within.len() > MAX_LEVELS;
            if is_cycle && !variable.raw || budget.take(&variable.value).is_none() {
                return Some(String::new());
            }
            if variable.raw {
                return Some(variable.value.clone());
            }
            within.push(&variable.key);
            let value = self.resolve(&variable.value, within, budget);
            within.pop();
            Some(value)
        };
        match is_text {
            true => gitlab::expand_text(text, value),
            false => gitlab::expand_value(text, value),
        }
    }

    /// `text` with its references replaced as the runner does it: once, by values as they are.
    pub(crate) fn expand_by_runner(&self, text: &str) -> String {
        let mut budget = Budget::default();
        runner::expand(text, |name| {
            let value = self.value(name);
            budget.take(value).map_or("", |()| value).to_owned()
        })
    }

    /// These variables, with the references in each replaced as the runner does it.
    pub(crate) fn expanded_by_runner(&self) -> Self {
        let expand = |variable: &Variable| match variable.raw {
            true => variable.clone(),
            false => Variable {
                value: self.expand_by_runner(&variable.value),
                ..variable.clone()
            },
        };
        let mut expanded = Self::default();
        expanded.extend(self.iter().map(expand));
        expanded
    }
}

/// A switch as Go's `strconv.ParseBool` reads it.
pub(crate) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
