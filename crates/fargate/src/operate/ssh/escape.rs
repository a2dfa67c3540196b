//! The way out of a session that hangs: `~.` at the beginning of a line, as in OpenSSH's client (ssh(1)).

const ESCAPE: u8 = b'~';
const LEAVE: u8 = b'.';

/// Looks for it in what is typed.
#[derive(Debug, Default)]
pub(super) struct Escape {
    is_within_line: bool,
    /// A `~` at the beginning of a line is held back until the next character comes.
    is_held: bool,
}

impl Escape {
    /// The bytes to pass on; nothing once the person wants to leave.
    pub(super) fn pass(&mut self, typed: &[u8]) -> Option<Vec<u8>> {
        let mut passed = Vec::with_capacity(typed.len() + 1);
        for byte in typed {
            if std::mem::take(&mut self.is_held) {
                match *byte {
                    LEAVE => return None,
                    // Twice is once.
                    ESCAPE => {}
                    _ => passed.push(ESCAPE),
                }
            } else if *byte == ESCAPE && !self.is_within_line {
                self.is_held = true;
                continue;
            }
            self.is_within_line = !matches!(*byte, b'\r' | b'\n');
            passed.push(*byte);
        }
        Some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_begins_so_leaves() {
        let typed = |pieces: &[&str]| {
            let mut escape = Escape::default();
            let mut passed = Vec::new();
            for piece in pieces {
                passed.extend(escape.pass(piece.as_bytes())?);
            }
            Some(String::from_utf8(passed).unwrap())
        };
        for left in [&["~."][..], &["~", "."], &["ls\r~."], &["ls\n", "~", "."]] {
            assert_eq!(typed(left), None, "{left:?}");
        }
        for (given, passed) in [
            (&["ls ~.", "\r"][..], "ls ~.\r"),
            (&["~", "/x\r"], "~/x\r"),
            (&["~~."], "~."),
            (&["a~."], "a~."),
            (&["\r\r~x~."], "\r\r~x~."),
        ] {
            assert_eq!(typed(given).as_deref(), Some(passed), "{given:?}");
        }
    }
}
