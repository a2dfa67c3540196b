//! The tags of a job's task.

use std::collections::BTreeMap;

use crate::config::is_tag_character;
use crate::gitlab::Job;

/// The tags of a job's task. The operator's own tags replace those of the same key.
pub(super) fn tags(job: &Job, configured: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut tags = job_tags(job, configured);
    tags.extend(configured.clone());
    tags
}

/// The tags with facts about the job, but for keys that the operator has taken: what a task lacks that was started
/// without a job. The manager's policy names these keys (`docs/iam`, `TagTasksThatRun`).
pub(super) fn job_tags(
    job: &Job,
    configured: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([
        ("gitlab:job-id".to_owned(), job.id.to_string()),
        ("gitlab:runner".to_owned(), job.runner.clone()),
    ]);
    let facts = [
        ("gitlab:project-id", number(job.project_id)),
        ("gitlab:pipeline-id", number(job.pipeline_id)),
        ("gitlab:project", job.project.clone()),
        ("gitlab:job-name", job.name.clone()),
    ];
    tags.extend(
        facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), tag_value(&value))),
    );
    tags.retain(|key, _| !configured.contains_key(key));
    tags
}

fn number(id: u64) -> String {
    if id == 0 {
        String::new()
    } else {
        id.to_string()
    }
}

/// The value within AWS's alphabet and length, and not like one of AWS's own (AWS: Tag).
fn tag_value(value: &str) -> String {
    let reserved = value
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    let allowed = |(at, character)| {
        if is_tag_character(character) && !(reserved && at == 3) {
            character
        } else {
            '_'
        }
    };
    value.chars().enumerate().map(allowed).take(256).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_aws_takes_and_the_operators_win() {
        let job = Job {
            id: 7,
            project_id: 3,
            pipeline_id: 0,
            project: "acme/shop".into(),
            name: "unit tests, [a] #1*".into(),
            runner: "t1_abc".into(),
            page: None,
        };
        let configured = BTreeMap::from([
            ("gitlab:runner".into(), "mine".into()),
            ("team".into(), "x".into()),
        ]);
        let of_job = job_tags(&job, &configured);
        let tags = tags(&job, &configured);
        // Tags that a task lacks which has the operator's.
        assert!(
            tags.iter()
                .all(|(key, _)| of_job.contains_key(key) != configured.contains_key(key))
        );
        let tags: Vec<_> = tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            tags,
            [
                "gitlab:job-id=7",
                "gitlab:job-name=unit tests_ _a_ _1_",
                "gitlab:project=acme/shop",
                "gitlab:project-id=3",
                "gitlab:runner=mine",
                "team=x",
            ]
        );
    }
}
