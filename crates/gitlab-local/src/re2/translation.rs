//! From RE2's syntax to that of Rust's crate `regex`, which has RE2's semantics and another idea of some characters.
//!
//! RE2's Perl classes are ASCII, its brackets know no sets within sets, and a brace that repeats nothing is a text.
//! `tests/re2.json` holds what RE2 makes of each kind of pattern.

use std::fmt::Write as _;

/// Perl's classes: the letter, and what it stands for within brackets.
const CLASSES: &[(char, &str)] = &[
    ('d', "0-9"),
    ('D', "^0-9"),
    ('s', r"\t\n\f\r "),
    ('S', r"^\t\n\f\r "),
    ('w', "0-9A-Za-z_"),
    ('W', "^0-9A-Za-z_"),
];

/// Characters after a backslash that RE2 and Rust read in the same way, beside those that are themselves.
const SHARED_ESCAPES: &str = "AafnrtvzxpP";

/// Names of classes within brackets: `[:alpha:]`.
const POSIX_CLASSES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// RE2's `kMaxRepeat`.
const MAX_REPETITIONS: u32 = 1000;

/// `pattern` in Rust's syntax; none where RE2 refuses what Rust would take. Other faults are left for Rust to find.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let mut translation = Translation {
        rest: pattern,
        done: String::with_capacity(pattern.len()),
    };
    let mut repeated = false;
    while let Some(c) = translation.next() {
        let repeats = translation.item(c)?;
        // RE2 takes no repetition of a repetition.
        if repeats && repeated {
            return None;
        }
        repeated = repeats;
    }
    Some(translation.done)
}

struct Translation<'a> {
    rest: &'a str,
    done: String,
}

impl Translation<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Takes `text` from the front, if it is there.
    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Translates what begins with `c`. Returns whether it repeats what is before it.
    fn item(&mut self, c: char) -> Option<bool> {
        match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.group()?,
            '{' => match self.repetition() {
                Some(length) => {
                    self.done.push('{');
                    let (counts, rest) = self.rest.split_at_checked(length)?;
                    let numbers = counts.split([',', '}']).filter(|number| !number.is_empty());
                    let is_allowed =
                        |number: &str| number.parse().is_ok_and(|n: u32| n <= MAX_REPETITIONS);
                    if !numbers.into_iter().all(is_allowed) {
                        return None;
                    }
                    self.done.push_str(counts);
                    self.rest = rest;
                    self.lazy();
                    return Some(true);
                }
                None => self.done.push_str(r"\{"),
            },
            '*' | '+' | '?' => {
                self.done.push(c);
                self.lazy();
                return Some(true);
            }
            c => self.done.push(c),
        }
        Some(false)
    }

    fn lazy(&mut self) {
        if self.takes("?") {
            self.done.push('?');
        }
    }

    /// The length of `2}`, `2,}` or `2,3}` after a brace, if that is what follows.
    fn repetition(&self) -> Option<usize> {
        let (counts, _) = self.rest.split_once('}')?;
        let (first, last) = counts.split_once(',').unwrap_or((counts, ""));
        let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        (!first.is_empty() && is_number(first) && is_number(last)).then_some(counts.len() + 1)
    }

    /// After a backslash.
    fn escape(&mut self) -> Option<()> {
        let c = self.next()?;
        if let Some((_, class)) = CLASSES.iter().find(|(letter, _)| *letter == c) {
            write!(self.done, "[{class}]").ok()?;
            return Some(());
        }
        match c {
            'b' | 'B' => write!(self.done, r"(?-u:\{c})").ok()?,
            // RE2's is one byte. Nothing here cuts a character.
            'C' => self.done.push_str("(?s:.)"),
            'Q' => {
                let (text, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                text.chars().for_each(|c| self.literal(c));
            }
            c => self.shared_escape(c)?,
        }
        Some(())
    }

    /// An escape that means the same within brackets.
    fn shared_escape(&mut self, c: char) -> Option<()> {
        let is_octal = |c: char| ('0'..='7').contains(&c);
        match c {
            '0'..='7' => {
                let digits: String = [c].into_iter().chain(self.rest.chars()).take(3).collect();
                let end = digits.find(|c| !is_octal(c)).unwrap_or(digits.len());
                let digits = digits.get(..end)?;
                // One digit is a reference to a group, which RE2 does not have.
                if digits.len() == 1 && c != '0' {
                    return None;
                }
                self.rest = self.rest.get(digits.len() - 1..)?;
                write!(
                    self.done,
                    r"\x{{{:x}}}",
                    u32::from_str_radix(digits, 8).ok()?
                )
                .ok()?;
            }
            c if SHARED_ESCAPES.contains(c) => {
                self.done.push('\\');
                self.done.push(c);
                // `{` of `\x{41}` and `\p{L}` repeats nothing.
                if matches!(c, 'x' | 'p' | 'P') && self.takes("{") {
                    let (inner, rest) = self.rest.split_once('}')?;
                    self.rest = rest;
                    self.named(c, inner)?;
                }
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => self.literal(c),
            _ => return None,
        }
        Some(())
    }

    /// What braces after `\x`, `\p` or `\P` hold. A `^` in them negates a class, which Rust says by the letter alone.
    fn named(&mut self, c: char, inner: &str) -> Option<()> {
        match inner.strip_prefix('^') {
            Some(class) if c != 'x' => {
                self.done.pop()?;
                let letter = if c == 'p' { 'P' } else { 'p' };
                write!(self.done, "{letter}{{{class}}}").ok()
            }
            _ => write!(self.done, "{{{inner}}}").ok(),
        }
    }

    /// A character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
            self.done.push('\\');
        }
        self.done.push(c);
    }

    /// After a parenthesis. Names of groups change nothing of what matches; flags that RE2 does not have are refused.
    fn group(&mut self) -> Option<()> {
        self.done.push('(');
        if self.takes("?P<") || self.takes("?<") {
            let (name, rest) = self.rest.split_once('>')?;
            self.rest = rest;
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            return (!name.is_empty() && name.chars().all(is_name)).then_some(());
        }
        if !self.takes("?") {
            return Some(());
        }
        let end = self.rest.find([':', ')'])?;
        let (flags, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        // RE2 takes `(?)`, which changes nothing.
        let flags = if flags.is_empty() && rest.starts_with(')') {
            ":"
        } else {
            flags
        };
        write!(self.done, "?{flags}").ok()?;
        flags.chars().all(|c| "imsU-:".contains(c)).then_some(())
    }

    /// After an opening bracket.
    fn class(&mut self) -> Option<()> {
        self.done.push('[');
        if self.takes("^") {
            self.done.push('^');
        }
        let mut first = true;
        loop {
            match self.next()? {
                ']' if !first => break,
                '[' if self.rest.starts_with(':') && self.rest.contains(":]") => {
                    let (name, rest) = self.rest.split_once(":]")?;
                    let known = name.trim_start_matches(':').trim_start_matches('^');
                    if !POSIX_CLASSES.contains(&known) {
                        return None;
                    }
                    write!(self.done, "[{name}:]").ok()?;
                    self.rest = rest;
                }
                '\\' => self.class_escape()?,
                c => self.literal(c),
            }
            first = false;
            // A hyphen before the closing bracket is a text.
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.range()?;
            }
        }
        self.done.push(']');
        Some(())
    }

    /// A backslash within brackets.
    fn class_escape(&mut self) -> Option<()> {
        let c = self.next()?;
        match CLASSES.iter().find(|(letter, _)| *letter == c) {
            Some((_, class)) => write!(self.done, "[{class}]").ok(),
            None if matches!(c, 'A' | 'z') => None,
            None => self.shared_escape(c),
        }
    }

    /// The hyphen of a range, and its end; a hyphen after a class is a text.
    fn range(&mut self) -> Option<()> {
        self.next()?;
        if self.done.ends_with(']') && !self.done.ends_with(r"\]") {
            self.done.push_str(r"\-");
            return Some(());
        }
        self.done.push('-');
        match self.next()? {
            '\\' => {
                let c = self.next()?;
                self.shared_escape(c)
            }
            c => {
                self.literal(c);
                Some(())
            }
        }
    }
}
