//! The tokens of a text.

use super::cursor::Mark;

/// Why a text is no YAML, and where: the beginning of brackets or quotes that are not closed, as GitLab tells it, and
/// otherwise what cannot be there. (GitLab names the first line of a whole map for a fault in its last one.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::yaml) struct SyntaxError {
    pub(in crate::yaml) fault: String,
    pub(in crate::yaml) at: Mark,
}

impl SyntaxError {
    /// As Psych joins libyaml's words: the problem, and what was read when it was found.
    pub(super) fn new(problem: &str, context: &str, at: Mark) -> Self {
        let fault = match context {
            "" => problem.to_owned(),
            _ => format!("{problem} {context}"),
        };
        Self { fault, at }
    }
}

/// A token, and where it is.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: Mark,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    StreamEnd,
    /// `%YAML`, with major and minor.
    VersionDirective(u32, u32),
    TagDirective {
        handle: String,
        prefix: String,
    },
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
    /// Has no characters of its own: the first item of a list is deeper than what is around it.
    BlockSequenceStart,
    /// As that of a list, before the first key of a map.
    BlockMappingStart,
    /// Has no characters of its own: a line is less deep.
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    /// `?`, or without characters before a key that `:` follows.
    Key,
    /// `:`
    Value,
    Alias(String),
    Anchor(String),
    Tag {
        handle: String,
        suffix: String,
    },
    Scalar {
        text: String,
        /// Without quotes, and no block.
        plain: bool,
    },
}
