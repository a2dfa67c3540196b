//! Foreign text (of AWS, an SSH server, a job's author), made safe for a line of the driver's output.
//!
//! Lines go to the job log, to the runner's own log and to terminals. Foreign text must not begin a line that looks
//! like the driver's, control a terminal, or be so long that it hides the rest.

/// Longest text that is quoted: AWS's reasons have up to 1,024 characters each, and a task has several.
const LIMIT: usize = 8 * 1024;

/// `text` on one line, without control characters, and not too long.
pub(crate) fn plain(text: &str) -> String {
    let mut line = String::new();
    for character in text.trim_end().chars() {
        if line.len() >= LIMIT {
            line.push('…');
            break;
        }
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            control if control.is_control() || is_direction(control) => {
                line.extend(control.escape_default());
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

/// Whether the character is a Unicode mark that changes the direction of text, or a line separator.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
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

    proptest! {
        #[test]
        fn nothing_steers(text in ".{0,60}|[\\x00-\\x1f\\x7f-\\x9f\u{202a}-\u{202e}a]{0,60}") {
            let line = plain(&text);
            prop_assert!(!line.chars().any(|character| character.is_control() || is_direction(character)));
            // Plain text stays unchanged.
            prop_assert_eq!(plain(&line), line);
        }
    }
}
