use std::path::Path;

use super::*;
use crate::state::record::tests::{job, record};
use crate::state::waiting::Intent;

/// A waiting task with this id.
pub(crate) fn waiting(id: &str) -> Waiting {
    Waiting::intended(Intent {
        id: id.to_owned(),
        pool: "ruby:3.3",
        keeper: "fedcba9876543210",
        hash: "hash".to_owned(),
        definition: "arn:aws:ecs:eu-west-1:1:task-definition/t:1".to_owned(),
        cluster: "c",
        region: "eu-west-1",
        endpoint: None,
        started_by: "fargate/m".to_owned(),
        group: format!("warm/{id}/m/1"),
        public_ip: false,
        over_at: 1,
        private_key: "secret".to_owned(),
    })
}

const ID: &str = "0123456789abcdef";
const ATTEMPT: &str = "aaaaaaaaaaaaaaaa";

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(FOLDER)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn one_attempt_gets_a_task_and_all_others_find_none() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let warm = WarmTasks::of(&records);
    assert!(warm.all().unwrap().is_empty());
    warm.save(&waiting(ID)).unwrap();
    let record = record(7).of_attempt(ATTEMPT);
    records.save(&record).unwrap();
    let claimed = warm.claim(ID, &record).unwrap();
    assert_eq!(claimed.unwrap().id, ID);
    assert_eq!(warm.claim(ID, &record).unwrap(), None);
    assert!(warm.take(ID).unwrap().is_none());
    assert_eq!(warm.change(ID, |_| ()).unwrap(), None);
    assert_eq!(warm.taken_by(record.attempt()).unwrap().len(), 1);
    assert!(warm.taken_by("another").unwrap().is_empty());
    assert_eq!(
        names(folder.path()),
        [format!("{ID}.claimed-{}", record.attempt())]
    );
    // Any sweep may end it then.
    let holder = warm.give_away(ID, &record).unwrap();
    assert!(warm.taken_by(record.attempt()).unwrap().is_empty());
    warm.forget(ID, &holder);
    assert!(warm.all().unwrap().is_empty());
}

#[test]
fn nobody_claims_for_a_job_whose_end_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let warm = WarmTasks::of(&records);
    warm.save(&waiting(ID)).unwrap();
    let mut ending = record(7).of_attempt(ATTEMPT);
    assert!(warm.claim(ID, &ending).is_err(), "there is no record");
    ending.ends = true;
    records.save(&ending).unwrap();
    assert!(warm.claim(ID, &ending).is_err());
    assert_eq!(names(folder.path()), [format!("{ID}.json")]);
    assert!(records.find(&job(7)).is_ok());
}

#[test]
fn files_are_for_their_owner_alone_and_those_of_others_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let warm = WarmTasks::of(&records);
    warm.save(&waiting(ID)).unwrap();
    let file = folder.path().join(FOLDER).join(format!("{ID}.json"));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&folder.path().join(FOLDER)), 0o700);
    assert!(!format!("{:?}", waiting(ID)).contains("secret"));
    let old = std::time::SystemTime::now() - 2 * DRAFT_AGE;
    let draft = format!(".{ID}.json.a1B2c3D4e5F6.draft");
    for name in [
        draft.as_str(),
        "notes.txt",
        ".notes.json.a1B2c3D4e5F6.draft",
    ] {
        let file = std::fs::File::create(folder.path().join(FOLDER).join(name)).unwrap();
        file.set_modified(old).unwrap();
    }
    warm.tidy().unwrap();
    let mut names = names(folder.path());
    names.sort();
    let left = [
        ".notes.json.a1B2c3D4e5F6.draft",
        "0123456789abcdef.json",
        "notes.txt",
    ];
    assert_eq!(names, left);
    // Ours by its name, and not by its content.
    std::fs::copy(&file, file.with_file_name("ffffffffffffffff.json")).unwrap();
    assert_eq!(warm.all().unwrap().len(), 1);
}

#[test]
fn a_record_and_the_tasks_are_seen_at_one_instant() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let warm = WarmTasks::of(&records);
    let nothing = warm.snapshot().unwrap();
    assert!(nothing.records.is_empty() && nothing.tasks.is_empty());
    warm.save(&waiting(ID)).unwrap();
    records.save(&record(7)).unwrap();
    let snapshot = warm.snapshot().unwrap();
    assert_eq!((snapshot.records.len(), snapshot.tasks.len()), (1, 1));
}
