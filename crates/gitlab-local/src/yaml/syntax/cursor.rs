//! A place in a text, and the characters that follow.

/// A place in a text, counted from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::yaml) struct Mark {
    /// Characters before it.
    pub(in crate::yaml) index: usize,
    pub(in crate::yaml) line: usize,
    /// In characters.
    pub(in crate::yaml) column: usize,
}

/// The rest of a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    pub(super) mark: Mark,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            mark: Mark::default(),
        }
    }

    /// The next character; none at the end.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The character after `offset` others.
    pub(super) fn peek_at(&self, offset: usize) -> Option<char> {
        self.rest.chars().nth(offset)
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Whether `---` or `...` stands alone at the beginning of a line.
    pub(super) fn is_at_document_mark(&self) -> bool {
        self.mark.column == 0
            && (self.starts_with("---") || self.starts_with("..."))
            && is_space_or_end(self.peek_at(3))
    }

    /// Skips a character that is no line break.
    pub(super) fn skip(&mut self) {
        let mut chars = self.rest.chars();
        if chars.next().is_some() {
            self.rest = chars.as_str();
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    /// Skips characters while `wanted` takes them.
    pub(super) fn skip_while(&mut self, wanted: impl Fn(Option<char>) -> bool) {
        while self.peek().is_some() && wanted(self.peek()) {
            self.skip();
        }
    }

    /// Skips blanks, and a comment after them.
    pub(super) fn skip_blanks_and_comment(&mut self) {
        self.skip_while(is_blank);
        if self.peek() == Some('#') {
            self.skip_while(|c| !is_break_or_end(c));
        }
    }

    /// Moves a character that is no line break to `text`.
    pub(super) fn take(&mut self, text: &mut String) {
        text.extend(self.peek());
        self.skip();
    }

    /// Moves a line break to `text`: a line feed, for all but U+2028 and U+2029.
    pub(super) fn take_break(&mut self, text: &mut String) {
        match self.peek() {
            Some(separator @ ('\u{2028}' | '\u{2029}')) => text.push(separator),
            c if is_break(c) => text.push('\n'),
            _ => return,
        }
        self.skip_break();
    }

    /// Skips a line break; `\r\n` is one.
    pub(super) fn skip_break(&mut self) {
        if !is_break(self.peek()) {
            return;
        }
        if self.starts_with("\r\n") {
            self.skip();
        }
        self.skip();
        self.mark.line += 1;
        self.mark.column = 0;
    }

    /// The end of the text is the beginning of a line.
    pub(super) fn end_line(&mut self) {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }
}

/// A blank or a tab.
pub(super) fn is_blank(c: Option<char>) -> bool {
    matches!(c, Some(' ' | '\t'))
}

/// A line break of YAML 1.1.
pub(super) fn is_break(c: Option<char>) -> bool {
    matches!(c, Some('\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}'))
}

pub(super) fn is_break_or_end(c: Option<char>) -> bool {
    c.is_none() || is_break(c)
}

pub(super) fn is_space_or_end(c: Option<char>) -> bool {
    is_blank(c) || is_break_or_end(c)
}

/// A letter of names.
pub(super) fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The first character that no text may have, and its place.
pub(super) fn control_character(text: &str) -> Option<Mark> {
    let allowed = |c: char| {
        matches!(
            c,
            '\t' | '\n'
                | '\r'
                | ' '..='~'
                | '\u{85}'
                | '\u{a0}'..='\u{d7ff}'
                | '\u{e000}'..='\u{fffd}'
                | '\u{10000}'..
        )
    };
    if text.chars().all(allowed) {
        return None;
    }
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek().filter(|c| allowed(*c)) {
        match is_break(Some(c)) {
            true => cursor.skip_break(),
            false => cursor.skip(),
        }
    }
    Some(cursor.mark)
}
