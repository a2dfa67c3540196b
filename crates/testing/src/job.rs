//! One of several jobs of a manager host, each with files of its own for the runner's side.

use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::command::{Outcome, RunningCommand};
use crate::manager_host::{ManagerHost, PROJECT, job_response};
use crate::wait::SECOND;

/// One of several jobs of a manager host.
pub struct Job<'a> {
    /// The host that runs it.
    pub manager: &'a ManagerHost,
    /// Its id.
    pub id: u64,
}

impl<'a> Job<'a> {
    /// A job whose response has these members beside the usual ones.
    pub fn new(manager: &'a ManagerHost, id: u64, more: &Value) -> Self {
        let job = Self { manager, id };
        std::fs::write(job.path("response.json"), job_response(id, more)).unwrap();
        job
    }

    /// A path of the job's own in the host's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.manager.path(&format!("{}-{name}", self.id))
    }

    /// A call of the driver as the runner makes it for this job.
    pub fn call(&self, arguments: &[&str]) -> Command {
        let mut command = self.manager.call(arguments);
        command
            .env("JOB_RESPONSE_FILE", self.path("response.json"))
            .env("BUILD_EXIT_CODE_FILE", self.path("exit_code"));
        command
    }

    /// The call that runs `script` as the runner's stage of this name.
    pub fn script(&self, stage: &str, script: &str) -> Command {
        let file = self.path(stage);
        std::fs::write(&file, script).unwrap();
        self.call(&["custom", "run", file.to_str().unwrap(), stage])
    }

    /// The exit code of the last script that failed, as the runner finds it.
    pub fn exit_code(&self) -> Option<String> {
        let content = std::fs::read_to_string(self.path("exit_code")).ok()?;
        Some(content.trim().to_owned())
    }

    /// Its tasks that nobody has asked to stop.
    pub fn running(&self) -> Vec<Value> {
        // The folder's id and the end of the job's time follow.
        let group = format!("gitlab/{PROJECT}/{}/", self.id);
        let mut tasks = self.manager.aws.running();
        tasks.retain(|task| {
            let marked = task["group"].as_str().unwrap_or_default();
            marked.starts_with(&group)
        });
        tasks
    }

    /// Whether it has a record that names no runner: the runner was gone before prepare could see it.
    pub fn lacks_runner(&self) -> bool {
        self.record()
            .is_some_and(|(_, record)| record["runner"].is_null())
    }

    /// Lets the time of the job be over.
    pub fn expire(&self) {
        if let Some((file, mut record)) = self.record() {
            record["over_at"] = json!(1);
            std::fs::write(file, record.to_string()).unwrap();
        }
    }

    /// Its record, if it has one.
    pub fn recorded(&self) -> Option<Value> {
        self.record().map(|(_, record)| record)
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

    /// Whether it has a record.
    pub fn is_recorded(&self) -> bool {
        self.record().is_some()
    }

    /// Checks that no task and no record of it is left.
    ///
    /// # Errors
    ///
    /// When one is.
    pub fn left_nothing(&self) -> Result<(), String> {
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

impl ManagerHost {
    /// Makes the same call for several jobs at the same time, whose responses have the same members.
    pub fn call_for_all(&self, jobs: u64, arguments: &[&str], more: &Value) -> Vec<Outcome> {
        let start = |number| {
            let job = Job::new(self, 5000 + number, more);
            RunningCommand::start(&mut job.call(arguments))
        };
        let calls: Vec<_> = (0..jobs).map(start).collect();
        calls.into_iter().map(RunningCommand::finish).collect()
    }
}

/// Makes the files that killed processes left in the metadata folder old enough for the next process to remove them.
pub fn age_leftovers(manager: &ManagerHost) {
    for name in leftovers(manager) {
        let path = manager.metadata().join(name.trim_start_matches('/'));
        let file = std::fs::File::open(path).unwrap();
        file.set_modified(SystemTime::now() - 120 * SECOND).unwrap();
    }
}

/// Files in the metadata folder that a manager without jobs does not have.
pub fn leftovers(manager: &ManagerHost) -> Vec<String> {
    let folder = manager.metadata();
    let mut leftovers = Vec::new();
    for (below, kept) in [
        (
            "",
            vec![
                "format",
                "ledger",
                "lock",
                "manager",
                "ssh.log",
                "sweep",
                "sweep.log",
                "looks",
            ],
        ),
        ("looks", vec!["turn"]),
    ] {
        let Ok(entries) = std::fs::read_dir(folder.join(below)) else {
            continue;
        };
        for entry in entries {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if !kept.contains(&name.as_str()) && !name.ends_with(".lock") {
                leftovers.push(format!("{below}/{name}"));
            }
        }
    }
    leftovers
}
