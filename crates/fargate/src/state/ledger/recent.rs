//! The latest starts of tasks like one's own, from the end of the ledger.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

use memchr::memmem::Finder;

use super::entry::Entry;
use super::months::months;
use super::task_entry::TaskEntry;
use crate::state::start_time::StartTime;
use crate::task::TaskTimes;

/// How much of the ledger's end is read, in bytes: some five hundred lines. A start that waits must not wait for more.
const TAIL: u64 = 512 * 1024;

/// How many starts are enough.
const ENOUGH: usize = 200;

/// The times of the latest tasks of this `family` that took scripts, the newest first, from the last lines of the
/// ledger in this folder. What cannot be read has none.
pub(crate) fn recent_starts(folder: &Path, family: &str) -> Vec<TaskTimes> {
    latest(folder, family, |entry| {
        Some(won(entry, family)?.facts.times)
    })
}

/// How long the latest starts with this hash took, the newest first, and those of its `family` where none has the hash,
/// as after a new version of the driver. Starts on waiting tasks are left out.
pub(crate) fn recent_start_times(folder: &Path, family: &str, hash: &str) -> Vec<StartTime> {
    let starts = latest(folder, family, |entry| {
        won(entry, family)?;
        let time = entry.cold_start()?;
        Some((entry.start_hash.as_deref() == Some(hash), time))
    });
    let has_hash = starts.iter().any(|(is_same, _)| *is_same);
    let wanted = starts
        .into_iter()
        .filter(|(is_same, _)| *is_same || !has_hash);
    wanted.map(|(_, time)| time).collect()
}

/// What `pick` finds in the latest attempts with a task of this `family`, the newest first.
fn latest<T>(folder: &Path, family: &str, pick: impl Fn(&Entry) -> Option<T>) -> Vec<T> {
    let (mut found, mut left) = (Vec::new(), TAIL);
    let word = format!("\"family\":\"{family}\"");
    for month in months(folder).into_iter().rev() {
        let Ok(lines) = tail(&month.file, left) else {
            continue;
        };
        left = left.saturating_sub(lines.len() as u64);
        found.extend(with_word(&lines, &word).filter_map(|entry| pick(&entry)));
        if left == 0 || found.len() >= ENOUGH {
            break;
        }
    }
    found.truncate(ENOUGH);
    found
}

/// The task of this family that took the attempt's scripts.
fn won<'a>(entry: &'a Entry, family: &str) -> Option<&'a TaskEntry> {
    let is_its = |task: &&TaskEntry| task.won && task.facts.family.as_deref() == Some(family);
    entry.tasks.iter().find(is_its)
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

/// The attempts in these lines that hold the word, the last one first. The first line may have lost its beginning, and
/// is none then.
fn with_word<'a>(lines: &'a [u8], word: &'a str) -> impl Iterator<Item = Entry> + 'a {
    let finder = Finder::new(word);
    let lines = lines.split(|byte| *byte == b'\n').rev();
    lines
        .filter(move |line| finder.find(line).is_some())
        .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
        .filter(Entry::is_attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ledger::Month;
    use crate::state::outcome::Outcome;
    use crate::state::record::Warm;
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

    /// A start with this hash that took so many milliseconds, a third of them for the pull and what follows.
    fn took(number: u64, hash: &str, time: u64, warm: Option<Warm>) -> String {
        let line = line(number, "ci", true).replace(
            "\"times\":{",
            &format!("\"times\":{{\"pull_started\":{},", NOW + time - time / 3),
        );
        let mut entry: Entry = serde_json::from_str(line.trim_end()).unwrap();
        entry.start_hash = Some(hash.to_owned());
        entry.times.asked = Some(NOW);
        entry.times.ready = Some(NOW + time);
        entry.warm = warm;
        serde_json::to_string(&entry).unwrap() + "\n"
    }

    #[test]
    fn start_times_are_those_of_the_hash_or_else_of_the_family() {
        let folder = tempfile::tempdir().unwrap();
        let times = |hash: &str| {
            let times = recent_start_times(folder.path(), "ci", hash);
            times.into_iter().map(|time| (time.whole, time.billed))
        };
        assert_eq!(times("a").count(), 0);
        // The last two had a task that waited.
        let lines = [
            took(1, "a", 30_000, None),
            took(2, "b", 60_000, None),
            took(3, "a", 33_000, Some(Warm::Missed("none waits".to_owned()))),
            // The second one had to prove itself twice.
            took(4, "a", 500, Some(Warm::Claimed)),
            took(5, "a", 4000, Some(Warm::Claimed)),
        ];
        write(folder.path(), NOW, &lines);
        let of_hash = [(33_000, Some(11_000)), (30_000, Some(10_000))];
        assert!(times("a").eq(of_hash));
        assert_eq!(times("c").count(), 3);
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
