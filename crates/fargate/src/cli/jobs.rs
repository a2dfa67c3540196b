//! The options of `fargate ps` and `fargate logs`.

use clap::Args;

/// The examples of its help.
pub(super) const PS_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml ps
  fargate --config fargate.toml ps --watch";

pub(super) const LOGS_EXAMPLES: &str = "\
Examples:
  fargate --config fargate.toml logs 4711
  fargate --config fargate.toml logs 4711 --follow";

/// Characters of a task's id, all hexadecimal digits, and how many of them tell it from others.
const TASK_ID: usize = 32;
const SHORT_TASK_ID: usize = 8;

/// `fargate ps`
#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// Show the jobs until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Print the pages of jobs in GitLab, and of tasks in AWS's console
    #[arg(long, conflicts_with = "json")]
    pub(crate) links: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// `fargate logs`
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// A job's id, a task's id or its first eight characters, or a task's ARN [default: the only job that runs]
    #[arg(value_name = "JOB|TASK", value_parser = Subject::parse)]
    pub(crate) subject: Option<Subject>,
    /// Go on until the task has stopped
    #[arg(long, conflicts_with = "json")]
    pub(crate) follow: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A job or a task, as an operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// A job's id.
    pub(crate) job: Option<u64>,
    /// The beginning of a task's id, or all of it.
    pub(crate) task: Option<String>,
}

impl Subject {
    /// Reads a name. A long number may be both: a job's is tried first.
    fn parse(name: &str) -> Result<Self, String> {
        let id = match name.strip_prefix("arn:") {
            Some(arn) => arn.rsplit('/').next().filter(|id| id.len() == TASK_ID),
            None => Some(name),
        };
        let id = id.unwrap_or_default();
        let is_hexadecimal = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_task = is_hexadecimal && (SHORT_TASK_ID..=TASK_ID).contains(&id.len());
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let subject = Self {
            job: name.parse().ok().filter(|_| is_number),
            task: is_task.then(|| id.to_ascii_lowercase()),
        };
        match (&subject.job, &subject.task) {
            (None, None) => Err(format!(
                "neither a job's id nor a task's: a task's has {TASK_ID} hexadecimal digits, of which \
                 {SHORT_TASK_ID} are enough"
            )),
            _ => Ok(subject),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.job, &self.task) {
            (Some(job), _) => write!(f, "job {job}"),
            (None, task) => write!(f, "task {}", task.as_deref().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_an_id_and_nothing_else() {
        let task = "c2596695d9aa68095412a57afa4174b5";
        let arn = format!("arn:aws:ecs:eu-west-1:111122223333:task/ci/{task}");
        let long = "9".repeat(33);
        for (name, job, id) in [
            ("4711", Some(4711), None),
            ("81234561", Some(81_234_561), Some("81234561")),
            ("c2596695", None, Some("c2596695")),
            ("C2596695", None, Some("c2596695")),
            (task, None, Some(task)),
            (&arn, None, Some(task)),
        ] {
            let subject = Subject::parse(name).unwrap();
            assert_eq!((subject.job, subject.task.as_deref()), (job, id), "{name}");
        }
        for name in [
            "",
            "c25",
            "../4711",
            "-1",
            "+1",
            "4711 ",
            "arn:aws:ecs:r:1:task/ci/c2596695",
            "arn:",
            "c2596695/../x",
            "ünsinn12",
            &long,
        ] {
            assert!(Subject::parse(name).is_err(), "{name}");
        }
    }
}
