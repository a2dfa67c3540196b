//! Divides a text into tokens.

use std::collections::VecDeque;

use super::block_scalar::block_scalar;
use super::cursor::{Cursor, Mark, is_blank, is_break, is_break_or_end, is_space_or_end};
use super::plain_scalar::plain_scalar;
use super::properties::{anchor, directive, tag};
use super::quoted_scalar::quoted_scalar;
use super::simple_keys::{SimpleKey, SimpleKeys};
use super::token::{SyntaxError, Token, TokenKind};

/// The tokens of a text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    cursor: Cursor<'a>,
    tokens: VecDeque<Token>,
    /// Tokens that were taken.
    taken: usize,
    /// The column of the innermost block list or map; -1 outside of all.
    indent: isize,
    /// Those around it.
    indents: Vec<isize>,
    keys: SimpleKeys,
    /// Whether a key may begin here.
    key_allowed: bool,
    is_complete: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            keys: SimpleKeys::new(),
            key_allowed: true,
            is_complete: false,
        }
    }

    /// The next token. The last one is [`TokenKind::StreamEnd`].
    ///
    /// # Errors
    ///
    /// When no token can be made of what follows.
    pub(super) fn peek(&mut self) -> Result<&Token, SyntaxError> {
        while self.needs_more()? {
            self.fetch()?;
        }
        self.tokens
            .front()
            .ok_or_else(|| SyntaxError::new("unexpected end of stream", "", self.cursor.mark))
    }

    /// Takes the next token.
    ///
    /// # Errors
    ///
    /// As [`Scanner::peek`].
    pub(super) fn take(&mut self) -> Result<Token, SyntaxError> {
        self.peek()?;
        self.taken += 1;
        self.tokens
            .pop_front()
            .ok_or_else(|| SyntaxError::new("unexpected end of stream", "", self.cursor.mark))
    }

    /// A token that may turn out to begin a key must wait, as a token goes before it then.
    fn needs_more(&mut self) -> Result<bool, SyntaxError> {
        self.keys.end_stale(self.cursor.mark)?;
        let may_be_key = self.tokens.is_empty() || self.keys.may_begin_with(self.taken);
        Ok(may_be_key && !self.is_complete)
    }

    fn column(&self) -> isize {
        isize::try_from(self.cursor.mark.column).unwrap_or(isize::MAX)
    }

    fn fetch(&mut self) -> Result<(), SyntaxError> {
        self.skip_to_token();
        self.keys.end_stale(self.cursor.mark)?;
        self.end_blocks(self.column());
        let Some(c) = self.cursor.peek() else {
            return self.fetch_end();
        };
        if self.cursor.mark.column == 0 && c == '%' {
            return self.fetch_directive();
        }
        if self.cursor.is_at_document_mark() {
            return self.fetch_document_mark();
        }
        let before_space = is_space_or_end(self.cursor.peek_at(1));
        let in_flow = self.keys.in_flow();
        match c {
            '[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            '{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            ']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            ',' => {
                self.keys.end()?;
                self.key_allowed = true;
                self.push_sign(TokenKind::FlowEntry);
                Ok(())
            }
            '-' if before_space => self.fetch_block_entry(),
            '?' if in_flow || before_space => self.fetch_key(),
            ':' if in_flow || before_space => self.fetch_value(),
            '*' | '&' | '!' => self.fetch_property(c),
            '|' | '>' if !in_flow => self.fetch_block_scalar(c),
            '\'' | '"' => self.fetch_quoted_scalar(),
            _ if begins_plain_scalar(c, self.cursor.peek_at(1), in_flow) => {
                self.fetch_plain_scalar()
            }
            _ => Err(SyntaxError::new(
                "found character that cannot start any token",
                "while scanning for the next token",
                self.cursor.mark,
            )),
        }
    }

    /// Skips blanks, comments and line breaks. A tab is no blank where a key could begin. A byte order mark may begin
    /// any line, and counts as a column.
    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.mark.column == 0 && self.cursor.peek() == Some('\u{feff}') {
                self.cursor.skip();
            }
            let tabs = self.keys.in_flow() || !self.key_allowed;
            self.cursor
                .skip_while(|c| c == Some(' ') || tabs && c == Some('\t'));
            if self.cursor.peek() == Some('#') {
                self.cursor.skip_while(|c| !is_break_or_end(c));
            }
            if !is_break(self.cursor.peek()) {
                return;
            }
            self.cursor.skip_break();
            if !self.keys.in_flow() {
                self.key_allowed = true;
            }
        }
    }

    fn push(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token { kind, start });
    }

    /// Adds the token of one character.
    fn push_sign(&mut self, kind: TokenKind) {
        self.push(kind, self.cursor.mark);
        self.cursor.skip();
    }

    /// What follows may be a key.
    fn begin_key(&mut self) -> Result<(), SyntaxError> {
        if !self.key_allowed {
            return Ok(());
        }
        self.keys.begin(SimpleKey {
            required: !self.keys.in_flow() && self.indent == self.column(),
            token: self.next_token(),
            start: self.cursor.mark,
        })
    }

    /// Begins a block list or map, if `column` is deeper than what is around. Its token goes before that of number
    /// `token`.
    fn begin_block(&mut self, column: isize, token: usize, kind: TokenKind, start: Mark) {
        if self.keys.in_flow() || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        let place = token.saturating_sub(self.taken).min(self.tokens.len());
        self.tokens.insert(place, Token { kind, start });
    }

    /// The number of the token that comes next.
    fn next_token(&self) -> usize {
        self.taken + self.tokens.len()
    }

    /// Ends the block lists and maps that are deeper than `column`.
    fn end_blocks(&mut self, column: isize) {
        if self.keys.in_flow() {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.cursor.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_end(&mut self) -> Result<(), SyntaxError> {
        self.cursor.end_line();
        self.end_blocks(-1);
        self.keys.end()?;
        self.key_allowed = false;
        self.is_complete = true;
        self.push(TokenKind::StreamEnd, self.cursor.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), SyntaxError> {
        self.end_blocks(-1);
        self.keys.end()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let kind = directive(&mut self.cursor)?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_document_mark(&mut self) -> Result<(), SyntaxError> {
        self.end_blocks(-1);
        self.keys.end()?;
        self.key_allowed = false;
        let kind = match self.cursor.peek() {
            Some('-') => TokenKind::DocumentStart,
            _ => TokenKind::DocumentEnd,
        };
        self.push_sign(kind);
        self.cursor.skip();
        self.cursor.skip();
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), SyntaxError> {
        self.begin_key()?;
        self.keys.open_bracket();
        self.key_allowed = true;
        self.push_sign(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), SyntaxError> {
        self.keys.end()?;
        self.keys.close_bracket();
        self.key_allowed = false;
        self.push_sign(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), SyntaxError> {
        self.begin_here(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.keys.end()?;
        self.key_allowed = true;
        self.push_sign(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), SyntaxError> {
        self.begin_here(
            TokenKind::BlockMappingStart,
            "mapping keys are not allowed in this context",
        )?;
        self.keys.end()?;
        self.key_allowed = !self.keys.in_flow();
        self.push_sign(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), SyntaxError> {
        match self.keys.take() {
            Some(key) => {
                let place = key.token.saturating_sub(self.taken).min(self.tokens.len());
                let token = Token {
                    kind: TokenKind::Key,
                    start: key.start,
                };
                self.tokens.insert(place, token);
                let column = isize::try_from(key.start.column).unwrap_or(isize::MAX);
                let kind = TokenKind::BlockMappingStart;
                self.begin_block(column, key.token, kind, key.start);
                self.key_allowed = false;
            }
            None => {
                self.begin_here(
                    TokenKind::BlockMappingStart,
                    "mapping values are not allowed in this context",
                )?;
                self.key_allowed = !self.keys.in_flow();
            }
        }
        self.push_sign(TokenKind::Value);
        Ok(())
    }

    /// Outside of brackets, an indicator begins a block, where a key could begin.
    fn begin_here(&mut self, kind: TokenKind, problem: &str) -> Result<(), SyntaxError> {
        if self.keys.in_flow() {
            return Ok(());
        }
        if !self.key_allowed {
            return Err(SyntaxError::new(problem, "", self.cursor.mark));
        }
        self.begin_block(self.column(), self.next_token(), kind, self.cursor.mark);
        Ok(())
    }

    /// An alias, an anchor or a tag.
    fn fetch_property(&mut self, indicator: char) -> Result<(), SyntaxError> {
        self.begin_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let in_flow = self.keys.in_flow();
        let kind = match indicator {
            '!' => tag(&mut self.cursor, in_flow)?,
            '&' => TokenKind::Anchor(anchor(&mut self.cursor, "while scanning an anchor")?),
            _ => TokenKind::Alias(anchor(&mut self.cursor, "while scanning an alias")?),
        };
        self.push(kind, start);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, indicator: char) -> Result<(), SyntaxError> {
        self.keys.end()?;
        self.key_allowed = true;
        let start = self.cursor.mark;
        let text = block_scalar(&mut self.cursor, indicator == '|', self.indent)?;
        self.push(TokenKind::Scalar { text, plain: false }, start);
        Ok(())
    }

    fn fetch_quoted_scalar(&mut self) -> Result<(), SyntaxError> {
        self.begin_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let text = quoted_scalar(&mut self.cursor)?;
        self.push(TokenKind::Scalar { text, plain: false }, start);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Result<(), SyntaxError> {
        self.begin_key()?;
        let start = self.cursor.mark;
        let in_flow = self.keys.in_flow();
        let (text, ends_line) = plain_scalar(&mut self.cursor, in_flow, self.indent)?;
        // After a line break, a key can begin.
        self.key_allowed = ends_line;
        self.push(TokenKind::Scalar { text, plain: true }, start);
        Ok(())
    }
}

fn begins_plain_scalar(c: char, next: Option<char>, in_flow: bool) -> bool {
    match c {
        '-' => !is_blank(next),
        '?' | ':' => !in_flow && !is_space_or_end(next),
        _ => !is_space_or_end(Some(c)) && !",[]{}#&*!|>'\"%@`".contains(c),
    }
}
