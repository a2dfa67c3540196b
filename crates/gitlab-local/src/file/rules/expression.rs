//! An `if`: variables, texts and patterns, compared (`Gitlab::Ci::Pipeline::Expression`).

use regex::Regex;

use super::token::{FLAGS, Token, tokens};
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
#[derive(Debug, Clone)]
enum Outcome {
    Null,
    Text(String),
    Pattern(Regex),
    Boolean(bool),
}

impl Outcome {
    /// Whether Ruby's operators take it for true: an empty text, too.
    fn is_truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Boolean(false))
    }

    /// Rails' `present?`.
    fn is_present(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.trim().is_empty(),
            Self::Pattern(_) => true,
            Self::Boolean(value) => *value,
        }
    }
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Pattern(left), Self::Pattern(right)) => left.as_str() == right.as_str(),
            (Self::Boolean(left), Self::Boolean(right)) => left == right,
            _ => false,
        }
    }
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
        self.outcome(variables).is_present()
    }

    fn outcome(&self, variables: &Variables) -> Outcome {
        match self {
            Self::Variable(name) => match variables.resolved(name) {
                Some(value) => Outcome::Text(value),
                None => Outcome::Null,
            },
            Self::Text(text) => Outcome::Text(text.clone()),
            Self::Pattern(pattern) => Outcome::Pattern(pattern.clone()),
            Self::Null => Outcome::Null,
            Self::Boolean(value) => Outcome::Boolean(*value),
            Self::Comparison(left, comparison, right) => {
                let (left, right) = (left.outcome(variables), right.outcome(variables));
                Outcome::Boolean(comparison.holds(&left, &right))
            }
            // The value that decides, as Ruby's operators have it.
            Self::And(left, right) => match left.outcome(variables) {
                left if left.is_truthy() => right.outcome(variables),
                left => left,
            },
            Self::Or(left, right) => match left.outcome(variables) {
                left if left.is_truthy() => left,
                _ => right.outcome(variables),
            },
        }
    }
}

impl Comparison {
    fn holds(self, left: &Outcome, right: &Outcome) -> bool {
        match self {
            Self::Equals => left == right,
            Self::NotEquals => left != right,
            Self::Matches => finds(left, right),
            Self::NotMatches => !finds(left, right),
        }
    }
}

/// Whether `left` is found by `right`: a pattern, or a text that is one. Any other text is searched for `left` instead,
/// because GitLab calls the same method, `scan`, of either (`Lexeme::Matches`).
fn finds(left: &Outcome, right: &Outcome) -> bool {
    let text = match left {
        Outcome::Text(text) => text.clone(),
        Outcome::Pattern(pattern) => pattern.to_string(),
        Outcome::Boolean(value) => value.to_string(),
        Outcome::Null => String::new(),
    };
    match right {
        Outcome::Null | Outcome::Boolean(_) => false,
        Outcome::Pattern(pattern) => pattern.is_match(&text),
        Outcome::Text(written) => match pattern_of(written) {
            Some(pattern) => pattern.is_match(&text),
            None => written.contains(&text),
        },
    }
}

/// The pattern that `written` is, if it is one (`Lexeme::Pattern.build`).
fn pattern_of(written: &str) -> Option<Regex> {
    written_pattern(&written.replace(r"\/", "/"))?.ok()
}

/// The pattern that `written` is, with its slashes and flags; none where it does not look like one. The last slash of
/// a line ends it (`Gitlab::UntrustedRegexp::RubySyntax`).
///
/// # Errors
///
/// With the fault, when the pattern is wrong.
pub(super) fn written_pattern(written: &str) -> Option<Result<Regex, String>> {
    let (pattern, flags) = written.split('\n').find_map(|line| {
        let (pattern, flags) = line.strip_prefix('/')?.rsplit_once('/')?;
        let has_flags = flags.chars().all(|flag| FLAGS.contains(&flag));
        has_flags.then_some((pattern, flags))
    })?;
    Some(compiled(pattern, flags))
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
            Token::Pattern(written) => {
                let pattern = written_pattern(&written.replace(r"\/", "/"));
                Expression::Pattern(pattern.ok_or("a pattern is not in one line")??)
            }
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
pub(in crate::file) fn holds(text: &str, variables: &Variables) -> Result<bool, String> {
    Expression::parse(text).map(|expression| expression.holds(variables))
}
