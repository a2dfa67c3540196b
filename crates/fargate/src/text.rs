//! Foreign text (of AWS, an SSH server, a job's author), made safe for a line of the driver's output.
//!
//! Lines go to the job log, to the runner's own log and to terminals. Foreign text must not begin a line that looks
//! like the driver's, control a terminal, or be so long that it hides the rest.

use unicode_general_category::{GeneralCategory, get_general_category};

/// Longest text that is quoted: AWS's reasons have up to 1,024 characters each, and a task has several.
const LIMIT: usize = 8 * 1024;

/// Most combining marks on one character: scripts that stack them have three or four, and a pile of them covers the
/// lines around it.
const MARKS: usize = 4;

/// `text` on one line, without control characters and invisible ones, and not too long.
pub(crate) fn plain(text: &str) -> String {
    let mut line = String::new();
    let mut marks = 0;
    for character in text.trim_end().chars() {
        if line.len() >= LIMIT {
            line.push('…');
            break;
        }
        marks = if is_mark(character) { marks + 1 } else { 0 };
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            hidden if hidden.is_control() || is_invisible(hidden) || marks > MARKS => {
                line.extend(hidden.escape_unicode());
            }
            harmless => line.push(harmless),
        }
    }
    line
}

/// Foreign text in which sentences are looked for, without regard to case and to the form of apostrophes.
///
/// AWS writes both "can't" and "can’t", and rewords its texts now and then.
#[derive(Debug, Clone)]
pub(crate) struct Wording(String);

impl Wording {
    /// The words of `text`.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_lowercase().replace(['‘', '’'], "'"))
    }

    /// Whether the text has this sentence, or this part of one; `…` in it stands for anything.
    pub(crate) fn says(&self, sentence: &str) -> bool {
        let sentence = Self::of(sentence);
        let mut rest = self.0.as_str();
        sentence.0.split('…').all(|part| {
            let after = rest.split_once(part).map(|(_, after)| after);
            rest = after.unwrap_or_default();
            after.is_some()
        })
    }

    /// Whether the text has one of these sentences.
    pub(crate) fn says_any(&self, sentences: &[&str]) -> bool {
        sentences.iter().any(|sentence| self.says(sentence))
    }
}

/// Whether the character shows nothing, changes the direction of text, or ends a line: format characters, line and
/// paragraph separators, and those that Unicode's DerivedCoreProperties.txt lists as `Default_Ignorable_Code_Point`
/// beside them.
fn is_invisible(character: char) -> bool {
    let category = get_general_category(character);
    let is_format = matches!(
        category,
        GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    );
    is_format
        || matches!(character, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2065}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the character is put on the one before it.
fn is_mark(character: char) -> bool {
    matches!(
        get_general_category(character),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(
            plain("Pull failed: \u{1b}[2Jno such host\nJob succeeded\r\n"),
            "Pull failed: \\u{1b}[2Jno such host Job succeeded"
        );
        assert_eq!(plain("naïve – 漢字"), "naïve – 漢字");
        assert_eq!(plain(&"x".repeat(100_000)).len(), LIMIT + '…'.len_utf8());
    }

    #[test]
    fn a_sentence_is_found_in_its_order_only() {
        let wording = Wording::of(
            "You’ve reached the limit on the number of vCPUs you can run concurrently.",
        );
        assert!(
            wording.says("you've reached the limit on the number of … you can run concurrently")
        );
        assert!(!wording.says("concurrently…the limit on the number of"));
        assert!(wording.says_any(&["above your limit", "reached the limit"]));
        assert!(!Wording::of("").says("…limit"));
    }

    #[test]
    fn nothing_is_invisible() {
        for hidden in [
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2060}',
            '\u{3164}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{e0100}',
        ] {
            let code = u32::from(hidden);
            assert_eq!(plain(&format!("a{hidden}b")), format!("a\\u{{{code:x}}}b"));
        }
        // A vowel sign of Hindi, tones of Vietnamese in pieces, and a pile.
        assert_eq!(plain("हिन्दी"), "हिन्दी");
        assert_eq!(plain("o\u{302}\u{301}"), "o\u{302}\u{301}");
        let pile = format!("x{}", "\u{301}".repeat(100));
        let line = plain(&pile);
        assert_eq!(line.matches('\u{301}').count(), MARKS);
        assert_eq!(line.matches("\\u{301}").count(), 100 - MARKS);
    }

    proptest! {
        #[test]
        fn nothing_steers(text in ".{0,60}|[\\x00-\\x1f\\x7f-\\x9f\u{202a}-\u{202e}\u{300}-\u{36f}a]{0,60}") {
            let line = plain(&text);
            prop_assert!(!line.chars().any(|character| character.is_control() || is_invisible(character)));
            // Plain text stays unchanged.
            prop_assert_eq!(plain(&line), line);
        }
    }
}
