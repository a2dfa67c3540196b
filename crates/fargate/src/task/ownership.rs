//! The marks of a task: its manager, job and metadata folder, and the time by which the job is over.
//!
//! Both marks are part of RunTask and need no permission of their own, as tags do. They identify a task without a
//! record.

use crate::gitlab::Job;

/// Prefix of the groups of jobs' tasks.
const GROUP: &str = "gitlab/";

/// Prefix of the groups of tasks that wait for jobs.
const WARM_GROUP: &str = "warm/";

/// The mark of the manager with this name on its tasks, by which AWS lists them (AWS: startedBy, up to 128 letters,
/// digits, `-`, `/` and `_`).
pub(crate) fn started_by(name: &str) -> String {
    format!("fargate/{name}")
}

/// The mark of the job on its tasks (AWS: group, up to 255 characters); `over_at` is in seconds since 1970.
pub(crate) fn group(job: &Job, folder: &str, over_at: u64) -> String {
    format!("{GROUP}{}/{}/{folder}/{over_at}", job.project_id, job.id)
}

/// The mark of the job as drivers of format 1 wrote it.
pub(crate) fn old_group(job: &Job) -> String {
    format!("{GROUP}{}/{}", job.project_id, job.id)
}

/// The mark of the waiting task with this id (AWS: group); `over_at` is in seconds since 1970.
pub(crate) fn warm_group(id: &str, folder: &str, over_at: u64) -> String {
    format!("{WARM_GROUP}{id}/{folder}/{over_at}")
}

/// A parsed group of a waiting task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WarmMark {
    /// Id of the task.
    pub(crate) id: String,
    /// Id of the folder with its file.
    pub(crate) folder: String,
    /// When its waiting is over in any case, in seconds since 1970. A job that claims it has a time of its own.
    pub(crate) over_at: u64,
}

impl WarmMark {
    /// Parses a group; `None` when it is not of a waiting task.
    pub(crate) fn parse(group: &str) -> Option<Self> {
        let mut parts = group.strip_prefix(WARM_GROUP)?.split('/');
        let mark = Self {
            id: parts.next()?.to_owned(),
            folder: parts.next()?.to_owned(),
            over_at: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(mark)
    }
}

/// A parsed group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Id of the project.
    pub(crate) project: u64,
    /// Id of the job.
    pub(crate) job: u64,
    /// Id of the folder with the job's record, and the time by which the job is over; absent in marks of format 1.
    pub(crate) origin: Option<(String, u64)>,
}

impl Mark {
    /// Parses a group; `None` when no driver wrote it.
    pub(crate) fn parse(group: &str) -> Option<Self> {
        let mut parts = group.strip_prefix(GROUP)?.split('/');
        let (project, job) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let origin = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => None,
            (Some(folder), Some(over_at), None) => Some((folder.to_owned(), over_at.parse().ok()?)),
            _ => return None,
        };
        Some(Self {
            project,
            job,
            origin,
        })
    }

    /// Whether it is a mark of the job.
    pub(crate) fn is_of(&self, job: &Job) -> bool {
        (self.project, self.job) == (job.project_id, job.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u64) -> Job {
        Job {
            id,
            project_id: u64::MAX,
            pipeline_id: 4,
            project: "a/b".into(),
            name: "test".into(),
            runner: "t1_abc".into(),
            page: None,
        }
    }

    #[test]
    fn a_job_is_found_by_its_mark() {
        let mark = Mark::parse(&group(&job(7), "0123456789abcdef", 1_800_000_000)).unwrap();
        assert!(mark.is_of(&job(7)) && !mark.is_of(&job(8)));
        let origin = ("0123456789abcdef".to_owned(), 1_800_000_000);
        assert_eq!(mark.origin, Some(origin));
        let old = Mark::parse(&old_group(&job(7))).unwrap();
        assert!(old.is_of(&job(7)) && old.origin.is_none());
        for other in [
            "",
            "gitlab/",
            "gitlab/3",
            "gitlab/3/x",
            "family:ci",
            "gitlab/3/7/1",
            "gitlab/3/7/1/x",
            "gitlab/3/7/1/2/3",
            "warm/3/7",
        ] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_waiting_task_is_found_by_its_mark() {
        let group = warm_group("0123456789abcdef", "fedcba9876543210", 1_800_000_000);
        let mark = WarmMark::parse(&group).unwrap();
        assert_eq!(mark.id, "0123456789abcdef");
        assert_eq!(mark.folder, "fedcba9876543210");
        assert_eq!(mark.over_at, 1_800_000_000);
        for other in [
            "warm/",
            "warm/a/b",
            "warm/a/b/x",
            "warm/a/b/1/2",
            "gitlab/3/7/a/1",
        ] {
            assert_eq!(WarmMark::parse(other), None, "{other}");
        }
    }

    #[test]
    fn marks_fit_into_what_aws_takes() {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
        let started_by = started_by(&"n".repeat(100));
        assert!(started_by.len() <= 128 && started_by.bytes().all(allowed));
        let group = group(&job(u64::MAX), "0123456789abcdef", u64::MAX);
        assert!(group.len() <= 128 && group.bytes().all(allowed));
    }
}
