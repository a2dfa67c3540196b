use std::net::IpAddr;

use super::*;

pub(crate) fn record(id: u64) -> Record {
    Record {
        job: job(id),
        attempt: "a".into(),
        cluster: "ci".into(),
        region: "eu-west-1".into(),
        endpoint: None,
        started_by: "fargate/ci".into(),
        group: format!("gitlab/3/{id}/0123456789abcdef/1800000000"),
        runner: None,
        job_folder: None,
        missing_since: None,
        over_at: None,
        keep_for: 0,
        kept_until: None,
        is_entered: false,
        ends: false,
        starts: Vec::new(),
        login: None,
        build: None,
        project_folder: None,
        began: false,
        services_had_time: false,
        end_told: false,
        public_ip: false,
        times: AttemptTimes::default(),
        warm: None,
        missing_tags: BTreeMap::new(),
        outcome: None,
        start_hash: None,
    }
}

pub(crate) fn job(id: u64) -> Job {
    Job {
        id,
        project_id: 3,
        pipeline_id: 4,
        project: "a/b".into(),
        name: "test".into(),
        runner: "t1_abc".into(),
        page: None,
    }
}

/// A task as AWS shows it at once.
pub(crate) fn task(arn: &str, memory: Option<u32>) -> Task {
    Task {
        arn: arn.into(),
        memory,
        ..Task::default()
    }
}

impl Record {
    /// The same, without what format 1 lacks.
    pub(crate) fn of_format_1(self) -> Self {
        Self {
            started_by: String::new(),
            group: String::new(),
            endpoint: None,
            ..self
        }
    }

    /// The same, as if all that happened to it had happened at once.
    pub(crate) fn without_times(mut self) -> Self {
        for start in &mut self.starts {
            start.intended_at = 0;
        }
        let times = &mut self.times;
        for time in [
            &mut times.asked,
            &mut times.hedged,
            &mut times.ready,
            &mut times.ended,
        ] {
            *time = time.map(|_| 0);
        }
        self
    }

    pub(crate) fn of_attempt(self, attempt: &str) -> Self {
        Self {
            attempt: attempt.to_owned(),
            ..self
        }
    }
}

fn standings(record: &Record) -> Vec<(&str, Standing, Option<&str>)> {
    let starts = record.starts().iter();
    starts
        .map(|start| (start.token.as_str(), start.standing, start.task.as_deref()))
        .collect()
}

pub(crate) fn login() -> Login {
    Login {
        address: IpAddr::from([10, 0, 0, 1]),
        port: 22,
        username: "root".into(),
        host_key: String::new(),
        private_key: String::new(),
    }
}

#[test]
fn a_record_lists_its_starts_until_each_is_settled() {
    let mut record = record(7);
    assert_eq!(record.task(), None);
    record.intend("one");
    record.intend("one");
    assert_eq!(standings(&record), [("one", Standing::Asked, None)]);
    record.started("one", &task("arn:1", Some(512)));
    assert_eq!((record.task(), record.memory()), (Some("arn:1"), Some(512)));
    // AWS took it back, and another one follows.
    record.lose(&task("arn:1", Some(512)));
    assert_eq!(record.task(), None);
    record.intend("two");
    record.refuse("two");
    record.intend("three");
    record.intend("four");
    record.started("four", &task("arn:4", None));
    record.win(login(), None);
    assert_eq!(
        standings(&record),
        [
            ("one", Standing::Stopped, Some("arn:1")),
            ("two", Standing::Refused, None),
            ("three", Standing::Asked, None),
            ("four", Standing::Won, Some("arn:4")),
        ]
    );
    assert_eq!(record.task(), Some("arn:4"));
}

#[test]
fn only_refused_starts_leave_the_list() {
    let mut record = record(7);
    record.intend("lost");
    record.started("lost", &task("arn:1", None));
    record.lose(&task("arn:1", None));
    record.intend("open");
    for number in 0..100 {
        let token = format!("token-{number}");
        record.intend(&token);
        record.refuse(&token);
    }
    assert!(record.starts().len() < 30);
    let has = |token: &str| record.starts().iter().any(|start| start.token == token);
    // AWS bills the task that it took back.
    assert!(has("lost") && has("open") && has("token-99"));
}

#[test]
fn records_of_format_1_are_read() {
    let golden = include_str!("golden/format_1.json");
    let record = Record::parse(golden.as_bytes()).unwrap();
    assert_eq!(standings(&record), [("", Standing::Won, record.task())]);
    assert!(record.task().unwrap().starts_with("arn:aws:ecs:"));
    assert_eq!(record.memory(), Some(1024));
    assert_eq!(record.group(), "gitlab/77/4711");
    assert_eq!(record.started_by(), None);
    assert!(record.runner.is_some() && record.login.is_some());

    let with = |task: &str, call: &str, login: &str| {
        let mut old: serde_json::Value = serde_json::from_str(golden).unwrap();
        for (key, value) in [("task", task), ("call", call), ("login", login)] {
            if let "null" = value {
                old[key] = serde_json::Value::Null;
            }
        }
        if call != "null" {
            old["call"] = call.into();
        }
        let record = Record::parse(old.to_string().as_bytes()).unwrap();
        let standing = |start: &Start| (start.token.clone(), start.standing);
        record.starts().iter().map(standing).collect::<Vec<_>>()
    };
    let started = [(String::new(), Standing::Started)];
    assert_eq!(with("", "null", "null"), started);
    let asked = [("job-1".to_owned(), Standing::Asked)];
    assert_eq!(with("null", "job-1", "null"), asked);
    assert!(with("null", "null", "null").is_empty());
    // Neither starts nor what stood in their place.
    let mut none: serde_json::Value = serde_json::from_str(golden).unwrap();
    none.as_object_mut().unwrap().remove("intended_at");
    assert!(Record::parse(none.to_string().as_bytes()).is_err());
}
