use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::entry::Kind;
use super::months::month;
use super::*;
use crate::gitlab::Job;
use crate::state::outcome::Outcome;
use crate::state::record::tests::job;

fn entry(number: usize) -> Entry {
    let job = Job {
        name: "é\n\"x\"".repeat(number % 3),
        ..job(7)
    };
    Entry {
        attempt: format!("attempt-{number}"),
        ..Entry::unrecorded(&job, Outcome::system("no room"))
    }
}

fn read(folder: &Path) -> Vec<Entry> {
    let (mut reader, mut entries) = (Reader::default(), Vec::new());
    for month in months(folder) {
        reader.read(&month, |entry| entries.push(entry)).unwrap();
    }
    entries
}

proptest! {
    /// A process that appends is killed after any byte, and its teardown is done again: readers see each attempt once.
    #[test]
    fn each_attempt_is_read_once_wherever_its_writer_was_killed(
        story in prop::collection::vec((0..12_usize, prop::option::of(0.0..1.0_f64)), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("2026-11.jsonl");
        let mut whole = Vec::new();
        for (number, killed) in story {
            let before = std::fs::metadata(&file).map_or(0, |file| file.len());
            let entry = entry(number);
            append(&file, &entry).unwrap();
            let after = std::fs::metadata(&file).unwrap().len();
            match killed {
                Some(part) => {
                    let kept = ((after - before) as f64 * part) as u64;
                    File::options().write(true).open(&file).unwrap().set_len(before + kept).unwrap();
                }
                None if !whole.iter().any(|other: &Entry| other.attempt == entry.attempt) => whole.push(entry),
                None => {}
            }
        }
        let found = read(folder.path());
        // Of a line that lacks only its end, a later append makes a whole one.
        let attempts = |entries: &[Entry]| entries.iter().map(|entry| entry.attempt.clone()).collect::<Vec<_>>();
        let (found, whole) = (attempts(&found), attempts(&whole));
        for attempt in &whole {
            prop_assert_eq!(found.iter().filter(|found| *found == attempt).count(), 1);
        }
        let distinct: std::collections::BTreeSet<_> = found.iter().collect();
        prop_assert_eq!(distinct.len(), found.len());
    }
}

#[test]
fn an_entry_comes_back_as_it_was_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::of(folder.path(), 13);
    let written = [entry(1), entry(2)];
    for entry in &written {
        ledger.append(entry);
    }
    let months = months(&super::folder(folder.path()));
    let [file] = &months[..] else {
        panic!("{months:?}")
    };
    assert_eq!(file.name, month(now_millis()));
    let mode = file.file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(read(&super::folder(folder.path())), written);
    Ledger::of(folder.path(), 0).append(&entry(3));
    assert_eq!(read(&super::folder(folder.path())).len(), 2);
}

#[test]
fn what_a_newer_driver_writes_is_read_as_far_as_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"{"kind":"of_the_future","attempt":"x","job_id":7,"project_id":3,"at":1,"outcome":{"kind":"success"},"new":[1]}"#;
    std::fs::write(
        folder.path().join("2026-11.jsonl"),
        format!("[]\n{line}\n7\n"),
    )
    .unwrap();
    let entries = read(folder.path());
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].kind, Kind::Other);
}

#[test]
fn old_months_go_and_files_of_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let folder = super::folder(directory.path());
    std::fs::create_dir(&folder).unwrap();
    let now = month(now_millis());
    let kept = [
        &format!("{now}.jsonl"),
        "1999-13.jsonl",
        "1999-1.jsonl",
        "199-01.jsonl",
        "+999-01.jsonl",
        "1999-01.jsonl.gz",
        "1999-01.json",
        "notes",
    ];
    for name in kept.iter().chain(&["1999-01.jsonl", "2001-12.jsonl"]) {
        std::fs::write(folder.join(name), "").unwrap();
    }
    Ledger::of(directory.path(), 13).tidy();
    let entries = std::fs::read_dir(&folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: std::collections::BTreeSet<_> = kept.map(str::to_owned).into();
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>(), expected);
    Ledger::of(directory.path(), 0).tidy();
    assert_eq!(months(&folder), []);
}

#[test]
fn months_are_counted_back_over_years() {
    // 2026-11-29T11:00:00Z.
    let now = 1_795_950_000_000;
    assert_eq!(rfc3339(now), "2026-11-29T11:00:00.000Z");
    for (months, first) in [
        (1, "2026-11"),
        (11, "2026-01"),
        (12, "2025-12"),
        (13, "2025-11"),
        (0, "2026-12"),
    ] {
        assert_eq!(oldest(now, months).as_deref(), Some(first), "{months}");
    }
    assert_eq!(oldest(now, u32::MAX), None);
}

#[test]
fn a_task_that_only_a_later_line_of_an_attempt_lists_is_read_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("2026-11.jsonl");
    let with = |tasks: &[&str]| {
        let task = |task: &&str| TaskEntry {
            task: (*task).to_owned(),
            ..TaskEntry::default()
        };
        Entry {
            tasks: tasks.iter().map(task).collect(),
            ..entry(1)
        }
    };
    for tasks in [&["a"][..], &["a"], &["a", "late"], &["a", "late"]] {
        append(&file, &with(tasks)).unwrap();
    }
    let entries = read(folder.path());
    let tasks = |entry: &Entry| -> Vec<String> {
        let tasks = entry.tasks.iter();
        tasks.map(|task| task.task.clone()).collect()
    };
    let read: Vec<_> = entries.iter().map(tasks).collect();
    assert_eq!(read, [["a"], ["late"]]);
    assert!(entries[0].is_attempt() && entries[1].kind == Kind::Addition);
}
