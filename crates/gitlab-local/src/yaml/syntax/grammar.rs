//! Makes events of tokens: the first document of a text.

use super::cursor::{Mark, control_character};
use super::event::{Event, Properties};
use super::handles::Handles;
use super::scanner::Scanner;
use super::token::{SyntaxError, Token, TokenKind};
use crate::yaml::limits::{MAX_DEPTH, TOO_BIG};

/// Gives the events of the first document of `text` to `sink`, each with its place. What follows the document is not
/// read, but for its first token.
///
/// # Errors
///
/// When the text is no YAML, or deeper than GitLab takes.
pub(in crate::yaml) fn parse(
    text: &str,
    sink: &mut dyn FnMut(Event, Mark),
) -> Result<(), SyntaxError> {
    if let Some(at) = control_character(text) {
        return Err(SyntaxError::new(
            "control characters are not allowed",
            "",
            at,
        ));
    }
    let mut grammar = Grammar {
        scanner: Scanner::new(text),
        handles: Handles::default(),
        depth: 0,
        opened: Mark::default(),
        sink,
    };
    grammar.document()
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Within brackets.
    Flow,
    /// An item of a block list, or a document.
    Block,
    /// A key or a value of a block map: a list in it may be as deep as its key.
    BlockMap,
}

struct Grammar<'a> {
    scanner: Scanner<'a>,
    handles: Handles,
    /// Lists and maps that are open.
    depth: usize,
    /// Where the innermost of them begins.
    opened: Mark,
    sink: &'a mut dyn FnMut(Event, Mark),
}

impl Grammar<'_> {
    fn document(&mut self) -> Result<(), SyntaxError> {
        let first = &self.scanner.peek()?.kind;
        let is_explicit = matches!(
            first,
            TokenKind::VersionDirective(..)
                | TokenKind::TagDirective { .. }
                | TokenKind::DocumentStart
        );
        if *first == TokenKind::StreamEnd {
            return Ok(());
        }
        self.directives()?;
        if is_explicit && !self.takes(&TokenKind::DocumentStart)? {
            let at = self.scanner.peek()?.start;
            let problem = "did not find expected <document start>";
            return Err(SyntaxError::new(problem, "", at));
        }
        let next = self.scanner.peek()?;
        let is_empty = matches!(
            next.kind,
            TokenKind::VersionDirective(..)
                | TokenKind::TagDirective { .. }
                | TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::StreamEnd
        );
        match is_explicit && is_empty {
            true => self.empty()?,
            false => self.node(Place::Block)?,
        }
        // The token after the document must be one.
        self.scanner.peek().map(|_| ())
    }

    fn directives(&mut self) -> Result<(), SyntaxError> {
        let mut has_version = false;
        loop {
            let Token { kind, start } = self.scanner.peek()?;
            let start = *start;
            let problem = match kind {
                TokenKind::VersionDirective(..) if has_version => "found duplicate %YAML directive",
                TokenKind::VersionDirective(1, 1 | 2) => {
                    has_version = true;
                    ""
                }
                TokenKind::VersionDirective(..) => "found incompatible YAML document",
                TokenKind::TagDirective { handle, prefix } => {
                    match self.handles.declare(handle, prefix) {
                        true => "",
                        false => "found duplicate %TAG directive",
                    }
                }
                _ => return Ok(()),
            };
            if !problem.is_empty() {
                return Err(SyntaxError::new(problem, "", start));
            }
            self.scanner.take()?;
        }
    }

    /// Takes the next token if it is `kind`.
    fn takes(&mut self, kind: &TokenKind) -> Result<bool, SyntaxError> {
        let is_next = self.scanner.peek()?.kind == *kind;
        if is_next {
            self.scanner.take()?;
        }
        Ok(is_next)
    }

    /// A scalar that is not written, before the next token.
    fn empty(&mut self) -> Result<(), SyntaxError> {
        let at = self.scanner.peek()?.start;
        self.empty_with(Properties::default(), at);
        Ok(())
    }

    fn empty_with(&mut self, properties: Properties, at: Mark) {
        let event = Event::Scalar {
            text: String::new(),
            plain: true,
            properties,
        };
        (self.sink)(event, at);
    }

    /// A list or a map that `start` begins, and what is in it.
    fn collection(
        &mut self,
        start: Event,
        at: Mark,
        items: impl FnOnce(&mut Self) -> Result<(), SyntaxError>,
    ) -> Result<(), SyntaxError> {
        if self.depth >= MAX_DEPTH {
            return Err(SyntaxError::new(TOO_BIG, "", at));
        }
        self.depth += 1;
        let around = std::mem::replace(&mut self.opened, at);
        (self.sink)(start, at);
        items(self)?;
        (self.sink)(Event::End, at);
        self.opened = around;
        self.depth -= 1;
        Ok(())
    }

    fn node(&mut self, place: Place) -> Result<(), SyntaxError> {
        let start = self.scanner.peek()?.start;
        if let TokenKind::Alias(name) = &self.scanner.peek()?.kind {
            let event = Event::Alias(name.clone());
            self.scanner.take()?;
            (self.sink)(event, start);
            return Ok(());
        }
        let properties = self.properties()?;
        let in_block = place != Place::Flow;
        let next = self.scanner.peek()?;
        match next.kind {
            TokenKind::BlockEntry if place == Place::BlockMap => {
                self.collection(Event::ListStart(properties), start, Self::shallow_list)
            }
            TokenKind::Scalar { .. } => self.scalar(properties, start),
            TokenKind::FlowSequenceStart => {
                self.collection(Event::ListStart(properties), start, Self::flow_list)
            }
            TokenKind::FlowMappingStart => {
                self.collection(Event::MapStart(properties), start, Self::flow_map)
            }
            TokenKind::BlockSequenceStart if in_block => {
                self.collection(Event::ListStart(properties), start, Self::block_list)
            }
            TokenKind::BlockMappingStart if in_block => {
                self.collection(Event::MapStart(properties), start, Self::block_map)
            }
            _ if properties != Properties::default() => {
                self.empty_with(properties, start);
                Ok(())
            }
            _ => {
                let context = match in_block {
                    true => "while parsing a block node",
                    false => "while parsing a flow node",
                };
                let at = match next.kind {
                    TokenKind::StreamEnd if !in_block => self.opened,
                    _ => next.start,
                };
                let problem = "did not find expected node content";
                Err(SyntaxError::new(problem, context, at))
            }
        }
    }

    /// An anchor and a tag, in any order.
    fn properties(&mut self) -> Result<Properties, SyntaxError> {
        let mut properties = Properties::default();
        loop {
            let Token { kind, start } = self.scanner.peek()?;
            match kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name.clone());
                }
                TokenKind::Tag { handle, suffix } if properties.tag.is_none() => {
                    let namespace = self.handles.namespace(handle).ok_or_else(|| {
                        let problem = "found undefined tag handle";
                        SyntaxError::new(problem, "while parsing a node", *start)
                    })?;
                    properties.tag = Some(format!("{namespace}{suffix}"));
                }
                _ => return Ok(properties),
            }
            self.scanner.take()?;
        }
    }

    fn scalar(&mut self, properties: Properties, at: Mark) -> Result<(), SyntaxError> {
        let token = self.scanner.take()?;
        if let TokenKind::Scalar { text, plain } = token.kind {
            let event = Event::Scalar {
                text,
                plain,
                properties,
            };
            (self.sink)(event, at);
        }
        Ok(())
    }

    /// A node, or an empty one where a token of `ends` is next.
    fn node_or_empty(&mut self, place: Place, ends: &[TokenKind]) -> Result<(), SyntaxError> {
        match ends.contains(&self.scanner.peek()?.kind) {
            true => self.empty(),
            false => self.node(place),
        }
    }

    fn block_list(&mut self) -> Result<(), SyntaxError> {
        self.scanner.take()?;
        while self.takes(&TokenKind::BlockEntry)? {
            self.node_or_empty(Place::Block, &[TokenKind::BlockEntry, TokenKind::BlockEnd])?;
        }
        self.block_end(
            "did not find expected '-' indicator",
            "while parsing a block collection",
        )
    }

    /// A list whose items are as deep as the key that it belongs to.
    fn shallow_list(&mut self) -> Result<(), SyntaxError> {
        let ends = [
            TokenKind::BlockEntry,
            TokenKind::Key,
            TokenKind::Value,
            TokenKind::BlockEnd,
        ];
        while self.takes(&TokenKind::BlockEntry)? {
            self.node_or_empty(Place::Block, &ends)?;
        }
        Ok(())
    }

    fn block_map(&mut self) -> Result<(), SyntaxError> {
        self.scanner.take()?;
        let ends = [TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        while self.takes(&TokenKind::Key)? {
            self.node_or_empty(Place::BlockMap, &ends)?;
            match self.takes(&TokenKind::Value)? {
                true => self.node_or_empty(Place::BlockMap, &ends)?,
                false => self.empty()?,
            }
        }
        self.block_end("did not find expected key", "while parsing a block mapping")
    }

    fn block_end(&mut self, problem: &str, context: &str) -> Result<(), SyntaxError> {
        if self.scanner.peek()?.kind != TokenKind::BlockEnd {
            let at = self.scanner.peek()?.start;
            return Err(SyntaxError::new(problem, context, at));
        }
        self.scanner.take()?;
        Ok(())
    }

    /// Whether another item follows in brackets that `close` ends.
    fn follows(&mut self, is_first: bool, close: &TokenKind) -> Result<bool, SyntaxError> {
        if self.scanner.peek()?.kind == *close {
            return Ok(false);
        }
        if !is_first && !self.takes(&TokenKind::FlowEntry)? {
            let (problem, context) = match close {
                TokenKind::FlowMappingEnd => (
                    "did not find expected ',' or '}'",
                    "while parsing a flow mapping",
                ),
                _ => (
                    "did not find expected ',' or ']'",
                    "while parsing a flow sequence",
                ),
            };
            return Err(SyntaxError::new(problem, context, self.opened));
        }
        Ok(self.scanner.peek()?.kind != *close)
    }

    fn flow_list(&mut self) -> Result<(), SyntaxError> {
        self.scanner.take()?;
        let mut is_first = true;
        while self.follows(is_first, &TokenKind::FlowSequenceEnd)? {
            is_first = false;
            match self.takes(&TokenKind::Key)? {
                true => {
                    let start = self.scanner.peek()?.start;
                    let map = Event::MapStart(Properties::default());
                    self.collection(map, start, Self::pair)?;
                }
                false => self.node(Place::Flow)?,
            }
        }
        self.scanner.take()?;
        Ok(())
    }

    /// `[key: value]`: a map of one entry.
    fn pair(&mut self) -> Result<(), SyntaxError> {
        let ends = [
            TokenKind::Value,
            TokenKind::FlowEntry,
            TokenKind::FlowSequenceEnd,
        ];
        if ends.contains(&self.scanner.peek()?.kind) {
            // libyaml takes this token, too.
            self.scanner.take()?;
            self.empty()?;
        } else {
            self.node(Place::Flow)?;
        }
        self.flow_value(TokenKind::FlowSequenceEnd)
    }

    fn flow_map(&mut self) -> Result<(), SyntaxError> {
        self.scanner.take()?;
        let mut is_first = true;
        while self.follows(is_first, &TokenKind::FlowMappingEnd)? {
            is_first = false;
            if self.takes(&TokenKind::Key)? {
                let ends = [
                    TokenKind::Value,
                    TokenKind::FlowEntry,
                    TokenKind::FlowMappingEnd,
                ];
                self.node_or_empty(Place::Flow, &ends)?;
                self.flow_value(TokenKind::FlowMappingEnd)?;
            } else {
                self.node(Place::Flow)?;
                self.empty()?;
            }
        }
        self.scanner.take()?;
        Ok(())
    }

    /// What follows a key in brackets that `close` ends.
    fn flow_value(&mut self, close: TokenKind) -> Result<(), SyntaxError> {
        match self.takes(&TokenKind::Value)? {
            true => self.node_or_empty(Place::Flow, &[TokenKind::FlowEntry, close]),
            false => self.empty(),
        }
    }
}
