//! How a task is marked as this manager's and this job's, so that it is found without a record.
//!
//! Both marks are part of RunTask itself and need no permission of their own, as tags do.

use crate::gitlab::Job;

/// How the manager's tasks are named to AWS, which lists them by it (AWS: startedBy).
pub(crate) fn started_by(manager: &str) -> String {
    format!("fargate/{manager}")
}

/// How the job's task is named to AWS, so that it is found among the manager's (AWS: group).
pub(crate) fn group(job: &Job) -> String {
    format!("gitlab/{}/{}", job.project_id, job.id)
}

/// The job that a group names: its project's id and its own.
pub(crate) fn job_of(group: &str) -> Option<(u64, u64)> {
    let (project, job) = group.strip_prefix("gitlab/")?.split_once('/')?;
    Some((project.parse().ok()?, job.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_found_by_its_mark() {
        let job = Job {
            id: 7,
            project_id: 3,
            pipeline_id: 4,
            project: "a/b".into(),
            name: "test".into(),
            runner: "t1_abc".into(),
        };
        assert_eq!(job_of(&group(&job)), Some((3, 7)));
        for other in [
            "",
            "gitlab/",
            "gitlab/3",
            "gitlab/3/x",
            "family:ci",
            "gitlab/3/7/1",
        ] {
            assert_eq!(job_of(other), None, "{other}");
        }
    }
}
