//! A cluster whose tasks are real containers, in a local AWS of a test's own.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;

use ecs_local::{Backend, Faults, Options, SUBNET_A};
use serde_json::{Value, json};
use testing::{LocalAws, wait_until};

use crate::images::{BUSYBOX, engine};

/// A cluster in a local AWS of a test's own.
pub(crate) struct Cluster(LocalAws);

impl Deref for Cluster {
    type Target = LocalAws;

    fn deref(&self) -> &LocalAws {
        &self.0
    }
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::with_faults(&json!([]))
    }

    pub(crate) fn with_faults(rules: &Value) -> Self {
        Self::in_engine(engine().socket.clone(), rules)
    }

    /// Starts one with containers in the engine at `socket`.
    pub(crate) fn in_engine(socket: PathBuf, rules: &Value) -> Self {
        let socket = Some(socket);
        Self::with(Backend::Container { socket }, false, rules)
    }

    /// Starts one whose containers wait for the images of others, or not.
    pub(crate) fn with_pulls(lazy: bool, rules: &Value) -> Self {
        let socket = Some(engine().socket.clone());
        Self::with(Backend::Container { socket }, lazy, rules)
    }

    pub(crate) fn with(backend: Backend, lazy_pulls: bool, rules: &Value) -> Self {
        let document = json!({ "faults": rules }).to_string();
        let options = Options {
            backend,
            lazy_pulls,
            faults: Faults::parse(&document).unwrap(),
            ..Options::default()
        };
        Self::create(LocalAws::start(options))
    }

    /// A cluster in the local AWS that another process serves.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self::create(LocalAws::at(address))
    }

    fn create(aws: LocalAws) -> Self {
        aws.call("CreateCluster", &json!({ "clusterName": "ci" }));
        Self(aws)
    }

    /// Ends its local AWS, and waits until it has.
    pub(crate) fn end(&mut self) {
        self.0.end();
    }

    /// Runs a task of these containers, and adds the members that every container needs.
    pub(crate) fn run(&self, containers: Value) -> Task<'_> {
        self.run_with(containers, &json!({}), &json!({}))
    }

    /// The same, with more members of the definition, and with overrides of containers.
    pub(crate) fn run_with(&self, containers: Value, more: &Value, overrides: &Value) -> Task<'_> {
        let Value::Array(mut containers) = containers else {
            panic!("{containers} is not a list");
        };
        for container in &mut containers {
            let members = container.as_object_mut().unwrap();
            members.entry("image").or_insert_with(|| BUSYBOX.into());
            members.entry("stopTimeout").or_insert_with(|| 2.into());
        }
        let mut definition = json!({ "family": "job", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
            "cpu": "256", "memory": "512", "containerDefinitions": containers });
        let members = definition.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        let registered = self.call("RegisterTaskDefinition", &definition);
        let reply = self.call(
            "RunTask",
            &json!({ "cluster": "ci", "launchType": "FARGATE", "overrides": overrides,
                "taskDefinition": registered["taskDefinition"]["taskDefinitionArn"],
                "networkConfiguration": { "awsvpcConfiguration": { "subnets": [SUBNET_A], "assignPublicIp": "DISABLED" } } }),
        );
        assert_eq!(reply["failures"], json!([]));
        let arn = reply["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
        Task { cluster: self, arn }
    }
}

/// A task in a cluster.
pub(crate) struct Task<'a> {
    cluster: &'a Cluster,
    arn: String,
}

impl Task<'_> {
    pub(crate) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap()
    }

    /// The task as DescribeTasks shows it, which does not know a new task at once.
    pub(crate) fn now(&self) -> Shown {
        let request = json!({ "cluster": "ci", "tasks": [self.arn] });
        let mut reply = self.cluster.call("DescribeTasks", &request);
        if reply["failures"][0]["reason"] == "MISSING" {
            reply = self.cluster.call("DescribeTasks", &request);
        }
        assert_eq!(reply["failures"], json!([]));
        Shown(reply["tasks"][0].take())
    }

    /// Waits until the task shows a condition.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Shown) -> bool) -> Shown {
        let mut shown = self.now();
        wait_until(what, || {
            shown = self.now();
            let so = is_so(&shown);
            assert!(
                so || shown.status() != "STOPPED",
                "stopped before {what}: {}",
                shown.0
            );
            so
        });
        shown
    }

    pub(crate) fn running(&self) -> Shown {
        self.wait_until("running", |shown| shown.status() == "RUNNING")
    }

    pub(crate) fn stopped(&self) -> Shown {
        self.wait_until("stopped", |shown| shown.status() == "STOPPED")
    }

    pub(crate) fn stop(&self) {
        let request = json!({ "cluster": "ci", "task": self.arn });
        self.cluster.call("StopTask", &request);
    }

    /// The output of a container so far.
    pub(crate) fn output(&self, container: &str) -> String {
        let path = format!("/_local/logs/{}/{container}", self.id());
        self.cluster.get(&path).body
    }

    /// Waits until the output of a container contains `text`.
    pub(crate) fn says(&self, container: &str, text: &str) {
        wait_until(&format!("{container} writes {text:?}"), || {
            let shown = self.now();
            let output = self.output(container);
            let found = output.contains(text);
            assert!(
                found || shown.status() != "STOPPED",
                "{container} wrote {output:?} and not {text:?}: {}",
                shown.0
            );
            found
        });
    }
}

/// A task as DescribeTasks shows it.
pub(crate) struct Shown(pub(crate) Value);

impl Shown {
    pub(crate) fn status(&self) -> &str {
        self.0["lastStatus"].as_str().unwrap()
    }

    pub(crate) fn stop_code(&self) -> &str {
        self.0["stopCode"].as_str().unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> &str {
        self.0["stoppedReason"].as_str().unwrap_or_default()
    }

    pub(crate) fn container(&self, name: &str) -> &Value {
        let containers = self.0["containers"].as_array().unwrap();
        containers.iter().find(|one| one["name"] == name).unwrap()
    }

    pub(crate) fn exit_code(&self, container: &str) -> Option<i64> {
        self.container(container)["exitCode"].as_i64()
    }

    /// The task's private address.
    pub(crate) fn address(&self) -> std::net::IpAddr {
        let details = self.0["attachments"][0]["details"].as_array().unwrap();
        let address = details
            .iter()
            .find(|one| one["name"] == "privateIPv4Address");
        address.unwrap()["value"].as_str().unwrap().parse().unwrap()
    }
}

/// A script that runs until SIGTERM.
pub(crate) const ENDLESS: &str = "trap exit TERM; while true; do sleep 0.1; done";

/// A container that runs a script.
pub(crate) fn shell(name: &str, script: &str) -> Value {
    json!({ "name": name, "entryPoint": ["/bin/sh", "-c"], "command": [script] })
}

/// A JSON object with more members.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is not an object");
    };
    object.as_object_mut().unwrap().extend(more);
    object
}

/// The program of the example `serve`, which runs until it is killed.
pub(crate) fn serving_program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/serve");
    assert!(
        program.exists(),
        "{} was not built with the tests",
        program.display()
    );
    program
}
