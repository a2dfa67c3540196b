//! The stand-in of one test, which ends with the test, and a small HTTP client for it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ecs_local::{Faults, Options, SECURITY_GROUP, SUBNET_A, SUBNET_B};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) const CLUSTER: &str = "ci";

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct Local {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Local {
    /// Starts one without delays, with these rules of faults, and with a cluster.
    pub(crate) fn with_faults(rules: &Value) -> Self {
        let document = json!({ "faults": rules }).to_string();
        Self::start(Options {
            faults: Faults::parse(&document).unwrap(),
            ..Options::default()
        })
    }

    pub(crate) fn start(options: Options) -> Self {
        let local = Self::start_empty(options);
        local.call(
            "CreateCluster",
            &json!({ "clusterName": CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }),
        );
        local
    }

    /// Starts one without a cluster.
    pub(crate) fn start_empty(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let shutdown = async { drop(stopped.await) };
                ecs_local::serve(listener, options, shutdown).await.unwrap();
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Ends it, and waits until `serve` has returned.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        // After a failure of the test, a stand-in that hangs must not hide the reason.
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            wait_until("serve returns", || thread.is_finished());
            thread.join().unwrap();
        }
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

    /// The task as DescribeTasks shows it.
    pub(crate) fn task(&self, arn: &str) -> Value {
        let mut reply = self.describe(arn);
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
        let stories = self.get("/_local/tasks").json();
        let mut stories = stories.as_array().unwrap().iter();
        let story = stories.find(|story| story["taskArn"] == arn).unwrap();
        story["history"].as_array().unwrap().clone()
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

    /// Calls an operation of ECS, which has to succeed.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> Value {
        let reply = self.ecs(operation, body).unwrap();
        assert_eq!(reply.status, 200, "{operation}: {reply:?}");
        reply.json()
    }

    /// Calls an operation of ECS, which has to fail: status, code and message.
    pub(crate) fn refusal(&self, operation: &str, body: &Value) -> (u16, String, String) {
        let reply = self.ecs(operation, body).unwrap();
        assert_ne!(reply.status, 200, "{operation}: {reply:?}");
        let error = reply.json();
        let text = |member: &str| error[member].as_str().unwrap().to_owned();
        (reply.status, text("__type"), text("message"))
    }

    pub(crate) fn ecs(&self, operation: &str, body: &Value) -> io::Result<Reply> {
        let target = format!(
            "X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}\r\n{}",
            signed("ecs")
        );
        self.http("POST", "/", &target, &body.to_string())
    }

    /// Calls an operation of CloudWatch Logs, which has to succeed.
    pub(crate) fn logs(&self, operation: &str, body: &Value) -> String {
        let target = format!(
            "X-Amz-Target: Logs_20140328.{operation}\r\n{}",
            signed("logs")
        );
        let reply = self.http("POST", "/", &target, &body.to_string()).unwrap();
        assert_eq!(reply.status, 200, "{operation}: {reply:?}");
        reply.body
    }

    /// Calls an operation of EC2 with a form's parameters.
    pub(crate) fn ec2(&self, form: &str) -> Reply {
        self.http("POST", "/", &signed("ec2"), form).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.http("GET", path, "", "").unwrap()
    }

    pub(crate) fn set_faults(&self, document: &str) -> Reply {
        self.http("PUT", "/_local/faults", "", document).unwrap()
    }

    /// Injects a fault into a running task.
    pub(crate) fn strike(&self, arn: &str, rule: &Value) -> Reply {
        let id = arn.rsplit('/').next().unwrap();
        let path = format!("/_local/tasks/{id}/strike");
        self.http("POST", &path, "", &rule.to_string()).unwrap()
    }

    fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Reply> {
        let headers = format!("Host: {}\r\n{headers}", self.address);
        self.http_at_any_host(method, path, &headers, body)
    }

    /// Sends a request with these headers, beside those of the connection and the body.
    pub(crate) fn http_at_any_host(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        Ok(Reply {
            status: head.split_whitespace().nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            body: body.to_owned(),
        })
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end();
    }
}

fn signed(service: &str) -> String {
    format!(
        "X-Amz-Date: 20260102T030405Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\n",
        "0".repeat(64)
    )
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

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
