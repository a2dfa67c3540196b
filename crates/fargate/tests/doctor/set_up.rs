//! A manager host with the set-up of docs/installation.md, and changes to it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use ecs_local::{Options, SECURITY_GROUP, SUBNET_A};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::{Account, CLUSTER, Outcome, REGION, wait_until};

use crate::fargate;

/// What differs from the right set-up.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    /// Replacements of text in `fargate.toml`.
    fargate: Vec<(String, String)>,
    /// Replacements of text in `config.toml`.
    runner: Vec<(String, String)>,
    /// Rules of faults of the stand-in.
    faults: Vec<Value>,
    /// The metadata folder's rights, in octal.
    metadata_mode: Option<String>,
    /// Files in the metadata folder, by name.
    metadata_files: BTreeMap<String, String>,
    /// More environment variables.
    environment: BTreeMap<String, String>,
    /// More arguments.
    arguments: Vec<String>,
    /// Text that `gitlab-runner lint` fails with.
    lint: Option<String>,
    /// What `gitlab-runner --version` does, in place of saying 19.4.0.
    version: Option<String>,
    /// Files that are removed in the end.
    missing: Vec<String>,
    /// Whether jobs bring their own image.
    job_image: bool,
    /// A merge patch of the account's resources (`set_up.json`).
    resources: Value,
    /// A merge patch of the task definition's registration.
    definition: Value,
    /// Whether the manager is an ECS task, in the tasks' subnet and group.
    as_task: bool,
    /// More calls of ECS: operation and body.
    calls: Vec<(String, Value)>,
    /// Starts of this month in the ledger.
    starts: Vec<Starts>,
}

/// Starts with an image, in the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starts {
    image: String,
    count: usize,
    /// Seconds until AWS created the task, of its pull, and from its creation until it took scripts.
    #[serde(default)]
    queued: u64,
    pull: u64,
    whole: u64,
}

impl Starts {
    /// The ledger's lines of these starts.
    fn lines(&self) -> String {
        let (created, ready) = (1_000 + self.queued * 1000, self.queued + self.whole);
        let pulled = created + 5_000 + self.pull * 1000;
        let times =
            json!({ "created": created, "pull_started": created + 5_000, "pull_stopped": pulled });
        let line = |number: usize| {
            let entry = json!({
                "kind": "job", "attempt": format!("{}-{}-{number}", self.image, self.whole), "job_id": number, "project_id": 1,
                "image": self.image, "at": 1, "outcome": { "kind": "success" },
                "times": { "asked": 1_000, "ready": 1_000 + ready * 1000 },
                "tasks": [{ "task": format!("{}-{number}", self.image), "won": true, "facts": { "times": times } }],
            });
            format!("{entry}\n")
        };
        (0..self.count).map(line).collect()
    }
}

/// The right set-up's resources and task definition.
#[derive(Deserialize)]
struct Right {
    resources: Value,
    definition: Value,
}

/// Changes a document (RFC 7386).
fn patch(document: &mut Value, change: &Value) {
    let (Value::Object(members), Value::Object(changes)) = (&mut *document, change) else {
        if !change.is_null() {
            *document = change.clone();
        }
        return;
    };
    for (name, change) in changes {
        match change {
            Value::Null => drop(members.remove(name)),
            _ => patch(members.entry(name.clone()).or_insert(Value::Null), change),
        }
    }
}

/// A manager host.
pub(crate) struct Manager {
    aws: Account,
    folder: TempDir,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
}

impl Manager {
    /// One whose set-up differs from the right one by `change`.
    pub(crate) fn with(change: &Change) -> Self {
        let right: Right = serde_json::from_str(include_str!("set_up.json")).unwrap();
        let (mut resources, mut definition) = (right.resources, right.definition);
        patch(&mut resources, &change.resources);
        patch(&mut definition, &change.definition);
        let mut manager = Self {
            aws: Account::start_with(Options {
                latency: 0.01,
                ..Options::default()
            }),
            folder: tempfile::tempdir().unwrap(),
            environment: change.environment.clone(),
            arguments: change.arguments.clone(),
        };
        manager.aws.faults(&json!({ "faults": change.faults }));
        manager.aws.create_log_group("/ci/jobs");
        manager.aws.call("RegisterTaskDefinition", &definition);
        for (operation, body) in &change.calls {
            manager.aws.call(operation, body);
        }
        if change.as_task {
            manager.become_task();
        }
        manager.aws.resources(&resources);
        let metadata = manager.path("metadata");
        fs::create_dir(&metadata).unwrap();
        for (name, text) in &change.metadata_files {
            fs::write(metadata.join(name), text).unwrap();
        }
        if !change.starts.is_empty() {
            let now = humantime::format_rfc3339(SystemTime::now()).to_string();
            let month: String = now.chars().take("2026-11".len()).collect();
            let lines: String = change.starts.iter().map(Starts::lines).collect();
            fs::create_dir(metadata.join("ledger")).unwrap();
            fs::write(metadata.join(format!("ledger/{month}.jsonl")), lines).unwrap();
        }
        let mode = change.metadata_mode.as_deref().unwrap_or("700");
        let mode = u32::from_str_radix(mode, 8).unwrap();
        fs::set_permissions(&metadata, fs::Permissions::from_mode(mode)).unwrap();
        let configuration = match change.job_image {
            true => manager.job_image_configuration(),
            false => manager.configuration(),
        };
        manager.write("fargate.toml", &configuration, &change.fargate);
        manager.write(
            "config.toml",
            &manager.runner_configuration(),
            &change.runner,
        );
        let version = change.version.as_deref();
        let version = version.unwrap_or("echo 'Version:      19.4.0'");
        let lint = change.lint.as_deref();
        let lint = lint.map_or_else(
            || "exit 0".into(),
            |text| format!("echo '{text}' >&2; exit 1"),
        );
        manager.program(
            "gitlab-runner",
            &format!("#!/bin/sh\ncase $1 in --version) {version} ;; lint) {lint} ;; esac\n"),
        );
        manager.program("unusable", "");
        fs::set_permissions(manager.path("unusable"), fs::Permissions::from_mode(0o644)).unwrap();
        for name in &change.missing {
            let path = manager.path(name);
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
        manager
    }

    /// Starts a task, and gives the manager its metadata.
    fn become_task(&mut self) {
        let network = json!({ "awsvpcConfiguration": { "subnets": [SUBNET_A], "securityGroups": [SECURITY_GROUP],
            "assignPublicIp": "ENABLED" } });
        let request = json!({ "cluster": CLUSTER, "taskDefinition": "jobs:1", "networkConfiguration": network });
        let reply = self.aws.call("RunTask", &request);
        let arn = reply["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
        wait_until("the manager's task runs", || {
            let tasks = self.aws.running();
            tasks.iter().any(|task| task["lastStatus"] == "RUNNING")
        });
        let (_, id) = arn.rsplit_once('/').unwrap();
        let uri = format!("http://{}/v4/{id}-ci-coordinator", self.aws.address);
        let variable = "ECS_CONTAINER_METADATA_URI_V4".to_owned();
        self.environment.insert(variable, uri);
    }

    /// The text with the replacements, each of which has to change something. `FOLDER` stands for the host's folder.
    fn write(&self, name: &str, text: &str, replacements: &[(String, String)]) {
        let mut text = text.to_owned();
        for (from, to) in replacements {
            assert!(
                text.contains(from.as_str()),
                "no {from:?} in {name}:\n{text}"
            );
            text = text.replacen(from, &self.placed(to), 1);
        }
        fs::write(self.path(name), text).unwrap();
    }

    fn placed(&self, text: &str) -> String {
        text.replace("FOLDER", self.folder.path().to_str().unwrap())
    }

    fn program(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> String {
        format!(
            "[Fargate]\nCluster = \"{CLUSTER}\"\nRegion = \"{REGION}\"\nSubnets = [\"{SUBNET_A}\"]\n\
             SecurityGroups = [\"{SECURITY_GROUP}\"]\nTaskDefinition = \"jobs:1\"\nEnablePublicIP = true\n\
             Endpoint = \"http://{}\"\n[TaskMetadata]\nDirectory = {:?}\n[SSH]\nUsername = \"root\"\nPort = 22\n",
            self.aws.address,
            self.path("metadata"),
        )
    }

    fn job_image_configuration(&self) -> String {
        let (account, registry) = (
            "000000000000",
            "000000000000.dkr.ecr.eu-west-1.amazonaws.com",
        );
        let version = env!("CARGO_PKG_VERSION");
        let ours = self
            .configuration()
            .replace("TaskDefinition = \"jobs:1\"\n", "");
        let (ours, _) = ours.split_once("[SSH]").unwrap();
        format!(
            "{ours}[JobImage]\nEnabled = true\nAgentImage = \"{registry}/fargate-agent:{version}\"\n\
             HelperImage = \"registry.example.com/helper:x86_64-v19.4.0\"\nCPU = \"1 vCPU\"\n\
             ExecutionRole = \"arn:aws:iam::{account}:role/ci-execution\"\nTaskRole = \"arn:aws:iam::{account}:role/ci-task\"\n\
             LogGroup = \"/ci/jobs\"\n[JobImage.RegistryCredentials]\n\
             \"registry.example.com\" = \"arn:aws:secretsmanager:eu-west-1:{account}:secret:registry-AbCdEf\"\n"
        )
    }

    fn runner_configuration(&self) -> String {
        let file = self.path("fargate.toml");
        let calls: String = ["config", "prepare", "run", "cleanup"]
            .map(|stage| {
                format!(
                    "    {stage}_exec = {:?}\n    {stage}_args = [\"--config\", {file:?}, \"custom\", \"{stage}\"]\n",
                    fargate()
                )
            })
            .concat();
        format!(
            "concurrent = 4\nshutdown_timeout = 120\n\n[[runners]]\n  name = \"jobs\"\n  url = \"https://gitlab.example.com/\"\n  \
             token = \"glrt-x\"\n  executor = \"custom\"\n  builds_dir = \"/builds\"\n  cache_dir = \"/cache\"\n  \
             [runners.custom]\n{calls}"
        )
    }

    /// How many tasks there were.
    pub(crate) fn tasks(&self) -> usize {
        self.aws.task_histories().len()
    }

    /// How often AWS was asked for an operation.
    pub(crate) fn calls(&self, operation: &str) -> u64 {
        self.aws.calls(operation)
    }

    /// The task definitions.
    pub(crate) fn definitions(&self) -> Value {
        self.aws.call("ListTaskDefinitions", &json!({}))
    }

    /// Doctor's outcome with these arguments.
    pub(crate) fn doctor(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// The call of doctor with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(fargate());
        command
            .arg("--config")
            .arg(self.path("fargate.toml"))
            .args(["doctor", "--runner-config"])
            .arg(self.path("config.toml"))
            .args(arguments)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .env(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                format!("http://{}", self.aws.address),
            );
        for (name, value) in &self.environment {
            command.env(name, self.placed(value));
        }
        command
    }

    /// The checks of doctor's document, and its exit code.
    pub(crate) fn checks(&self) -> (Vec<Value>, Option<i32>) {
        let outcome = self.doctor(&["--json"]);
        let document: Value = serde_json::from_str(&outcome.out())
            .unwrap_or_else(|error| panic!("{error}: {}{}", outcome.out(), outcome.err()));
        testing::follows_schema(&document, "doctor.json");
        (document["checks"].as_array().unwrap().clone(), outcome.code)
    }
}
