//! An `if`: variables, texts and patterns, compared (`Gitlab::Ci::Pipeline::Expression`).

use regex::Regex;

use super::token::{Token, pattern, tokens};
use crate::re2::compiled;
use crate::variables::Variables;

/// An expression that GitLab's grammar takes.
#[derive(Debug)]
pub(in crate::file) enum Expression {
    Variable(String),
    Text(String),
    Pattern(Regex),
    Null,
    Boolean(bool),
    Comparison(Box<Expression>, Comparison, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy)]
pub(in crate::file) enum Comparison {
    Equals,
    NotEquals,
    Matches,
    NotMatches,
}

/// The value of an expression under certain variables.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Null,
    Text(String),
    Boolean(bool),
}

impl Expression {
    /// Reads the text of an `if`.
    ///
    /// # Errors
    ///
    /// With the reason why GitLab takes it for invalid.
    pub(in crate::file) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens };
        let expression = parser.alternatives()?;
        match parser.tokens {
            [] => Ok(expression),
            _ => Err("a word follows its end".to_owned()),
        }
    }

    /// Whether it holds.
    pub(in crate::file) fn holds(&self, variables: &Variables) -> bool {
        match self.outcome(variables) {
            Outcome::Null => false,
            // Rails' `present?`.
            Outcome::Text(text) => !text.trim().is_empty(),
            Outcome::Boolean(value) => value,
        }
    }

    /// Whether `text` fits a pattern that is written with its slashes. One that is invalid fits nothing.
    pub(super) fn pattern_matches(written: &str, text: &str) -> bool {
        fits(written, text).unwrap_or(false)
    }

    fn outcome(&self, variables: &Variables) -> Outcome {
        match self {
            Self::Variable(name) => match variables.get(name) {
                Some(variable) if variable.raw => Outcome::Text(variable.value.clone()),
                Some(variable) => Outcome::Text(variables.expand(&variable.value)),
                None => Outcome::Null,
            },
            Self::Text(text) => Outcome::Text(text.clone()),
            Self::Pattern(pattern) => Outcome::Text(format!("/{}/", pattern.as_str())),
            Self::Null => Outcome::Null,
            Self::Boolean(value) => Outcome::Boolean(*value),
            Self::Comparison(left, comparison, right) => {
                Outcome::Boolean(compare(left, *comparison, right, variables))
            }
            // The value that decides, as Ruby's operators have it.
            Self::And(left, right) => match left.holds(variables) {
                true => right.outcome(variables),
                false => left.outcome(variables),
            },
            Self::Or(left, right) => match left.holds(variables) {
                true => left.outcome(variables),
                false => right.outcome(variables),
            },
        }
    }
}

fn compare(
    left: &Expression,
    comparison: Comparison,
    right: &Expression,
    variables: &Variables,
) -> bool {
    match comparison {
        Comparison::Equals => left.outcome(variables) == right.outcome(variables),
        Comparison::NotEquals => left.outcome(variables) != right.outcome(variables),
        Comparison::Matches => matches(left, right, variables).unwrap_or(false),
        // Without a pattern a text does not match; a variable's pattern that is none is an error, which does not hold.
        Comparison::NotMatches => matches!(matches(left, right, variables), Some(false)),
    }
}

/// Whether `left` matches; none for a variable whose value is no valid pattern.
fn matches(left: &Expression, right: &Expression, variables: &Variables) -> Option<bool> {
    let text = match left.outcome(variables) {
        Outcome::Text(text) => text,
        Outcome::Null | Outcome::Boolean(_) => String::new(),
    };
    if let Expression::Pattern(pattern) = right {
        return Some(pattern.is_match(&text));
    }
    match right.outcome(variables) {
        Outcome::Null | Outcome::Boolean(_) => Some(false),
        Outcome::Text(written) => fits(&written, &text),
    }
}

/// Whether `text` fits a pattern that is written with its slashes; none when it is invalid.
fn fits(written: &str, text: &str) -> Option<bool> {
    let (inner, flags, after) = pattern(written)?;
    let compiled = compiled(inner, flags).ok()?;
    // Before `@`, a policy's pattern is for branches and tags.
    (after.is_empty() || after.starts_with('@')).then(|| compiled.is_match(text))
}

/// `||` binds less than `&&`, and that less than a comparison.
struct Parser<'a> {
    tokens: &'a [Token<'a>],
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Expression, String> {
        let mut left = self.conjunction()?;
        while self.takes(Token::Or) {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.takes(Token::And) {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let mut left = self.value()?;
        while let Some(comparison) = self.operator() {
            left = Expression::Comparison(Box::new(left), comparison, Box::new(self.value()?));
        }
        Ok(left)
    }

    fn operator(&mut self) -> Option<Comparison> {
        let (first, rest) = self.tokens.split_first()?;
        let comparison = match first {
            Token::Equals => Comparison::Equals,
            Token::NotEquals => Comparison::NotEquals,
            Token::Matches => Comparison::Matches,
            Token::NotMatches => Comparison::NotMatches,
            _ => return None,
        };
        self.tokens = rest;
        Some(comparison)
    }

    fn value(&mut self) -> Result<Expression, String> {
        let (first, rest) = self.tokens.split_first().ok_or("it ends too early")?;
        self.tokens = rest;
        Ok(match *first {
            Token::Variable(name) => Expression::Variable(name.to_owned()),
            Token::Text(text) => Expression::Text(text.to_owned()),
            Token::Pattern { pattern, flags } => Expression::Pattern(compiled(pattern, flags)?),
            Token::Null => Expression::Null,
            Token::Boolean(value) => Expression::Boolean(value),
            Token::Open => {
                let inner = self.alternatives()?;
                match self.takes(Token::Close) {
                    true => inner,
                    false => return Err("a parenthesis is not closed".to_owned()),
                }
            }
            _ => return Err("an operator has no value beside it".to_owned()),
        })
    }

    fn takes(&mut self, token: Token<'_>) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if *first == token => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}

/// Whether the text of an `if` holds.
#[cfg(test)]
pub(in crate::file) fn holds(text: &str, variables: &Variables) -> Result<bool, String> {
    Expression::parse(text).map(|expression| expression.holds(variables))
}
