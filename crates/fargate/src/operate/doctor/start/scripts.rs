//! The scripts of the job, and what they say.

use serde::Deserialize;

use super::observed::{Observed, Outcome};

/// Begins a line in which a script says something: `fargate-doctor: NAME=VALUE`.
const MARK: &str = "fargate-doctor: ";

/// Runs in the helper, where jobs bring their own images. One file has one number (inode), wherever it is mounted.
const HELPER: &str = "\
set -- $(ls -Li /etc/hosts 2>/dev/null)
echo \"fargate-doctor: hosts=${1:-}\"
";

/// Runs in the job's container. The folder of builds is a volume in JobImage mode.
const JOB: &str = "\
folder=/builds/fargate-doctor-$$
if mkdir \"$folder\" 2>/dev/null; then
  printf '#!/bin/sh\\necho yes\\n' > \"$folder/program\" && chmod +x \"$folder/program\"
  echo \"fargate-doctor: volume=$(\"$folder/program\" 2>/dev/null)\"
  rm -rf \"$folder\"
fi
echo \"fargate-doctor: environment=${ECS_CONTAINER_METADATA_URI_V4:+yes}\"
if [ -n \"${ECS_CONTAINER_METADATA_URI_V4:-}\" ]; then
  times=$(wget -q -T 5 -O - \"$ECS_CONTAINER_METADATA_URI_V4/task\" 2>/dev/null ||
    curl -fsS -m 5 \"$ECS_CONTAINER_METADATA_URI_V4/task\" 2>/dev/null || true)
  echo \"fargate-doctor: task=$times\"
fi
set -- $(ls -Li /etc/hosts 2>/dev/null)
echo \"fargate-doctor: hosts=${1:-}\"
";

/// The scripts, with the runner's stages that they are for.
pub(super) const SCRIPTS: [(&str, &str); 2] = [("get_sources", HELPER), ("build_script", JOB)];

/// The members of the task metadata that matter (AWS: task metadata endpoint version 4).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    pull_stopped_at: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    started_at: Option<String>,
}

/// Takes over what a script said.
pub(super) fn read(outcome: &Outcome, observed: &mut Observed) {
    let said = |name: &str| {
        let mut lines = outcome
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(MARK));
        lines.find_map(|line| {
            line.strip_prefix(name)?
                .strip_prefix('=')
                .map(str::to_owned)
        })
    };
    observed
        .hosts_files
        .extend(said("hosts").filter(|number| !number.is_empty()));
    let is_yes = |value: String| value == "yes";
    observed.volume_runs_programs = said("volume").map(is_yes).or(observed.volume_runs_programs);
    observed.has_environment = said("environment").map(is_yes).or(observed.has_environment);
    let metadata = said("task").and_then(|text| serde_json::from_str::<Metadata>(&text).ok());
    if let Some(metadata) = metadata {
        // RFC 3339 in UTC: their order as texts is that of the times.
        let first = metadata
            .containers
            .into_iter()
            .filter_map(|one| one.started_at)
            .min();
        observed.pulls = metadata.pull_stopped_at.zip(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scripts_say_is_read() {
        let outcome = |text: &str| Outcome {
            is_success: true,
            text: text.into(),
        };
        let mut observed = Observed::default();
        read(
            &outcome("$ true\nfargate-doctor: hosts=17\r\n"),
            &mut observed,
        );
        read(
            &outcome(
                "fargate-doctor: hosts=17\nfargate-doctor: volume=\nfargate-doctor: environment=yes\nfargate-doctor: \
                 task={\"PullStoppedAt\":\"2026-01-02T03:04:05.1Z\",\"Containers\":[{\"StartedAt\":\"2026-01-02T03:04:09Z\"},\
                 {\"StartedAt\":\"2026-01-02T03:04:06Z\"},{}]}\n",
            ),
            &mut observed,
        );
        assert_eq!(observed.hosts_files, ["17", "17"]);
        assert_eq!(observed.volume_runs_programs, Some(false));
        assert_eq!(observed.has_environment, Some(true));
        let (pulled, started) = observed.pulls.unwrap();
        assert_eq!(
            (pulled.as_str(), started.as_str()),
            ("2026-01-02T03:04:05.1Z", "2026-01-02T03:04:06Z")
        );
    }
}
