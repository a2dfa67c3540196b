//! One table of `fargate.toml`, read leniently.
//!
//! Keys match in any case. Every problem is collected with its line, not only the first. An unknown key is reported
//! with the nearest known one. GitLab's driver matches keys in any case and ignores unknown ones; its files must load.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::Findings;

/// Longest duration: longer than any job, and short enough to add to a time.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The remark on a key that nothing reads.
pub(crate) const UNKNOWN_KEY: &str = "is an unknown key and has no effect";

/// A table of the file while it is read.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    name: String,
    at: usize,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
    findings: &'a Findings,
}

/// An entry of a list of names or tables.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Text(String),
    Table(Section<'a>),
}

impl<'a> Section<'a> {
    /// The whole document.
    pub(crate) fn root(table: &'a DeTable<'a>, findings: &'a Findings) -> Self {
        Self::new(String::new(), 0, Some(table), findings)
    }

    fn new(
        name: String,
        at: usize,
        table: Option<&'a DeTable<'a>>,
        findings: &'a Findings,
    ) -> Self {
        Self {
            name,
            at,
            table,
            asked: RefCell::default(),
            findings,
        }
    }

    /// The table `[key]` in this one. A missing table reads as empty.
    pub(crate) fn table(&self, key: &'static str) -> Section<'a> {
        let name = self.path(key);
        match self.find(key) {
            None => Section::new(name, self.at, None, self.findings),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => {
                    Section::new(name, value.span().start, Some(table), self.findings)
                }
                other => {
                    self.mistyped(key, value.span(), "a table", other);
                    Section::new(name, value.span().start, None, self.findings)
                }
            },
        }
    }

    /// The tables of an array of tables, if the key is set.
    pub(crate) fn tables(&self, key: &'static str) -> Option<Vec<Section<'a>>> {
        let value = self.find(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, value.span(), "a list of tables", value.get_ref());
            return None;
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Section::new(
                        self.path(key),
                        item.span().start,
                        Some(table),
                        self.findings,
                    ));
                }
                other => self.mistyped(key, item.span(), "a list of tables", other),
            }
        }
        Some(tables)
    }

    /// A string, taken as given.
    pub(crate) fn string(&self, key: &'static str) -> Option<String> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.mistyped(key, value.span(), "a string", other);
                None
            }
        }
    }

    /// A string that is not empty; an empty one counts as left out.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        self.string(key).filter(|text| !text.trim().is_empty())
    }

    /// A string turned into a value; what the conversion says of a bad one is reported.
    pub(crate) fn parsed<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(&text)
            .map_err(|expected| self.error(key, &format!("is {text:?}, but must be {expected}")))
            .ok()
    }

    /// A string or a whole number turned into a value; what the conversion says of a bad one is reported.
    pub(crate) fn amount<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !matches!(self.find(key)?.get_ref(), DeValue::Integer(_)) {
            return self.parsed(key, parse);
        }
        let text = self.integer(key)?.to_string();
        parse(&text)
            .map_err(|expected| self.error(key, &format!("is {text}, but must be {expected}")))
            .ok()
    }

    /// A list of strings; empty strings in it are reported.
    pub(crate) fn strings(&self, key: &'static str) -> Option<Vec<String>> {
        let mut strings = self.words(key)?;
        let all = strings.len();
        strings.retain(|text| !text.trim().is_empty());
        if strings.len() < all {
            self.error(key, "has an empty string in its list");
        }
        Some(strings)
    }

    /// A list of strings, which may be empty.
    pub(crate) fn words(&self, key: &'static str) -> Option<Vec<String>> {
        let value = self.find(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, value.span(), "a list of strings", value.get_ref());
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => strings.push(text.to_string()),
                other => self.mistyped(key, item.span(), "a list of strings", other),
            }
        }
        Some(strings)
    }

    /// The entries of a list of names, some of which are tables because they say more.
    pub(crate) fn items(&self, key: &'static str) -> Vec<Item<'a>> {
        const EXPECTED: &str = "a list of strings or tables";
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, value.span(), EXPECTED, value.get_ref());
            return Vec::new();
        };
        let item = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(text) => Some(Item::Text(text.to_string())),
            DeValue::Table(table) => {
                let (name, at) = (self.path(key), item.span().start);
                Some(Item::Table(Section::new(
                    name,
                    at,
                    Some(table),
                    self.findings,
                )))
            }
            other => {
                self.mistyped(key, item.span(), EXPECTED, other);
                None
            }
        };
        items.iter().filter_map(item).collect()
    }

    /// Whether the key is set, to whatever value.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Whether the key is set to a list.
    pub(crate) fn is_list(&self, key: &'static str) -> bool {
        let value = self.find(key).map(Spanned::get_ref);
        matches!(value, Some(DeValue::Array(_)))
    }

    /// A boolean.
    pub(crate) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.mistyped(key, value.span(), "true or false", other);
                None
            }
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, key: &'static str) -> Option<i64> {
        let value = self.find(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.mistyped(key, value.span(), "a whole number", value.get_ref());
        }
        number
    }

    /// A duration like "90s" or "1h30m", above zero.
    pub(crate) fn duration(&self, key: &'static str, default: Duration) -> Duration {
        self.parsed(key, |text| match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
            _ => Err("a duration above zero and up to 30 days, like \"90s\" or \"15m\"".to_owned()),
        })
        .unwrap_or(default)
    }

    /// The keys of this table with their strings, for tables whose keys are the operator's own.
    pub(crate) fn entries(&self) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        for (key, value) in self.table.into_iter().flat_map(|table| table.iter()) {
            match value.get_ref() {
                DeValue::String(text) => {
                    entries.push((key.get_ref().to_string(), text.to_string()))
                }
                other => self.mistyped(key.get_ref(), value.span(), "a string", other),
            }
        }
        entries
    }

    /// A required value.
    pub(crate) fn required<T>(&self, key: &'static str, value: Option<T>, what: &str) -> Option<T> {
        let state = match self.find(key).map(Spanned::get_ref) {
            None => Some("is missing"),
            Some(DeValue::String(text)) if text.trim().is_empty() => Some("is empty"),
            // Its reader has already reported the problem.
            Some(_) => None,
        };
        if let (None, Some(state)) = (&value, state) {
            self.error(key, &format!("{state}; it must be {what}"));
        }
        value
    }

    /// Reports that `key` of this table is wrong; `problem` continues the key's name.
    pub(crate) fn error(&self, key: &str, problem: &str) {
        self.findings
            .error(self.offset(key), format!("{} {problem}", self.path(key)));
    }

    /// Remarks on `key` of this table; `remark` continues the key's name.
    pub(crate) fn warn(&self, key: &str, remark: &str) {
        self.findings
            .warning(self.offset(key), format!("{} {remark}", self.path(key)));
    }

    /// Reports unknown keys: those that were not read before this call.
    pub(crate) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flat_map(|table| table.iter()) {
            let name = key.get_ref();
            if asked.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let lower = name.to_ascii_lowercase();
            let nearest = asked
                .iter()
                .map(|known| {
                    (
                        strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase()),
                        known,
                    )
                })
                .min()
                .filter(|(distance, known)| *distance <= 1 + known.len() / 4);
            let hint = nearest.map_or(String::new(), |(_, known)| {
                format!("; did you mean {known}?")
            });
            self.findings.warning(
                key.span().start,
                format!("{} {UNKNOWN_KEY}{hint}", self.path(name)),
            );
        }
    }

    /// The value of `key`, which may be written in any case.
    fn find(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let first_time = !self.asked.borrow().contains(&key);
        if first_time {
            self.asked.borrow_mut().push(key);
        }
        let mut found = self
            .table?
            .iter()
            .filter(|(name, _)| name.get_ref().eq_ignore_ascii_case(key));
        let value = found.next().map(|(_, value)| value);
        if let (true, Some((again, _))) = (first_time, found.next()) {
            self.findings.error(
                again.span().start,
                format!("{} is set twice, in different letter case", self.path(key)),
            );
        }
        value
    }

    fn offset(&self, key: &str) -> usize {
        self.table
            .into_iter()
            .flat_map(|table| table.iter())
            .find(|(name, _)| name.get_ref().eq_ignore_ascii_case(key))
            .map_or(self.at, |(name, _)| name.span().start)
    }

    fn mistyped(&self, key: &str, span: Range<usize>, expected: &str, found: &DeValue<'_>) {
        let message = format!(
            "{} must be {expected}, and is {}",
            self.path(key),
            kind(found)
        );
        self.findings.error(span.start, message);
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
