//! A timer of this machine that calls `fargate reap`, as far as files in the usual places show it.

use std::path::{Path, PathBuf};

/// Where systemd has its units (systemd.unit(5)), and cron its tables (cron(8)). Users' own tables are root's to read.
const FOLDERS: [&str; 7] = [
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/etc/periodic/15min",
];

/// A table of its own.
const TABLE: &str = "/etc/crontab";

/// Largest file that is read. Units and tables are small.
const LIMIT: u64 = 64 * 1024;

/// The first file that does.
pub(super) fn find() -> Option<PathBuf> {
    let in_folders = FOLDERS
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()));
    let mut files = in_folders.chain([PathBuf::from(TABLE)]);
    files.find(|file| reaps(file))
}

fn reaps(file: &Path) -> bool {
    let is_small = |found: &std::fs::Metadata| found.is_file() && found.len() <= LIMIT;
    if !std::fs::metadata(file).is_ok_and(|found| is_small(&found)) {
        return false;
    }
    let text = std::fs::read(file).unwrap_or_default();
    calls_reap(&String::from_utf8_lossy(&text))
}

fn calls_reap(text: &str) -> bool {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .any(|line| {
            let mut words = line.split_whitespace();
            words.any(|word| word.ends_with("fargate")) && words.any(|word| word == "reap")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_calls_it_is_told_from_one_that_does_not() {
        for (text, calls) in [
            (
                "[Service]\nExecStart=/usr/local/bin/fargate --config /etc/f.toml reap\n",
                true,
            ),
            ("*/5 * * * * root fargate --config /etc/f.toml reap", true),
            ("# 5 * * * * root fargate --config /etc/f.toml reap", false),
            ("5 * * * * root fargate --config /etc/f.toml report", false),
            ("reap fargate", false),
            ("", false),
        ] {
            assert_eq!(calls_reap(text), calls, "{text}");
        }
    }
}
