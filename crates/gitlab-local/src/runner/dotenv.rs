//! `artifacts:reports:dotenv`: files whose lines become variables of later jobs, by GitLab's rules
//! (`Ci::ParseDotenvArtifactService`).

use std::process::{Command, Stdio};

use crate::transfer::as_input;
use crate::variables::{Variable, Variables};

/// A report must be smaller, in bytes: GitLab's default `dotenv_size`. It counts the files as they travel: compressed.
const SIZE_LIMIT: u64 = 5 * 1024;

/// Largest file that is looked at, in bytes. No file of this size is small enough when it is compressed.
pub(crate) const LARGEST: u64 = 4 * 1024 * 1024;

/// Most variables of a report: GitLab's default `dotenv_variables`. gitlab.com has more for those who pay.
const MOST_VARIABLES: usize = 20;

/// Reads the files of one report, each with its name.
///
/// # Errors
///
/// With GitLab's reason to refuse the report, and ours to refuse a name that no shell can export.
pub(crate) fn read(files: &[(String, Vec<u8>)]) -> Result<Vec<Variable>, String> {
    let sizes = files.iter().map(|(_, content)| compressed_size(content));
    if sizes.sum::<u64>() >= SIZE_LIMIT {
        return Err(format!(
            "Dotenv Artifact Too Big. Maximum Allowable Size: {SIZE_LIMIT}"
        ));
    }
    let mut variables = Variables::default();
    for (name, content) in files {
        let text = text(content);
        for line in text.split_terminator('\n') {
            let variable = variable(line).map_err(|reason| format!("{reason} ({name})"))?;
            variables.extend([variable]);
        }
    }
    let variables: Vec<Variable> = variables.iter().cloned().collect();
    match variables.len() > MOST_VARIABLES {
        true => Err(format!(
            "Dotenv files cannot have more than {MOST_VARIABLES} variables, and these have {}",
            variables.len()
        )),
        false => Ok(variables),
    }
}

fn variable(line: &str) -> Result<Variable, String> {
    let invalid = || format!("Invalid Format: {line:?} is no `KEY=value`");
    let (key, value) = line.split_once('=').ok_or_else(invalid)?;
    Variable::named(key.trim(), value.trim()).map_err(|error| format!("Invalid Format: {error}"))
}

/// The text of a file, which may be UTF-16 as PowerShell writes it. What is no UTF-8 is replaced.
fn text(content: &[u8]) -> String {
    if let Some(units) = content.strip_prefix(b"\xff\xfe") {
        let units = units.chunks_exact(2);
        let units = units.filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)));
        return String::from_utf16_lossy(&units.collect::<Vec<_>>());
    }
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    String::from_utf8_lossy(content).into_owned()
}

/// The size of a file when it travels. Where this machine has no `gzip`, it is that of the file.
fn compressed_size(content: &[u8]) -> u64 {
    let own = u64::try_from(content.len()).unwrap_or(u64::MAX);
    // Compression saves a small file from nothing, and costs some bytes.
    if own < SIZE_LIMIT / 2 {
        return own;
    }
    let compressed = || {
        let mut gzip = Command::new("gzip");
        gzip.arg("-c").stdin(as_input(content).ok()?);
        let output = gzip.stderr(Stdio::null()).output().ok()?;
        let size = u64::try_from(output.stdout.len()).ok()?;
        output.status.success().then_some(size)
    };
    compressed().unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(content: &[u8]) -> Result<Vec<Variable>, String> {
        read(&[("build.env".to_owned(), content.to_vec())])
    }

    fn pairs(content: &[u8]) -> Vec<(String, String)> {
        let variables = read_one(content).unwrap().into_iter();
        variables
            .map(|variable| (variable.key, variable.value))
            .collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn lines_become_variables() {
        let expected = [
            pair("B", "two words"),
            pair("C", "x=y"),
            pair("D", ""),
            pair("A", "$B"),
        ];
        assert_eq!(pairs(b"A=1\n B = two words \r\nC=x=y\nD=\nA=$B"), expected);
        assert_eq!(pairs(b""), []);
        // GitLab gives them to a job as variables with references.
        assert!(
            read_one(b"A=$B")
                .unwrap()
                .iter()
                .all(|variable| !variable.raw)
        );
    }

    #[test]
    fn files_of_other_systems_are_read() {
        assert_eq!(pairs(b"\xef\xbb\xbfA=\xc3\xa4"), [pair("A", "ä")]);
        let utf_16: Vec<u8> = "A=ä\r\nB=2\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let utf_16 = [b"\xff\xfe".as_slice(), &utf_16].concat();
        assert_eq!(pairs(&utf_16), [pair("A", "ä"), pair("B", "2")]);
        assert_eq!(pairs(b"A=\xff"), [pair("A", "\u{fffd}")]);
    }

    #[test]
    fn what_gitlab_refuses_is_refused() {
        let many: String = (0..21).map(|n| format!("A{n}=1\n")).collect();
        for (content, reason) in [
            ("A\n", "Invalid Format: \"A\" is no `KEY=value` (build.env)"),
            ("A=1\n\nB=2", "Invalid Format: \"\" is no"),
            ("# comment", "Invalid Format: \"# comment\" is no"),
            ("# comment=1", "\"# comment\" is not a name for a variable"),
            ("a-b=1", "\"a-b\" is not a name for a variable"),
            ("=1", "\"\" is not a name for a variable"),
            (many.as_str(), "more than 20 variables, and these have 21"),
        ] {
            let error = read_one(content.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{content:?}: {error}");
        }
    }

    #[test]
    fn the_size_counts_as_it_travels_for_all_files_together() {
        let repeated = format!("A={}", "x".repeat(100_000));
        assert_eq!(read_one(repeated.as_bytes()).unwrap().len(), 1);
        // Hexadecimal digits of a hash shrink to a half.
        let mut noise = Vec::new();
        for seed in 0..200_u32 {
            use sha2::{Digest as _, Sha256};
            let hash = Sha256::digest(seed.to_le_bytes());
            noise.extend(
                hash.iter()
                    .flat_map(|byte| format!("{byte:02x}").into_bytes()),
            );
        }
        let part = |name: &str, bytes: usize| {
            let content = [name.as_bytes(), b"=", &noise[..bytes]].concat();
            (name.to_owned(), content)
        };
        let too_big = "Dotenv Artifact Too Big. Maximum Allowable Size: 5120";
        assert!(read(&[part("A", 7_000)]).is_ok());
        assert_eq!(read(&[part("A", 12_000)]).unwrap_err(), too_big);
        assert_eq!(
            read(&[part("A", 7_000), part("B", 7_000)]).unwrap_err(),
            too_big
        );
        let twelve = |start: usize| -> Vec<u8> {
            let lines = (start..start + 12).map(|n| format!("A{n}=1\n"));
            lines.collect::<String>().into_bytes()
        };
        let files = [("a".to_owned(), twelve(0)), ("b".to_owned(), twelve(12))];
        assert!(read(&files).unwrap_err().contains("these have 24"));
    }
}
