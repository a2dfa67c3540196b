//! A job's variables and the two expansions they go through.
//!
//! GitLab resolves references among variables before it hands out a job; the runner then expands what is left
//! once more when it builds scripts and environments. Both are needed to get `$$` right: it survives the first
//! and becomes a literal `$` in the second.

use std::borrow::Cow;

use crate::error::{Blame, Error, Result};

/// The variable with the folder that file variables are written to (the runner's, set from `prepare` on).
pub(super) const TEMPORARY_FOLDER: &str = "RUNNER_TEMP_PROJECT_DIR";

/// One variable of a job, with the flags GitLab sends along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    /// A name that a shell can export.
    pub(super) key: String,
    pub(super) value: String,
    /// The script sees a path to a file with the value.
    pub(super) file: bool,
    /// Never expanded.
    pub(super) raw: bool,
    /// Passed on to services.
    pub(super) public: bool,
}

impl Variable {
    /// A variable that the operator or a `.gitlab-ci.yml` named.
    ///
    /// # Errors
    ///
    /// When no shell could export `key`.
    pub(super) fn named(key: &str, value: String) -> Result<Self> {
        let mut characters = key.chars();
        let starts = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if starts && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            Ok(Self::new(key, value))
        } else {
            Err(Error::new(
                Blame::Usage,
                format!(
                    "{key:?} is no name for a variable (letters, digits and _, not starting with a digit)"
                ),
            ))
        }
    }

    /// A variable of ours, whose name is known to be one.
    pub(super) fn new(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
            file: false,
            raw: false,
            public: true,
        }
    }
}

/// Variables by name; a later one replaces an earlier one of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(Vec<Variable>);

impl Variables {
    /// Adds a variable, in place of an earlier one of its name.
    pub(super) fn set(&mut self, variable: Variable) {
        self.0.retain(|known| known.key != variable.key);
        self.0.push(variable);
    }

    /// Adds a variable of ours.
    pub(super) fn put(&mut self, key: &str, value: impl Into<String>) {
        self.set(Variable::new(key, value));
    }

    /// Adds all of `variables`.
    pub(super) fn extend(&mut self, variables: impl IntoIterator<Item = Variable>) {
        for variable in variables {
            self.set(variable);
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

    /// These variables as GitLab sends them: references to each other resolved, unknown ones and `$$` left.
    pub(super) fn as_sent(&self) -> Self {
        self.map_values(|variable| self.resolve(&variable.value, &mut vec![&variable.key]))
    }

    /// These variables as the runner hands them on: expanded once more, unknown references empty.
    pub(super) fn as_handed_on(&self) -> Self {
        self.map_values(|variable| self.expand(&variable.value))
    }

    /// `text` as the runner expands it: `$X` and `${X}` replaced, unknown names by nothing, `$$` by `$`, and
    /// the name of a file variable by its path.
    pub(super) fn expand(&self, text: &str) -> String {
        pieces(text)
            .map(|piece| match piece {
                Piece::Text(text) => Cow::Borrowed(text),
                Piece::Dollar => Cow::Borrowed("$"),
                Piece::Reference { name, .. } => match self.find(name) {
                    Some(variable) if variable.file => {
                        Cow::Owned(format!("{}/{}", self.value(TEMPORARY_FOLDER), variable.key))
                    }
                    Some(variable) => Cow::Borrowed(variable.value.as_str()),
                    None => Cow::Borrowed(""),
                },
            })
            .collect()
    }

    /// `within`: the variables whose values are being resolved. A reference back to one is a cycle, and left.
    fn resolve<'a>(&'a self, text: &'a str, within: &mut Vec<&'a str>) -> String {
        let mut resolved = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Dollar => resolved.push_str("$$"),
                Piece::Reference { name, written } => match self.find(name) {
                    Some(variable) if variable.raw => resolved.push_str(&variable.value),
                    Some(variable) if !variable.file && !within.contains(&name) => {
                        within.push(name);
                        resolved.push_str(&self.resolve(&variable.value, within));
                        within.pop();
                    }
                    _ => resolved.push_str(written),
                },
            }
        }
        resolved
    }

    fn map_values(&self, change: impl Fn(&Variable) -> String) -> Self {
        let changed = self.0.iter().map(|variable| match variable {
            fixed if fixed.raw || fixed.file => fixed.clone(),
            variable => Variable {
                value: change(variable),
                ..variable.clone()
            },
        });
        Self(changed.collect())
    }

    fn find(&self, key: &str) -> Option<&Variable> {
        self.0.iter().find(|variable| variable.key == key)
    }
}

impl FromIterator<Variable> for Variables {
    fn from_iter<I: IntoIterator<Item = Variable>>(variables: I) -> Self {
        let mut all = Self::default();
        all.extend(variables);
        all
    }
}

/// A part of a text with references in it.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `$$`
    Dollar,
    /// `$NAME` or `${NAME}`, and how it was written.
    Reference {
        name: &'a str,
        written: &'a str,
    },
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, left) = next_piece(rest)?;
        rest = left;
        Some(piece)
    })
}

fn next_piece(text: &str) -> Option<(Piece<'_>, &str)> {
    if text.is_empty() {
        return None;
    }
    let Some(after) = text.strip_prefix('$') else {
        let (plain, left) = text.split_at(text.find('$').unwrap_or(text.len()));
        return Some((Piece::Text(plain), left));
    };
    if let Some(left) = after.strip_prefix('$') {
        return Some((Piece::Dollar, left));
    }
    if let Some((name, left)) = after
        .strip_prefix('{')
        .and_then(|braced| braced.split_once('}'))
    {
        let (written, _) = text.split_at(text.len() - left.len());
        return Some((Piece::Reference { name, written }, left));
    }
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(after.len());
    let (name, left) = after.split_at(end);
    let (written, _) = text.split_at(text.len() - left.len());
    Some(match name {
        // A `$` that starts no name stands for itself.
        "" => (Piece::Text(written), left),
        name => (Piece::Reference { name, written }, left),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs
            .iter()
            .map(|(key, value)| Variable::new(key, *value))
            .collect()
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
    fn references_among_variables_are_resolved_in_any_order() {
        let all = variables(&[
            ("URL", "http://$HOST/$$x"),
            ("HOST", "$NAME.example"),
            ("NAME", "db"),
            ("U", "$NONE"),
        ]);
        let sent = all.as_sent();
        assert_eq!(sent.value("URL"), "http://db.example/$$x");
        assert_eq!(sent.value("U"), "$NONE");
        let handed_on = sent.as_handed_on();
        assert_eq!(handed_on.value("URL"), "http://db.example/$x");
        assert_eq!(handed_on.value("U"), "");
    }

    #[test]
    fn a_cycle_ends() {
        let all = variables(&[("A", "$B$A$A"), ("B", "<$A$B>"), ("C", "$C")]).as_sent();
        assert_eq!(all.value("A"), "<$A$B>$A$A");
        assert_eq!(all.value("C"), "$C");
    }

    #[test]
    fn raw_values_stay_and_files_are_paths() {
        let mut all = variables(&[(TEMPORARY_FOLDER, "/builds/x.tmp")]);
        all.set(Variable {
            raw: true,
            ..Variable::new("RAW", "$A$$")
        });
        all.set(Variable {
            file: true,
            ..Variable::new("KUBECONFIG", "text $A")
        });
        assert_eq!(all.as_sent().as_handed_on().value("RAW"), "$A$$");
        assert_eq!(all.as_sent().as_handed_on().value("KUBECONFIG"), "text $A");
        assert_eq!(all.expand("$KUBECONFIG"), "/builds/x.tmp/KUBECONFIG");
    }

    #[test]
    fn a_later_variable_wins() {
        let all = variables(&[("A", "1"), ("B", "2"), ("A", "3")]);
        assert_eq!(all.value("A"), "3");
        assert_eq!(all.iter().count(), 2);
    }

    #[test]
    fn a_name_no_shell_can_export_is_refused() {
        for bad in ["", "1A", "a-b", "a.b", "a b", "A;rm -rf /", "ü"] {
            assert!(Variable::named(bad, String::new()).is_err(), "{bad:?}");
        }
        assert!(Variable::named("_A1", String::new()).is_ok());
    }
}
