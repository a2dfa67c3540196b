//! The syntax of YAML as libyaml reads it, on which Ruby's Psych stands: YAML 1.1 with libyaml's own bounds, and with
//! its words for each fault, as GitLab shows them.
//!
//! A parser of YAML 1.2 takes other files: it differs in tabs, comments, anchors, brackets, line breaks and byte order
//! marks. `tests/psych/random.rb` compares this one with Psych.

mod block_scalar;
mod cursor;
mod event;
mod grammar;
mod handles;
mod plain_scalar;
mod properties;
mod quoted_scalar;
mod scanner;
mod simple_keys;
mod token;

pub(super) use self::cursor::Mark;
pub(super) use self::event::{Event, Properties};
pub(super) use self::grammar::parse;
