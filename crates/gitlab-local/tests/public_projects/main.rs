//! Measures how many jobs of public projects are accepted.
//!
//! The list of projects is in `projects.toml`; `./fetch DIR` brings their files to a folder, and
//!
//!     PUBLIC_PROJECTS=DIR cargo test -p gitlab-local --test public_projects -- --nocapture
//!
//! prints one line for each project and one for each job that is not accepted. Without the variable only the list is
//! checked. A job counts if it has a script, of its own or by `extends`, `!reference` and files of the project. A job
//! whose script is in a file of another project does not; nor does one that starts a pipeline (`trigger:`).

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gitlab_local::{BrokenJob, Pipeline, PipelineRequest};
use serde::Deserialize;

/// The share of jobs that must be accepted.
const ACCEPTED: f64 = 0.95;

#[derive(Deserialize)]
struct List {
    project: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    name: String,
    kind: String,
    version: String,
    sha256: String,
    commit: Option<String>,
    file_sha256: String,
}

fn list() -> Vec<Project> {
    let list: List = toml::from_str(include_str!("projects.toml")).unwrap();
    list.project
}

#[test]
fn the_list_has_projects_of_many_kinds_at_fixed_versions() {
    let list = list();
    assert!(list.len() >= 40);
    let names: BTreeSet<_> = list.iter().map(|project| &project.name).collect();
    let kinds: BTreeSet<_> = list.iter().map(|project| &project.kind).collect();
    assert_eq!(names.len(), list.len(), "a project is there twice");
    assert!(kinds.len() >= 30, "{} kinds", kinds.len());
    let is_hash = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    for project in &list {
        let name = &project.name;
        assert!(!project.version.is_empty(), "{name}");
        assert!(is_hash(&project.sha256, 64), "{name}");
        assert!(is_hash(&project.file_sha256, 64), "{name}");
        let commit = project.commit.as_deref();
        assert!(commit.is_none_or(|commit| is_hash(commit, 40)), "{name}");
    }
}

/// Jobs of one project.
#[derive(Default)]
struct Count {
    accepted: usize,
    /// Of these: jobs that extend a template of another project, which is not here.
    incomplete: usize,
    refused: Vec<String>,
    elsewhere: usize,
    triggers: usize,
}

impl Count {
    fn add(&mut self, broken: &BrokenJob) {
        let problem = broken.problem.to_string();
        if problem.contains("starts another pipeline") {
            self.triggers += 1;
        } else if problem.contains(":script is in a file that is not here") {
            self.elsewhere += 1;
        } else {
            self.refused.push(format!("{}: {problem}", broken.name));
        }
    }
}

fn count(file: &Path) -> Count {
    let mut count = Count::default();
    let request = PipelineRequest {
        file,
        include_dir: None,
        variables: &[],
    };
    let pipeline = match Pipeline::of(request) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            count.refused.push(format!("the whole file: {error}"));
            return count;
        }
    };
    // Instances of a job with `parallel` are one job of the file.
    let mut accepted = BTreeSet::new();
    for job in pipeline.jobs() {
        match job {
            Ok(job) => {
                let extends = format!("job {} extends ", job.group());
                let is_new = accepted.insert(job.group().to_owned());
                let mut warnings = job.warnings().iter();
                if is_new && warnings.any(|warning| warning.starts_with(&extends)) {
                    count.incomplete += 1;
                }
            }
            Err(broken) => count.add(broken),
        }
    }
    count.accepted = accepted.len();
    count
}

#[test]
fn jobs_of_public_projects_are_accepted() {
    let Some(folder) = std::env::var_os("PUBLIC_PROJECTS").map(PathBuf::from) else {
        return;
    };
    let (mut accepted, mut incomplete, mut refused, mut elsewhere) = (0, 0, 0, 0);
    for project in list() {
        let file = folder.join(&project.name).join(".gitlab-ci.yml");
        assert!(file.is_file(), "{} is not fetched", project.name);
        let start = Instant::now();
        let count = count(&file);
        println!(
            "{:24} {:4} accepted ({:3} extend what is elsewhere), {:2} refused; not counted: {:2} with a script elsewhere, {:2} triggers ({:.0?})",
            project.name,
            count.accepted,
            count.incomplete,
            count.refused.len(),
            count.elsewhere,
            count.triggers,
            start.elapsed(),
        );
        for refusal in &count.refused {
            println!("    {refusal}");
        }
        accepted += count.accepted;
        refused += count.refused.len();
        incomplete += count.incomplete;
        elsewhere += count.elsewhere;
    }
    let share = accepted as f64 / (accepted + refused) as f64;
    println!(
        "{accepted} of {} jobs accepted: {:.1} %; {incomplete} of them extend what is elsewhere, and {elsewhere} others have their script there",
        accepted + refused,
        share * 100.0
    );
    assert!(share >= ACCEPTED);
}
