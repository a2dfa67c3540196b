//! The latest starts of tasks like one's own, from the end of the ledger.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

use memchr::memmem::Finder;

use super::entry::Entry;
use super::months::months;
use crate::task::TaskTimes;

/// How much of the ledger's end is read, in bytes: some five hundred lines. A start that waits must not wait for more.
const TAIL: u64 = 512 * 1024;

/// How many starts are enough.
const ENOUGH: usize = 200;

/// The times of the latest tasks of this `family` that took scripts, the newest first, from the last lines of the
/// ledger in this folder. What cannot be read has none.
pub(crate) fn recent_starts(folder: &Path, family: &str) -> Vec<TaskTimes> {
    let (mut starts, mut left) = (Vec::new(), TAIL);
    let word = format!("\"family\":\"{family}\"");
    for month in months(folder).into_iter().rev() {
        let Ok(lines) = tail(&month.file, left) else {
            continue;
        };
        left = left.saturating_sub(lines.len() as u64);
        starts.extend(of_family(&lines, &word, family));
        if left == 0 || starts.len() >= ENOUGH {
            break;
        }
    }
    starts.truncate(ENOUGH);
    starts
}

/// The last bytes of a file.
fn tail(file: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut lines = Vec::new();
    file.take(bytes).read_to_end(&mut lines)?;
    Ok(lines)
}

/// The starts in these lines, the last one first. The first line may have lost its beginning, and is none then.
fn of_family(lines: &[u8], word: &str, family: &str) -> Vec<TaskTimes> {
    let finder = Finder::new(word);
    let lines = lines.split(|byte| *byte == b'\n').rev();
    let entries = lines
        .filter(|line| finder.find(line).is_some())
        .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
        .filter(Entry::is_attempt);
    let won = entries.flat_map(|entry| entry.tasks.into_iter().filter(|task| task.won));
    won.filter(|task| task.facts.family.as_deref() == Some(family))
        .map(|task| task.facts.times)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ledger::{Month, TaskEntry};
    use crate::state::outcome::Outcome;
    use crate::state::record::tests::job;
    use crate::task::TaskFacts;

    fn line(number: u64, family: &str, won: bool) -> String {
        let times = TaskTimes {
            created: Some(number),
            ..TaskTimes::default()
        };
        let facts = TaskFacts {
            times,
            family: Some(family.to_owned()),
            ..TaskFacts::default()
        };
        let entry = Entry {
            tasks: vec![TaskEntry {
                won,
                facts,
                ..TaskEntry::default()
            }],
            ..Entry::unrecorded(&job(number), Outcome::system("no room"))
        };
        serde_json::to_string(&entry).unwrap() + "\n"
    }

    fn write(folder: &Path, at: u64, lines: &[String]) {
        std::fs::write(Month::of(at, folder).file, lines.concat()).unwrap();
    }

    fn created(folder: &Path, family: &str) -> Vec<u64> {
        let starts = recent_starts(folder, family);
        starts
            .into_iter()
            .filter_map(|times| times.created)
            .collect()
    }

    /// 2026-11-29 and a month before.
    const NOW: u64 = 1_795_950_000_000;
    const BEFORE: u64 = NOW - 31 * 24 * 3600 * 1000;

    #[test]
    fn the_newest_starts_of_a_family_come_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(created(folder.path(), "ci"), [0_u64; 0]);
        write(folder.path(), BEFORE, &[line(1, "ci", true)]);
        let kept = line(5, "ci", true).replace("\"kind\":\"job\"", "\"kind\":\"kept\"");
        assert!(kept.contains("\"kept\""));
        let now = [
            line(2, "ci", true),
            line(3, "ci", false),
            line(4, "ci-2", true),
            kept,
            "{\"family\":\"ci\"}\n".to_owned(),
            line(6, "ci", true),
            line(7, "ci", true).trim_end().replace("}]", "}"),
        ];
        write(folder.path(), NOW, &now);
        assert_eq!(created(folder.path(), "ci"), [6, 2, 1]);
    }

    #[test]
    fn a_long_ledger_is_read_from_its_end_alone() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<_> = (0..20_000).map(|number| line(number, "ci", true)).collect();
        write(folder.path(), NOW, &lines);
        let found = created(folder.path(), "ci");
        assert_eq!(found.len(), ENOUGH);
        assert_eq!((found[0], found[199]), (19_999, 19_800));
        // Those of a family that nobody has asked for lately are too far away.
        let mut lines = lines;
        lines.insert(0, line(1, "old", true));
        write(folder.path(), NOW, &lines);
        assert_eq!(created(folder.path(), "old"), [0_u64; 0]);
    }
}
