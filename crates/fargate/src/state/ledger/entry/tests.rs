use super::*;
use crate::state::record::tests::{login, record, task};

fn stopped(arn: &str) -> StoppedTask {
    StoppedTask {
        arn: arn.to_owned(),
        accepted: Some(9),
        facts: None,
    }
}

/// The tasks in each line, by its kind.
fn lines(record: &Record, stopped: &[StoppedTask]) -> Vec<(Kind, Vec<String>)> {
    let entries = Entry::at_end(record, stopped, &[]).into_iter();
    let tasks = |entry: Entry| entry.tasks.into_iter().map(|task| task.task).collect();
    entries.map(|entry| (entry.kind, tasks(entry))).collect()
}

#[test]
fn the_task_that_was_behind_has_a_line_of_its_own() {
    let both = || {
        let mut record = record(7);
        record.intend("one");
        record.started("one", &task("one", None));
        record.intend_hedge("two");
        record.started("two", &task("two", None));
        record
    };
    for (winner, loser) in [("one", "two"), ("two", "one")] {
        let mut record = both();
        record.leave_behind_all_but(winner);
        record.win(login(), None);
        record.stopped(loser, Some(5), None);
        let entries = Entry::at_end(&record, &[stopped(winner)], &[]);
        let [job, hedged] = &entries[..] else {
            panic!("{entries:?}")
        };
        assert_eq!((job.kind, hedged.kind), (Kind::Job, Kind::Hedged));
        assert_eq!(hedged.attempt, format!("{}-hedged", job.attempt));
        assert_eq!(job.tasks[0].task, winner);
        assert_eq!(job.tasks[0].hedge, winner == "two");
        assert_eq!(
            (hedged.tasks[0].task.as_str(), hedged.tasks[0].stop_accepted),
            (loser, Some(5))
        );
    }
    // Nobody won.
    let neither = lines(&both(), &[stopped("one"), stopped("two")]);
    assert_eq!(
        neither,
        [
            (Kind::Job, vec!["one".to_owned()]),
            (Kind::Hedged, vec!["two".to_owned()])
        ]
    );
}

#[test]
fn a_task_that_was_found_has_the_same_line_when_teardown_is_done_again() {
    let mut before = record(7);
    before.intend("one");
    before.started("one", &task("one", None));
    before.intend_hedge("two");
    before.leave_behind_all_but("one");
    before.win(login(), None);
    let found = [stopped("one"), stopped("two")];
    let first = lines(&before, &found);
    // As it is on disk then.
    before.found("two");
    assert_eq!(lines(&before, &found), first);
    assert_eq!(first[1], (Kind::Hedged, vec!["two".to_owned()]));
}
