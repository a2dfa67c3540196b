use std::os::unix::fs::PermissionsExt;

use std::time::SystemTime;

use super::*;
use crate::state::ending::Ending;
use crate::state::ledger::{Entry, StoppedTask};
use crate::state::note::Event;
use crate::state::record::tests::{job, login, record, task};
use crate::state::start::Standing;

fn entry() -> Entry {
    Entry::of(&record(7), &[])
}

#[test]
fn a_record_comes_back_as_it_was_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(&folder.path().join("new/metadata"), 13).unwrap();
    let job = job(7);
    assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
    let mut record = record(7);
    records.save(&record).unwrap();
    record.intend("token");
    record.started("token", &task("arn", None));
    records.save(&record).unwrap();
    let Found::Record(read) = records.find(&job).unwrap() else {
        panic!("no record")
    };
    assert_eq!(read.task(), Some("arn"));
    let file = records.file(&job);
    assert_eq!(file.file_name().unwrap(), "t1_abc-7.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        file.parent()
            .unwrap()
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    let names = std::fs::read_dir(&records.directory).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        names.collect::<std::collections::BTreeSet<_>>(),
        ["format", "lock", "t1_abc-7.json"]
            .map(str::to_owned)
            .into()
    );
    let found = records.find(&job).unwrap();
    records.remove(&job, &found, &[entry()]).unwrap();
    records.remove(&job, &found, &[entry()]).unwrap();
    assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
}

#[test]
fn all_records_are_found_and_what_was_never_completed_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(&folder.path().join("metadata"), 13).unwrap();
    assert!(records.all().unwrap().is_empty());
    records.save(&record(7)).unwrap();
    records.save(&record(8)).unwrap();
    let beside = |name: &str, age: u64| {
        let file = std::fs::File::create(records.directory.join(name)).unwrap();
        let written = SystemTime::now() - Duration::from_secs(age);
        file.set_modified(written).unwrap();
    };
    let family = |digit: &str| format!("fargate-{}.lock", digit.repeat(40));
    let draft = |target: &str| format!(".{target}.a1B2c3D4e5F6.draft");
    let old = 99_999;
    let gone = [
        "t1_abc-8.tmp2".to_owned(),
        "manager.tmp7".to_owned(),
        draft("t1_abc-8.json"),
        draft("manager"),
        family("b"),
        "run-task-eu-west-1.lock".to_owned(),
        "t1_abc-99.stages".to_owned(),
    ];
    // Those of others, whatever they look like, and those of living processes.
    let kept = [
        ("t1_abc-9.json", old),
        ("t1_abc-70.tmp1", 0),
        ("manager", old),
        ("notes.tmp1", old),
        ("notes.tmp", old),
        ("mutt.lock", old),
        ("acts.stages", old),
        ("t1_abc-8.stages", old),
        ("report-1.txt", old),
        (".notes.a1B2c3D4e5F6.draft", old),
    ];
    for name in &gone {
        beside(name, old);
    }
    for (name, age) in kept {
        beside(name, age);
    }
    beside(&family("a"), 60);
    beside("t1_abc-7.tmp1", 0);
    beside(&draft("t1_abc-7.json"), 0);
    let names = || {
        let entries = std::fs::read_dir(&records.directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let all = records.all().unwrap();
    let whole = all.iter().filter_map(|entry| entry.record.as_ref().ok());
    let ids: std::collections::BTreeSet<_> = whole.map(|record| record.job.id).collect();
    assert_eq!((all.len(), ids), (3, [7, 8].into()));
    records.tidy().unwrap();
    for name in &gone {
        assert!(!names().contains(name), "{name}");
    }
    let found = records.find(&job(7)).unwrap();
    records.remove(&job(7), &found, &[entry()]).unwrap();
    let kept = kept.map(|(name, _)| name.to_owned()).into_iter();
    let others = ["format", "ledger", "lock", "t1_abc-8.json"].map(str::to_owned);
    let left: std::collections::BTreeSet<_> = kept.chain(others).chain([family("a")]).collect();
    assert_eq!(names(), left);
}

#[test]
fn a_damaged_record_is_set_aside_and_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    std::fs::write(records.file(&job(7)), "notes").unwrap();
    let found = records.find(&job(7)).unwrap();
    records.remove(&job(7), &found, &[entry()]).unwrap();
    assert!(matches!(records.find(&job(7)).unwrap(), Found::Nothing));
    let aside = std::fs::read_to_string(folder.path().join("t1_abc-7.json.damaged"));
    assert_eq!(aside.unwrap(), "notes");
}

#[test]
fn a_folder_that_a_newer_driver_has_used_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    records.save(&record(7)).unwrap();
    let format = folder.path().join(file_names::FORMAT);
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "2\n");
    std::fs::write(&format, "4\n").unwrap();
    let refused = Records::open(folder.path(), 13).unwrap_err();
    assert!(refused.to_string().contains("a newer fargate has used"));
    // Also when it came meanwhile.
    let mut later = record(7);
    later.intend("token");
    assert!(records.update(&later).is_err());
    let found = records.find(&job(7)).unwrap();
    assert!(records.end(&job(7), &found, &Ending::Cleanup).is_err());
    assert!(records.remove(&job(7), &found, &[entry()]).is_err());
    assert!(records.save(&later).is_err());
    let Found::Record(left) = records.find(&job(7)).unwrap() else {
        panic!("no record")
    };
    assert_eq!(*left, record(7));
}

#[test]
fn what_is_no_record_of_the_job_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    for content in ["", "{", "[]", "{\"job\": 1}"] {
        std::fs::write(records.file(&job(7)), content).unwrap();
        assert!(
            matches!(records.find(&job(7)).unwrap(), Found::Damaged(_)),
            "{content:?}"
        );
    }
    let mut other = record(7);
    other.job.project_id = 99;
    records.save(&other).unwrap();
    assert!(matches!(records.find(&job(7)).unwrap(), Found::Damaged(_)));
}

#[test]
fn what_is_about_one_attempt_leaves_the_next_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let mut first = record(7);
    records.save(&first).unwrap();
    let found = records.end(&job(7), &records.find(&job(7)).unwrap(), &Ending::Cleanup);
    let Found::Record(ending) = found.unwrap() else {
        panic!("no record")
    };
    assert!(ending.ends);
    // The prepare that it was taken from learns of it, and the mark stays.
    first.intend("token");
    first.times.ready = Some(u64::MAX);
    assert!(records.update(&first).is_err());
    let Found::Record(now) = records.find(&job(7)).unwrap() else {
        panic!("no record")
    };
    assert!(now.ends && now.starts().len() == 1);
    assert_eq!((now.times.ready, &now.outcome), (None, &ending.outcome));

    let found = Found::Record(now);
    let second = record(7).of_attempt("b");
    records.save(&second).unwrap();
    assert!(!records.is_still(&job(7), &found));
    let ended = records.end(&job(7), &found, &Ending::Cleanup).unwrap();
    assert!(matches!(ended, Found::Nothing));
    records.remove(&job(7), &found, &[entry()]).unwrap();
    assert!(records.update(&first).is_err());
    let Found::Record(left) = records.find(&job(7)).unwrap() else {
        panic!("no record")
    };
    assert_eq!(*left, second);
}

#[test]
fn the_first_script_is_the_first_that_began() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let mut record = record(7);
    records.save(&record).unwrap();
    let stage = records.prepares(&record.job);
    stage.note(&record, "build_script", Event::Ended(1));
    let mut without = record.clone();
    records.conclude(&mut without, &Ending::Cleanup);
    assert_eq!(without.times.first_script, None);
    stage.note(&record, "build_script", Event::Began);
    records.conclude(&mut record, &Ending::Cleanup);
    assert!(record.times.first_script.is_some());
}

#[test]
fn a_prepare_that_goes_on_does_not_forget_the_task_that_a_sweep_found() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let mut preparing = record(7);
    preparing.intend("token-whose-reply-was-lost");
    records.save(&preparing).unwrap();
    let found = records.find(&preparing.job).unwrap();
    let found = records
        .end(&preparing.job, &found, &Ending::Abandoned("no runner"))
        .unwrap();
    records.note_found(&preparing.job, &found, "arn:found");
    preparing.intend("another-token");
    assert!(records.update(&preparing).is_err());
    let Found::Record(now) = records.find(&preparing.job).unwrap() else {
        panic!("no record")
    };
    let starts: Vec<_> = now
        .starts()
        .iter()
        .map(|start| (start.token.as_str(), start.task.as_deref()))
        .collect();
    assert_eq!(
        starts[starts.len() - 2..],
        [
            ("token-whose-reply-was-lost", Some("arn:found")),
            ("another-token", None)
        ]
    );
}

#[test]
fn a_prepare_whose_job_goes_on_does_not_forget_the_task_that_a_sweep_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path(), 13).unwrap();
    let mut preparing = record(7);
    preparing.intend("first");
    preparing.started("first", &task("arn:first", None));
    preparing.intend_hedge("second");
    preparing.win(login(), None);
    records.save(&preparing).unwrap();
    let found = records.find(&preparing.job).unwrap();
    records.note_found(&preparing.job, &found, "arn:found");
    let stopped = StoppedTask {
        arn: "arn:found".into(),
        accepted: None,
        facts: None,
    };
    records.note_stopped(&preparing, &[stopped]);
    // The call for the second has no clear answer.
    records.update(&preparing).unwrap();
    let Found::Record(now) = records.find(&preparing.job).unwrap() else {
        panic!("no record")
    };
    let second = now.starts().last().unwrap();
    assert_eq!(second.task.as_deref(), Some("arn:found"));
    assert_eq!(second.standing, Standing::Stopped);
    assert_eq!(now.task(), Some("arn:first"));
}
