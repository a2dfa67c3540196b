//! What may turn out to be a key, once `:` follows on its line.

use super::cursor::Mark;
use super::token::SyntaxError;

/// Characters of a key that is written without `?`.
const MAX_KEY: usize = 1024;

/// The first token of what may be a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimpleKey {
    /// It begins a line of a block map, where nothing but a key may be.
    pub(super) required: bool,
    /// Its number.
    pub(super) token: usize,
    pub(super) start: Mark,
}

impl SimpleKey {
    /// It is none after all.
    fn end(self) -> Result<(), SyntaxError> {
        match self.required {
            // libyaml names the place where it noticed; the key's own place is what helps.
            true => Err(SyntaxError::new(
                "could not find expected ':'",
                "while scanning a simple key",
                self.start,
            )),
            false => Ok(()),
        }
    }
}

/// At most one for the block context, and one for each pair of brackets that is open.
#[derive(Debug)]
pub(super) struct SimpleKeys {
    outer: Vec<Option<SimpleKey>>,
    innermost: Option<SimpleKey>,
}

impl SimpleKeys {
    pub(super) fn new() -> Self {
        Self {
            outer: Vec::new(),
            innermost: None,
        }
    }

    /// Whether a pair of brackets is open.
    pub(super) fn in_flow(&self) -> bool {
        !self.outer.is_empty()
    }

    pub(super) fn open_bracket(&mut self) {
        self.outer.push(self.innermost.take());
    }

    pub(super) fn close_bracket(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.innermost = outer;
        }
    }

    /// Whether the token of this number may begin a key.
    pub(super) fn may_begin_with(&self, token: usize) -> bool {
        let mut all = self.outer.iter().chain([&self.innermost]).flatten();
        all.any(|key| key.token == token)
    }

    /// Ends those that have grown too long at `mark`, or over their line.
    ///
    /// # Errors
    ///
    /// When one had to be a key.
    pub(super) fn end_stale(&mut self, mark: Mark) -> Result<(), SyntaxError> {
        for key in self.outer.iter_mut().chain([&mut self.innermost]) {
            let stale = key.take_if(|key| {
                key.start.line < mark.line || key.start.index + MAX_KEY < mark.index
            });
            if let Some(key) = stale {
                key.end()?;
            }
        }
        Ok(())
    }

    /// Puts `key` in the place of the innermost.
    ///
    /// # Errors
    ///
    /// As [`SimpleKeys::end`].
    pub(super) fn begin(&mut self, key: SimpleKey) -> Result<(), SyntaxError> {
        self.end()?;
        self.innermost = Some(key);
        Ok(())
    }

    /// Ends the innermost.
    ///
    /// # Errors
    ///
    /// When it had to be a key.
    pub(super) fn end(&mut self) -> Result<(), SyntaxError> {
        match self.innermost.take() {
            Some(key) => key.end(),
            None => Ok(()),
        }
    }

    /// The innermost, which is a key.
    pub(super) fn take(&mut self) -> Option<SimpleKey> {
        self.innermost.take()
    }
}
