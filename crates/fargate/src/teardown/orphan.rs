//! Whether a job is over without its cleanup, and a task without a job. Decisions only.

use std::time::Duration;

use crate::state::liveness::Liveness;
use crate::state::record::Record;
use crate::task::Task;
use crate::task::ownership::job_of;

/// How long after its intent a job is over that does not say when: longer than any job of GitLab's.
const LONGEST_JOB: u64 = 7 * 24 * 3600;

/// How long after its time a job is over whose runner lives: the runner itself ends it minutes after its timeout, and
/// calls cleanup, which may have been unable to leave word.
const BEYOND_ITS_TIME: u64 = 24 * 3600;

/// What is to become of something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep(String),
    End(String),
}

/// What is to become of a job whose GitLab Runner met this fate.
pub(crate) fn of_job(record: &Record, runner: Liveness, now: u64) -> Verdict {
    let over_at = record
        .over_at
        .unwrap_or(record.intended_at.saturating_add(LONGEST_JOB));
    let is_long_over = |over_at: u64| now > over_at.saturating_add(BEYOND_ITS_TIME);
    let ago = |over_at: u64| span(Duration::from_secs(now.saturating_sub(over_at)));
    match runner {
        _ if record.ends => Verdict::End("its end had begun, and was cut short".to_owned()),
        Liveness::Lives if record.over_at.is_some_and(is_long_over) => Verdict::End(format!(
            "its time was over {} ago, though its GitLab Runner lives",
            ago(over_at)
        )),
        Liveness::Lives => Verdict::Keep("its GitLab Runner lives".to_owned()),
        Liveness::Gone => Verdict::End("its GitLab Runner is gone".to_owned()),
        Liveness::Unknown if now > over_at => {
            Verdict::End(format!("its time was over {} ago", ago(over_at)))
        }
        Liveness::Unknown => Verdict::Keep(format!(
            "whether its GitLab Runner lives cannot be seen from here, and its time is over in {}",
            span(Duration::from_secs(over_at - now))
        )),
    }
}

/// What is to become of a task of this manager, where `records` are those there were after it was listed; nothing
/// when one of them answers for it.
///
/// An intent is recorded before each RunTask, so a task that no record answers for has lost its job. `patience` is for
/// what nobody thought of.
pub(crate) fn of_task(
    task: &Task,
    records: &[&Record],
    now: u64,
    patience: Duration,
) -> Option<Verdict> {
    let job = task.group.as_deref().and_then(job_of);
    let answers = |record: &&&Record| {
        let is_its_job = job == Some((record.job.project_id, record.job.id));
        record.task.as_deref() == Some(task.arn.as_str())
            // A call under way, or one that ended with nobody knowing how, may have brought it.
            || (is_its_job && record.call.is_some())
    };
    if task.is_ending() || records.iter().any(|record| answers(&record)) {
        return None;
    }
    let age = Duration::from_secs(now.saturating_sub(task.created_at.unwrap_or(now)));
    Some(if age >= patience {
        Verdict::End(format!("no record names it, {} after its start", span(age)))
    } else {
        Verdict::Keep(format!(
            "no record names it, but it was started only {} ago (--older-than)",
            span(age)
        ))
    })
}

/// A time as people say it, to the second.
fn span(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::record::tests::record;

    fn task(arn: &str, group: &str, created_at: Option<u64>) -> Task {
        Task {
            arn: arn.into(),
            group: Some(group.into()),
            created_at,
            last_status: "RUNNING".into(),
            desired_status: "RUNNING".into(),
            ..Task::default()
        }
    }

    fn ends(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::End(_))
    }

    proptest! {
        #[test]
        fn a_job_whose_runner_lives_has_a_day_beyond_its_time(now in 0..u64::MAX / 2, over_at: Option<u64>, intended_at: u64, late in 0..200_000u64) {
            let mut record = record(7);
            record.intended_at = intended_at;
            for over_at in [over_at, now.checked_sub(late)] {
                record.over_at = over_at;
                let long_over = over_at.is_some_and(|at| at < now && now - at > 24 * 3600);
                prop_assert_eq!(ends(&of_job(&record, Liveness::Lives, now)), long_over);
                prop_assert!(ends(&of_job(&record, Liveness::Gone, now)));
            }
            // Once its own cleanup has begun there is nothing to wait for.
            record.ends = true;
            prop_assert!(ends(&of_job(&record, Liveness::Lives, now)));
        }

        #[test]
        fn a_job_that_cannot_be_seen_has_its_time(now in 0..u64::MAX / 2, left in 0..1_000_000u64) {
            let mut record = record(7);
            record.over_at = Some(now + left);
            prop_assert!(!ends(&of_job(&record, Liveness::Unknown, now)));
            record.over_at = now.checked_sub(left + 1);
            prop_assert!(record.over_at.is_none() || ends(&of_job(&record, Liveness::Unknown, now)));
        }

        #[test]
        fn a_task_that_a_record_answers_for_is_left(call: bool, named: bool, same_job: bool, age in 0..2000u64, patience in 0..2000u64) {
            let mut record = record(7);
            record.task = named.then(|| "arn:1".to_owned());
            record.call = call.then(|| "token".to_owned());
            let group = if same_job { "gitlab/3/7" } else { "gitlab/3/8" };
            let verdict = of_task(&task("arn:1", group, Some(10_000 - age)), &[&record], 10_000, Duration::from_secs(patience));
            if named || (call && same_job) {
                prop_assert_eq!(verdict, None);
            } else {
                prop_assert_eq!(ends(&verdict.unwrap()), age >= patience);
            }
        }
    }

    #[test]
    fn a_task_whose_end_has_begun_is_nobodys_concern() {
        let mut ending = task("arn:1", "gitlab/3/7", Some(0));
        ending.desired_status = "STOPPED".into();
        assert_eq!(of_task(&ending, &[], 1000, Duration::ZERO), None);
        // One that AWS gives no time for is taken for new.
        let verdict = of_task(&task("arn:1", "x", None), &[], 1000, Duration::from_secs(1));
        assert!(matches!(verdict, Some(Verdict::Keep(_))));
    }
}
