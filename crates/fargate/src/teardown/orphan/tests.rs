use proptest::prelude::*;

use super::*;
use crate::state::record::tests::{record, task as shown};
use crate::task::TaskTimes;

const NOW: u64 = 1_800_000_000;
const HERE: &str = "0123456789abcdef";

/// A folder that is there.
const HERE_STILL: Absence = Absence {
    since: None,
    is_over: false,
};

fn task(arn: &str, group: &str, created_at: Option<u64>) -> Task {
    Task {
        arn: arn.into(),
        group: Some(group.into()),
        times: TaskTimes {
            created: created_at.map(|created| created * 1000),
            ..TaskTimes::default()
        },
        last_status: "RUNNING".into(),
        desired_status: "RUNNING".into(),
        ..Task::default()
    }
}

fn ends(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::End(_))
}

fn verdict(task: &Task, records: &[&Record], owner: &str, patience: u64) -> Option<bool> {
    let check = OrphanCheck {
        records,
        waiting: &[],
        folder: HERE,
        now: NOW,
        patience: Duration::from_secs(patience),
    };
    check.verdict(task, owner).map(|verdict| ends(&verdict))
}

proptest! {
    /// However sweeps come and whatever they see: the two looks that end a job are three minutes apart, and neither
    /// they nor a look between them saw the folder or a stage.
    #[test]
    fn a_job_whose_folder_is_missing_for_minutes_is_over(
        looks in prop::collection::vec((0..200u64, 0..3u8, any::<bool>()), 1..30),
    ) {
        let (mut now, mut since, mut first) = (NOW, None, None);
        for (pause, seen, may_run) in looks {
            now += pause;
            let seen = [Presence::Present, Presence::Missing, Presence::Unknown][usize::from(seen)];
            let look = absence(since, seen, may_run, now);
            since = look.since;
            match seen {
                Presence::Missing if !may_run => first = first.or(Some(now)),
                Presence::Unknown => {}
                _ => first = None,
            }
            let is_over = seen == Presence::Missing && first.is_some_and(|first| now - first >= 180);
            prop_assert_eq!(look.is_over, is_over);
        }
    }

    #[test]
    fn a_job_whose_runner_lives_has_a_day_beyond_its_time(now in 0..u64::MAX / 2, over_at: Option<u64>, late in 0..200_000u64) {
        let mut record = record(7);
        for over_at in [over_at, now.checked_sub(late)] {
            record.over_at = over_at;
            let long_over = over_at.is_some_and(|at| at < now && now - at > 24 * 3600);
            prop_assert_eq!(ends(&of_job(&record, Liveness::Lives, HERE_STILL, now)), long_over);
            prop_assert!(ends(&of_job(&record, Liveness::Gone, HERE_STILL, now)));
        }
        // Once its own cleanup has begun there is nothing to wait for.
        record.ends = true;
        prop_assert!(ends(&of_job(&record, Liveness::Lives, HERE_STILL, now)));
    }

    #[test]
    fn a_job_that_cannot_be_seen_has_its_time(now in 0..u64::MAX / 2, left in 0..1_000_000u64) {
        let mut record = record(7);
        record.over_at = Some(now + left);
        prop_assert!(!ends(&of_job(&record, Liveness::Unknown, HERE_STILL, now)));
        record.over_at = now.checked_sub(left + 1);
        prop_assert!(record.over_at.is_none() || ends(&of_job(&record, Liveness::Unknown, HERE_STILL, now)));
    }

    #[test]
    fn a_task_that_a_record_answers_for_is_left(
        starts in prop::collection::vec((any::<bool>(), any::<bool>()), 0..4),
        same_job: bool, old: bool, age in 0..2000u64, patience in 0..2000u64,
    ) {
        let mut record = record(7);
        if old {
            record = record.of_format_1();
        }
        let (mut is_named, mut is_open) = (false, false);
        for (number, (has_task, is_ours)) in starts.into_iter().enumerate() {
            let token = format!("token-{number}");
            record.intend(&token);
            if has_task {
                record.started(&token, &shown(if is_ours { "arn:1" } else { "arn:2" }, None));
            }
            is_named |= has_task && is_ours;
            is_open |= !has_task;
        }
        let other = Record::parse(&serde_json::to_vec(&crate::state::record::tests::record(8)).unwrap()).unwrap();
        let group = if same_job { record.group() } else { other.group() };
        let verdict = verdict(&task("arn:1", &group, Some(NOW - age)), &[&record], HERE, patience);
        if is_named || (is_open && same_job) {
            prop_assert_eq!(verdict, None);
        } else {
            prop_assert_eq!(verdict, Some(age >= patience));
        }
    }

    /// Two managers of one name, clones of a disk, a replaced machine: their jobs live until their time is over.
    #[test]
    fn a_task_of_another_folder_has_until_its_time_is_over(
        age in 0..1_000_000u64, left in -10_000..10_000_i64, patience in 0..2000u64,
    ) {
        let over_at = NOW.checked_add_signed(left).unwrap();
        let group = format!("gitlab/3/7/fedcba9876543210/{over_at}");
        let task = task("arn:1", &group, Some(NOW - age));
        prop_assert_eq!(verdict(&task, &[], "ci", patience), Some(left < -600));
    }
}

#[test]
fn a_job_whose_folder_is_missing_ends_only_where_its_runner_can_be_seen() {
    let mut record = record(7);
    record.over_at = Some(NOW + 1000);
    let missing = Absence {
        since: Some(NOW - 200),
        is_over: true,
    };
    assert!(ends(&of_job(&record, Liveness::Lives, missing, NOW)));
    assert!(!ends(&of_job(&record, Liveness::Unknown, missing, NOW)));
    // The clock was set back.
    let later = absence(Some(NOW + 1), Presence::Missing, false, NOW);
    assert_eq!((later.since, later.is_over), (Some(NOW), false));
}

#[test]
fn a_task_of_format_1_belongs_to_the_folder_whose_id_its_manager_has_for_a_name() {
    let young = task("arn:1", "gitlab/3/7", Some(NOW - 700));
    assert_eq!(verdict(&young, &[], HERE, 600), Some(true));
    // A name that is the id of a lost folder finds its tasks, and does not know when they are over.
    assert_eq!(verdict(&young, &[], "fedcba9876543210", 600), Some(false));
    let old = task("arn:1", "gitlab/3/7", Some(NOW - LONGEST_JOB - 601));
    assert_eq!(verdict(&old, &[], "fedcba9876543210", 600), Some(true));
}

#[test]
fn a_task_whose_end_has_begun_is_nobodys_concern() {
    let group = format!("gitlab/3/7/{HERE}/1800000000");
    let mut ending = task("arn:1", &group, Some(0));
    ending.desired_status = "STOPPED".into();
    assert_eq!(verdict(&ending, &[], HERE, 0), None);
    // One that AWS gives no time for is taken for new.
    let timeless = task("arn:1", &group, None);
    assert_eq!(verdict(&timeless, &[], HERE, 1), Some(false));
    // A mark of another version of the driver, or of somebody else.
    let other = task("arn:1", "warm/1", Some(0));
    assert_eq!(verdict(&other, &[], HERE, 0), Some(false));
}

#[test]
fn a_task_that_its_agents_never_agreed_to_keep_is_not_left_for_its_time() {
    let mut record = record(7);
    (record.ends, record.keep_for) = (true, 3600);
    record.times.ended = Some(NOW * 1000);
    record.kept_until = Some(NOW + 3600);
    for (entered, now, is_over) in [
        (false, NOW + 60, false),
        (false, NOW + 400, true),
        (true, NOW + 400, false),
        (true, NOW + 3601, true),
    ] {
        record.is_entered = entered;
        let verdict = of_job(&record, Liveness::Gone, Absence::default(), now);
        assert_eq!(ends(&verdict), is_over, "{entered}, {now}: {verdict:?}");
    }
}

#[test]
fn a_waiting_task_of_another_folder_may_be_a_jobs_by_now() {
    let of = |folder: &str, over_at: u64, created_at: u64| {
        let group = format!("warm/fedcba9876543210/{folder}/{over_at}");
        verdict(&task("arn", &group, Some(created_at)), &[], "m", 600)
    };
    let other = "0000000000000000";
    assert_eq!(of(other, NOW - 24 * 3600, NOW - 30 * 3600), Some(false));
    assert_eq!(
        of(other, NOW - 8 * 24 * 3600, NOW - 9 * 24 * 3600),
        Some(true)
    );
    // Those of this folder have a file or a record.
    assert_eq!(of(HERE, NOW + 3600, NOW - 601), Some(true));
    assert_eq!(of(HERE, NOW + 3600, NOW - 599), Some(false));
}
