//! Quoting for a shell, in the runner's two ways.

/// The form of a text in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// `$'…'`, the runner's default: understood by bash and by BusyBox, not by dash.
    AnsiC,
    /// `"…"`, with `FF_POSIXLY_CORRECT_ESCAPES`: understood by every POSIX shell.
    Posix,
}

impl Quoting {
    /// `text` as one word of a shell. No shell can carry a NUL; it is left out.
    pub(crate) fn word(self, text: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
        if !text.is_empty() && text.bytes().all(plain) {
            return text.to_owned();
        }
        match self {
            Quoting::AnsiC => ansi_c(text),
            Quoting::Posix => posix(text),
        }
    }
}

fn ansi_c(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 3);
    word.push_str("$'");
    for byte in text.bytes() {
        match byte {
            0 => {}
            b'\n' => word.push_str("\\n"),
            b'\\' => word.push_str("\\\\"),
            b'\'' => word.push_str("\\'"),
            b' '..=b'~' => word.push(char::from(byte)),
            other => word.push_str(&format!("\\x{other:02x}")),
        }
    }
    word.push('\'');
    word
}

fn posix(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('"');
    for character in text.chars().filter(|&character| character != '\0') {
        if matches!(character, '"' | '\\' | '$' | '`') {
            word.push('\\');
        }
        word.push(character);
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What a real shell makes of `word`.
    fn read_back(shell: &[&str], word: &str) -> Vec<u8> {
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-c")
            .arg(format!("printf %s {word}"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{shell:?} {word:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_shell_reads_back_what_was_quoted(text in "[^\0]{0,40}") {
            prop_assert_eq!(&read_back(&["bash"], &Quoting::AnsiC.word(&text)), text.as_bytes());
            prop_assert_eq!(&read_back(&["busybox", "sh"], &Quoting::AnsiC.word(&text)), text.as_bytes());
            for shell in [&["bash"] as &[_], &["busybox", "sh"], &["dash"]] {
                prop_assert_eq!(&read_back(shell, &Quoting::Posix.word(&text)), text.as_bytes());
            }
        }
    }

    #[test]
    fn bytes_cost_what_they_cost_in_the_runner() {
        // Escaped twice, as a variable's value in a script is: reference 3.4.
        for (text, bytes) in [("a", 1), ("\n", 3), ("\\", 4), ("\u{1b}", 5), ("é", 10)] {
            let body = |text: &str| {
                Quoting::AnsiC
                    .word(&Quoting::AnsiC.word(&format!(" {text}")))
                    .len()
            };
            assert_eq!(body(text) - body(""), bytes, "{text:?}");
        }
    }
}
