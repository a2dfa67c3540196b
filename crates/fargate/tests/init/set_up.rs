//! An account, and a folder for what init makes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use ecs_local::{Options, SECURITY_GROUP, SUBNET_A};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::{Account, CLUSTER, Outcome, REGION};

use crate::{TOKEN, fargate};

pub(crate) struct SetUp {
    pub(crate) aws: Account,
    folder: TempDir,
}

impl SetUp {
    /// An account whose task definition `jobs` is right for jobs, with these other resources.
    pub(crate) fn new(more: &Value) -> Self {
        let aws = Account::start_with(Options::default());
        aws.create_log_group("/ci/jobs");
        aws.call("RegisterTaskDefinition", &json!({
            "family": "jobs", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::000000000000:role/ci-execution",
            "containerDefinitions": [{ "name": "ci-coordinator", "image": "registry.example.com/ci:1", "essential": true,
                "portMappings": [{ "containerPort": 22 }] }],
        }));
        let mut resources = json!({ "quotas": { "L-3032A538": 100.0, "L-36FBB829": 100.0 } });
        let members = more.as_object().unwrap().clone();
        resources.as_object_mut().unwrap().extend(members);
        aws.resources(&resources);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        Self { aws, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// `fargate init` with its files in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(fargate());
        command
            .arg("--config")
            .arg(self.path("fargate.toml"))
            .arg("init");
        command.arg("--runner-config").arg(self.path("config.toml"));
        command
            .arg("--metadata-dir")
            .arg(self.path("metadata"))
            .args(arguments);
        self.environment(&mut command);
        command
    }

    pub(crate) fn environment(&self, command: &mut Command) {
        let endpoint = format!("http://{}", self.aws.address);
        command
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint)
            .env("AWS_ENDPOINT_URL", &endpoint);
    }

    /// Its outcome without a terminal, in which the token never is.
    pub(crate) fn init(&self, arguments: &[&str]) -> Outcome {
        let output = self
            .command(arguments)
            .stdin(std::process::Stdio::null())
            .output();
        let outcome = Outcome::from(output.unwrap());
        let text = outcome.out() + &outcome.err();
        assert!(!text.contains(TOKEN), "{text}");
        outcome
    }

    /// The options that make a right set-up.
    pub(crate) fn options() -> [&'static str; 13] {
        [
            "--region",
            REGION,
            "--cluster",
            CLUSTER,
            "--subnet",
            SUBNET_A,
            "--security-group",
            SECURITY_GROUP,
            "--task-definition",
            "jobs",
            "--url",
            "https://gitlab.example.com",
            "--public-ip",
        ]
    }
}
