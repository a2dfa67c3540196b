//! The task's metadata, which shows the ends of its containers at once (ECS: task metadata endpoint, version 4).

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default)]
    containers: Vec<ContainerMetadata>,
}

/// A container, as the task itself sees it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerMetadata {
    pub(crate) name: String,
    pub(crate) image: Option<String>,
    /// Status it exited with, if it ran and ended.
    pub(crate) exit_code: Option<i32>,
}

/// The containers in the endpoint's answer.
///
/// # Errors
///
/// When the answer is of another form.
pub(crate) fn containers(answer: &str) -> Result<Vec<ContainerMetadata>, String> {
    serde_json::from_str(answer)
        .map(|metadata: Metadata| metadata.containers)
        .map_err(|error| format!("{error} in its answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shortened from the sample of Fargate in ECS's documentation (task metadata endpoint version 4, `${URI}/task`).
    const SAMPLE: &str = r#"{ "Cluster": "arn:aws:ecs:us-west-2:111122223333:cluster/default", "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING", "Containers": [{ "DockerId": "cd189a933e5849daa93386466019ab50-2495160603",
        "Name": "curl", "DockerName": "curl", "Image": "111122223333.dkr.ecr.us-west-2.amazonaws.com/curltest:latest",
        "ImageID": "sha256:25f3695bedfb454a50f12d127839a68ad3caf91e451c1da073db34c542c4d2cb", "Labels": {},
        "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING", "Limits": { "CPU": 10, "Memory": 128 } },
        { "Name": "db", "Image": "postgres:16", "KnownStatus": "STOPPED", "ExitCode": 1 }], "LaunchType": "FARGATE" }"#;

    #[test]
    fn ends_are_those_with_an_exit_code() {
        let containers = containers(SAMPLE).unwrap();
        let ends: Vec<_> = containers
            .iter()
            .map(|container| (container.name.as_str(), container.exit_code))
            .collect();
        assert_eq!(ends, [("curl", None), ("db", Some(1))]);
        assert_eq!(containers[1].image.as_deref(), Some("postgres:16"));
    }

    #[test]
    fn an_answer_of_another_form_is_none() {
        for answer in ["", "null", "7", "{\"Containers\": [{}]}"] {
            assert!(super::containers(answer).is_err(), "{answer}");
        }
        assert_eq!(super::containers("{}").unwrap().len(), 0);
    }
}
