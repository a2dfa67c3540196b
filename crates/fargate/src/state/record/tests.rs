use std::os::unix::fs::PermissionsExt;

use super::*;

pub(crate) fn record(id: u64) -> Record {
    Record {
        job: job(id),
        attempt: "a".into(),
        cluster: "ci".into(),
        region: "eu-west-1".into(),
        runner: None,
        over_at: None,
        ends: false,
        intended_at: now().as_secs(),
        call: None,
        task: None,
        memory: None,
        login: None,
        build: None,
        began: false,
    }
}

fn job(id: u64) -> Job {
    Job {
        id,
        project_id: 3,
        pipeline_id: 4,
        project: "a/b".into(),
        name: "test".into(),
        runner: "t1_abc".into(),
    }
}

#[test]
fn a_record_comes_back_as_it_was_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::new(&folder.path().join("new/metadata"));
    let job = job(7);
    assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
    let mut record = record(7);
    records.save(&record).unwrap();
    record.task = Some("arn".into());
    records.save(&record).unwrap();
    let Found::Record(read) = records.find(&job).unwrap() else {
        panic!("no record")
    };
    assert_eq!(read.task.as_deref(), Some("arn"));
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
    assert_eq!(
        std::fs::read_dir(&records.directory).unwrap().count(),
        1,
        "a draft was left"
    );
    let found = records.find(&job).unwrap();
    records.remove(&job, &found).unwrap();
    records.remove(&job, &found).unwrap();
    assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
}

#[test]
fn all_records_are_found_and_what_was_never_completed_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::new(&folder.path().join("metadata"));
    assert!(records.all().unwrap().is_empty());
    records.save(&record(7)).unwrap();
    records.save(&record(8)).unwrap();
    let beside = |name: &str, age: u64| {
        let file = std::fs::File::create(records.directory.join(name)).unwrap();
        let written = SystemTime::now() - Duration::from_secs(age);
        file.set_modified(written).unwrap();
    };
    for (name, age) in [
        ("t1_abc-9.json", 0),
        ("t1_abc-7.tmp1", 0),
        ("t1_abc-70.tmp1", 0),
        ("t1_abc-8.tmp2", 61),
        ("manager", 99_999),
        ("fargate-a.lock", 60),
        ("fargate-b.lock", 99_999),
    ] {
        beside(name, age);
    }
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
    assert!(!names().contains("t1_abc-8.tmp2") && !names().contains("fargate-b.lock"));
    let found = records.find(&job(7)).unwrap();
    records.remove(&job(7), &found).unwrap();
    let left = [
        "fargate-a.lock",
        "manager",
        "t1_abc-70.tmp1",
        "t1_abc-8.json",
        "t1_abc-9.json",
    ];
    assert_eq!(names(), left.map(str::to_owned).into());
}

#[test]
fn what_is_no_record_of_the_job_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::new(folder.path());
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
    let records = Records::new(folder.path());
    let mut first = record(7);
    records.save(&first).unwrap();
    let found = records.end(&job(7), &records.find(&job(7)).unwrap());
    let Found::Record(ending) = found.unwrap() else {
        panic!("no record")
    };
    assert!(ending.ends);
    // The prepare that it was taken from learns of it, and the mark stays.
    first.task = Some("arn".into());
    assert!(records.update(&first).is_err());
    let Found::Record(now) = records.find(&job(7)).unwrap() else {
        panic!("no record")
    };
    assert!(now.ends && now.task.is_some());

    let found = Found::Record(now);
    let mut second = record(7);
    second.attempt = "b".into();
    records.save(&second).unwrap();
    assert!(!records.is_still(&job(7), &found));
    let ended = records.end(&job(7), &found).unwrap();
    assert!(matches!(ended, Found::Nothing));
    records.remove(&job(7), &found).unwrap();
    assert!(records.update(&first).is_err());
    let Found::Record(left) = records.find(&job(7)).unwrap() else {
        panic!("no record")
    };
    assert_eq!(*left, second);
}
