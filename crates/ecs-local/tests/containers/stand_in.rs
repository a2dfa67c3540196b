//! The stand-in of one test, which ends with the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ecs_local::{Backend, Faults, Options, SUBNET_A};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::images::{BUSYBOX, engine};

/// The timeout of every wait, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct StandIn {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        Self::with_faults(&json!([]))
    }

    pub(crate) fn with_faults(rules: &Value) -> Self {
        Self::in_engine(engine().socket.clone(), rules)
    }

    /// Starts one with containers in the engine at `socket`.
    pub(crate) fn in_engine(socket: PathBuf, rules: &Value) -> Self {
        let socket = Some(socket);
        Self::with(Backend::Container { socket }, rules)
    }

    pub(crate) fn with(backend: Backend, rules: &Value) -> Self {
        let document = json!({ "faults": rules }).to_string();
        let options = Options {
            backend,
            faults: Faults::parse(&document).unwrap(),
            ..Options::default()
        };
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
        let mut stand_in = Self::at(address);
        stand_in.stop = Some(stop);
        stand_in.thread = Some(thread);
        stand_in
    }

    /// One that already listens at `address`, with a new cluster.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let stand_in = Self {
            address,
            stop: None,
            thread: None,
        };
        stand_in.call("CreateCluster", &json!({ "clusterName": "ci" }));
        stand_in
    }

    /// Ends it, and waits for its end.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "serve panicked");
        }
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
        Task {
            stand_in: self,
            arn,
        }
    }

    fn call(&self, operation: &str, body: &Value) -> Value {
        let target = ("ecs", "AmazonEC2ContainerServiceV20141113", operation);
        let reply = self.http("POST", "/", Some(target), &body.to_string());
        serde_json::from_str(&reply).unwrap()
    }

    /// Calls an operation of CloudWatch Logs. A reply without a body is null.
    pub(crate) fn logs(&self, operation: &str, body: &Value) -> Value {
        let target = ("logs", "Logs_20140328", operation);
        let reply = self.http("POST", "/", Some(target), &body.to_string());
        serde_json::from_str(&reply).unwrap_or_default()
    }

    /// Calls an operation of a service, by the prefix of its targets.
    fn http(
        &self,
        method: &str,
        path: &str,
        operation: Option<(&str, &str, &str)>,
        body: &str,
    ) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let target = operation.map_or(String::new(), |(service, prefix, operation)| format!(
            "X-Amz-Target: {prefix}.{operation}\r\nX-Amz-Date: 20260102T030405Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/{service}/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}\r\n", "0".repeat(64)));
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n{target}Content-Length: {}\r\n\r\n{body}",
            body.len()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let reply = String::from_utf8_lossy(&reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{operation:?}: {reply}");
        body.to_owned()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) struct Task<'a> {
    stand_in: &'a StandIn,
    arn: String,
}

impl Task<'_> {
    pub(crate) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap()
    }

    /// The task as DescribeTasks shows it.
    pub(crate) fn now(&self) -> Shown {
        let request = json!({ "cluster": "ci", "tasks": [self.arn] });
        let mut reply = self.stand_in.call("DescribeTasks", &request);
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
        self.stand_in.call("StopTask", &request);
    }

    /// The output of a container so far.
    pub(crate) fn output(&self, container: &str) -> String {
        let path = format!("/_local/logs/{}/{container}", self.id());
        self.stand_in.http("GET", &path, None, "")
    }

    /// Waits until the output of a container contains `text`.
    pub(crate) fn says(&self, container: &str, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.now();
            let output = self.output(container);
            if output.contains(text) {
                return;
            }
            assert!(
                Instant::now() < deadline && shown.status() != "STOPPED",
                "{container} did not say {text:?} but {output:?}: {}",
                shown.0
            );
            std::thread::sleep(Duration::from_millis(20));
        }
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

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
