//! A cluster in a local AWS of a test's own.

use std::ops::Deref;

use ecs_local::{Faults, Options, SECURITY_GROUP, SUBNET_A, SUBNET_B};
use serde_json::{Value, json};
use testing::{LocalAws, wait_until};

pub(crate) const CLUSTER: &str = "ci";

/// A cluster in a local AWS of a test's own.
pub(crate) struct Cluster(LocalAws);

impl Deref for Cluster {
    type Target = LocalAws;

    fn deref(&self) -> &LocalAws {
        &self.0
    }
}

impl Cluster {
    /// Without delays, with the given rules of faults.
    pub(crate) fn with_faults(rules: &Value) -> Self {
        let document = json!({ "faults": rules }).to_string();
        Self::start(Options {
            faults: Faults::parse(&document).unwrap(),
            ..Options::default()
        })
    }

    pub(crate) fn start(options: Options) -> Self {
        let cluster = Self(LocalAws::start(options));
        cluster.call(
            "CreateCluster",
            &json!({ "clusterName": CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }),
        );
        cluster
    }

    /// Ends its local AWS, and waits until `serve` has returned.
    pub(crate) fn end(&mut self) {
        self.0.end();
    }

    /// Registers `family` with these containers, and adds the members that every container needs.
    pub(crate) fn register(&self, family: &str, containers: Value) {
        let Value::Array(mut containers) = containers else {
            panic!("{containers} is not a list");
        };
        for container in &mut containers {
            let members = container.as_object_mut().unwrap();
            members
                .entry("image")
                .or_insert_with(|| "registry.example.com/ci:1".into());
            members.entry("stopTimeout").or_insert_with(|| 2.into());
        }
        self.call(
            "RegisterTaskDefinition",
            &json!({ "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
                "memory": "512", "executionRoleArn": "arn:aws:iam::000000000000:role/execution", "containerDefinitions": containers }),
        );
    }

    /// Registers `job`: one container that runs a shell script.
    pub(crate) fn register_job(&self, script: &str) {
        self.register("job", json!([shell("job", script)]));
    }

    /// Runs a task of `family`, and returns its ARN.
    pub(crate) fn run(&self, family: &str) -> String {
        let reply = self.call("RunTask", &request(family));
        assert_eq!(reply["failures"], json!([]));
        reply["tasks"][0]["taskArn"].as_str().unwrap().to_owned()
    }

    pub(crate) fn stop_task(&self, arn: &str) {
        self.call("StopTask", &json!({ "cluster": CLUSTER, "task": arn }));
    }

    /// The reply of DescribeTasks for one task.
    pub(crate) fn describe(&self, arn: &str) -> Value {
        self.call(
            "DescribeTasks",
            &json!({ "cluster": CLUSTER, "tasks": [arn], "include": ["TAGS"] }),
        )
    }

    /// The task as DescribeTasks shows it, which does not know a new task at once.
    pub(crate) fn task(&self, arn: &str) -> Value {
        let mut reply = self.describe(arn);
        if reply["failures"][0]["reason"] == "MISSING" {
            reply = self.describe(arn);
        }
        assert_eq!(reply["failures"], json!([]));
        reply["tasks"][0].take()
    }

    /// Waits for a status of the task, and returns the task.
    pub(crate) fn wait_for(&self, arn: &str, status: &str) -> Value {
        let mut task = Value::Null;
        wait_until(&format!("{arn} {status}"), || {
            task = self.task(arn);
            let seen = &task["lastStatus"];
            assert!(
                seen != "STOPPED" || status == "STOPPED",
                "the task stopped before it was {status}: {task}"
            );
            seen == status
        });
        task
    }

    /// The history of the task.
    pub(crate) fn history(&self, arn: &str) -> Vec<Value> {
        let tasks = self.task_histories();
        let task = tasks.iter().find(|task| task["taskArn"] == arn);
        task.unwrap()["history"].as_array().unwrap().clone()
    }

    /// The output of a container so far.
    pub(crate) fn log(&self, arn: &str, container: &str) -> String {
        let id = arn.rsplit('/').next().unwrap();
        let reply = self.get(&format!("/_local/logs/{id}/{container}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// Waits until the output of a container contains `text`.
    pub(crate) fn wait_for_log(&self, arn: &str, container: &str, text: &str) {
        wait_until(&format!("{container} writes {text:?}"), || {
            self.log(arn, container).contains(text)
        });
    }

    /// Calls an operation of ECS, which has to fail: status, code and message.
    pub(crate) fn refusal(&self, operation: &str, body: &Value) -> (u16, String, String) {
        let reply = self.ecs(operation, body).unwrap();
        assert_ne!(reply.status, 200, "{operation}: {reply:?}");
        let error = reply.json();
        let text = |member: &str| error[member].as_str().unwrap().to_owned();
        (reply.status, text("__type"), text("message"))
    }
}

/// A valid RunTask request.
pub(crate) fn request(family: &str) -> Value {
    json!({ "cluster": CLUSTER, "taskDefinition": family, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": [SUBNET_A, SUBNET_B], "securityGroups": [SECURITY_GROUP],
            "assignPublicIp": "ENABLED" } } })
}

/// A container that runs a shell script.
pub(crate) fn shell(name: &str, script: &str) -> Value {
    json!({ "name": name, "entryPoint": ["/bin/sh", "-c", script] })
}

/// A detail of the task's network interface, such as `privateIPv4Address`.
pub(crate) fn detail(task: &Value, name: &str) -> String {
    let interface = task["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|attachment| attachment["type"] == "ElasticNetworkInterface")
        .unwrap();
    let details = interface["details"].as_array().unwrap();
    let found = details.iter().find(|detail| detail["name"] == name);
    found.unwrap()["value"].as_str().unwrap().to_owned()
}
