//! An AWS account as the driver needs it: a cluster, and a task definition for jobs.

use std::net::SocketAddr;
use std::ops::Deref;

use ecs_local::{Backend, Faults, Options, SECURITY_GROUP, SUBNET_A};
use serde_json::{Value, json};

use crate::local_aws::{LocalAws, REGION};

/// The account's cluster.
pub const CLUSTER: &str = "test-cluster";

/// An account in a local AWS of its own, with a cluster and the task definition `test-task`.
pub struct Account(LocalAws);

impl Deref for Account {
    type Target = LocalAws;

    fn deref(&self) -> &LocalAws {
        &self.0
    }
}

impl Account {
    /// Starts one with these faults; `latency` is the time between the states of a task, as a part of Fargate's.
    pub fn start(backend: Backend, faults: &Value, latency: f64) -> Self {
        Self::start_with(Options {
            latency,
            throttle: false,
            lazy_pulls: false,
            faults: Faults::parse(&faults.to_string()).unwrap(),
            backend,
            ..Options::default()
        })
    }

    /// Starts one in a local AWS with these options.
    pub fn start_with(options: Options) -> Self {
        Self::set_up(LocalAws::start(options))
    }

    /// An account in the local AWS that another process serves.
    pub fn at(address: SocketAddr) -> Self {
        Self::set_up(LocalAws::at(address))
    }

    /// Starts an account without a cluster and a task definition.
    pub fn start_empty(backend: Backend) -> Self {
        Self(LocalAws::start(Options {
            backend,
            ..Options::default()
        }))
    }

    fn set_up(aws: LocalAws) -> Self {
        let account = Self(aws);
        account.call(
            "CreateCluster",
            &json!({ "clusterName": CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] }),
        );
        account.register("test-task", "ci-coordinator");
        account
    }

    /// Registers a task definition with one container.
    pub fn register(&self, family: &str, container: &str) {
        self.call("RegisterTaskDefinition", &json!({
            "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": container, "image": "registry.example.com/ci:1", "essential": true,
                "stopTimeout": 2, "portMappings": [{ "containerPort": 2222 }] }],
        }));
    }

    /// Creates a log group.
    pub fn create_log_group(&self, name: &str) {
        self.logs("CreateLogGroup", &json!({ "logGroupName": name }));
    }

    /// Tasks that nobody has asked to stop.
    pub fn running(&self) -> Vec<Value> {
        self.tasks("RUNNING")
    }

    /// Tasks that have stopped, or that somebody has asked to stop.
    pub fn stopped(&self) -> Vec<Value> {
        self.tasks("STOPPED")
    }

    fn tasks(&self, desired_status: &str) -> Vec<Value> {
        let mut tasks = Vec::new();
        let mut request = json!({ "cluster": CLUSTER, "desiredStatus": desired_status });
        loop {
            let list = self.call("ListTasks", &request);
            let arns = list["taskArns"].as_array().unwrap();
            if !arns.is_empty() {
                let described = self.describe(arns);
                tasks.extend(described["tasks"].as_array().unwrap().clone());
            }
            if !list["nextToken"].is_string() {
                return tasks;
            }
            request["nextToken"] = list["nextToken"].clone();
        }
    }

    /// Describes tasks. DescribeTasks does not know a new one at once.
    fn describe(&self, arns: &[Value]) -> Value {
        let request = json!({ "cluster": CLUSTER, "tasks": arns, "include": ["TAGS"] });
        let described = self.call("DescribeTasks", &request);
        if described["failures"] == json!([]) {
            return described;
        }
        self.call("DescribeTasks", &request)
    }

    /// Stops a task for this reason.
    pub fn stop_task(&self, arn: &str, reason: &str) {
        let request = json!({ "cluster": CLUSTER, "task": arn, "reason": reason });
        self.call("StopTask", &request);
    }

    /// The keys of `[Fargate]` that lead to this account.
    pub fn settings(&self) -> String {
        format!(
            "Cluster = \"{CLUSTER}\"\nRegion = \"{REGION}\"\nSubnet = \"{SUBNET_A}\"\nSecurityGroup = \"{SECURITY_GROUP}\"\n\
             TaskDefinition = \"test-task\"\nEndpoint = \"http://{}\"\n",
            self.address
        )
    }
}
