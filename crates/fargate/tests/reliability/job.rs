//! A job among others of a manager.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::manager::Manager;

pub(crate) struct Job<'a> {
    pub(crate) manager: &'a Manager,
    pub(crate) id: u64,
}

/// The project of all jobs here.
const PROJECT: u64 = 77;

impl<'a> Job<'a> {
    pub(crate) fn new(manager: &'a Manager, id: u64) -> Self {
        let job = Self { manager, id };
        let response = json!({ "id": id, "token": "secret-job-token", "variables": null, "image": { "name": "ruby:3.3" },
            "job_info": { "name": "unit tests", "project_id": PROJECT, "project_full_path": "acme/shop", "pipeline_id": 5150 } });
        std::fs::write(job.path("response.json"), response.to_string()).unwrap();
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.manager.path(&format!("{}-{name}", self.id))
    }

    /// A call as the runner makes it for this job.
    pub(crate) fn call(&self, arguments: &[&str]) -> Command {
        let mut command = self.manager.call(arguments);
        command
            .env("JOB_RESPONSE_FILE", self.path("response.json"))
            .env("BUILD_EXIT_CODE_FILE", self.path("exit_code"));
        command
    }

    /// The call that runs `script` as the runner's stage of this name.
    pub(crate) fn script(&self, stage: &str, script: &str) -> Command {
        let file = self.path(stage);
        std::fs::write(&file, script).unwrap();
        self.call(&["custom", "run", file.to_str().unwrap(), stage])
    }

    /// What the last script that failed left for the runner.
    pub(crate) fn exit_code(&self) -> Option<String> {
        let content = std::fs::read_to_string(self.path("exit_code")).ok()?;
        Some(content.trim().to_owned())
    }

    /// Its tasks whose end has not begun.
    pub(crate) fn running(&self) -> Vec<Value> {
        let group = format!("gitlab/{PROJECT}/{}", self.id);
        let mut tasks = self.manager.aws.running();
        tasks.retain(|task| task["group"] == group.as_str());
        tasks
    }

    /// Whether its record, if there is one, names no runner: it was gone before prepare could see it.
    pub(crate) fn is_nobodys(&self) -> bool {
        self.record()
            .is_some_and(|(_, record)| record["runner"].is_null())
    }

    /// Lets the time of the job be over.
    pub(crate) fn let_time_pass(&self) {
        if let Some((file, mut record)) = self.record() {
            record["over_at"] = json!(1);
            std::fs::write(file, record.to_string()).unwrap();
        }
    }

    fn record(&self) -> Option<(PathBuf, Value)> {
        let name = format!("-{}.json", self.id);
        let records = self.manager.records();
        let file = records
            .into_iter()
            .find(|record| record.to_string_lossy().ends_with(&name))?;
        let record = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
        Some((file, record))
    }

    /// Whether there is a record of it.
    pub(crate) fn is_recorded(&self) -> bool {
        self.record().is_some()
    }

    /// Checks that no task and no record of it is there.
    pub(crate) fn left_nothing(&self) -> Result<(), String> {
        let running = self.running();
        if !running.is_empty() {
            return Err(format!("a task was left: {running:#?}"));
        }
        if self.is_recorded() {
            return Err("a record was left".to_owned());
        }
        Ok(())
    }
}

/// Makes the files that killed processes left in the metadata folder old enough to be litter for the next one.
pub(crate) fn let_files_age(manager: &Manager) {
    for name in litter(manager) {
        let path = manager.metadata().join(name.trim_start_matches('/'));
        let file = std::fs::File::open(path).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(120);
        file.set_modified(long_ago).unwrap();
    }
}

/// Files in the metadata folder that belong to no manager without jobs.
pub(crate) fn litter(manager: &Manager) -> Vec<String> {
    let folder = manager.metadata();
    let mut litter = Vec::new();
    for (below, kept) in [
        ("", vec!["manager", "sweep", "looks"]),
        ("looks", vec!["turn"]),
    ] {
        let Ok(entries) = std::fs::read_dir(folder.join(below)) else {
            continue;
        };
        for entry in entries {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if !kept.contains(&name.as_str()) && !name.ends_with(".lock") {
                litter.push(format!("{below}/{name}"));
            }
        }
    }
    litter
}
