//! Large `.gitlab-ci.yml` files, which a few lines describe.

use crate::configuration;

/// Bytes of a file.
const MAX_BYTES: usize = 1_000_000;

/// Reads the file that `program` describes.
pub fn check(program: &[u8]) {
    configuration::check(expanded(&String::from_utf8_lossy(program)).as_bytes());
}

/// The file of a program. A line `%300` repeats what follows, up to the next such line, 300 times. In it, `#` becomes
/// the number of the repetition, `@` the number before it, and `\` at the end of a line joins it with the next.
fn expanded(program: &str) -> String {
    let mut file = String::new();
    let mut times = 1;
    let mut fragment = String::new();
    for line in program.split_inclusive('\n') {
        let Some(next) = line
            .trim_end()
            .strip_prefix('%')
            .and_then(|text| text.parse().ok())
        else {
            fragment.push_str(line);
            continue;
        };
        repeat(&fragment, times, &mut file);
        fragment.clear();
        times = next;
    }
    repeat(&fragment, times, &mut file);
    file
}

fn repeat(fragment: &str, times: usize, file: &mut String) {
    let fragment = fragment.replace("\\\n", "");
    if fragment.is_empty() {
        return;
    }
    for number in 0..times {
        if file.len() + fragment.len() > MAX_BYTES {
            return;
        }
        for c in fragment.chars() {
            match c {
                '#' => file.push_str(&number.to_string()),
                '@' => file.push_str(&number.saturating_sub(1).to_string()),
                c => file.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_becomes_a_file() {
        let program = "a: [\\\n%2\n#@,\\\n%1\n]\n%3\nj#: x\n";
        assert_eq!(expanded(program), "a: [00,10,]\nj0: x\nj1: x\nj2: x\n");
        assert!(expanded("%99999999\nx\n").len() <= MAX_BYTES);
    }
}
