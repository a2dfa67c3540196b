//! A stand-in for AWS of a test's own, which ends with it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ecs_local::{Backend, Faults, Options, Program, SECURITY_GROUP, SUBNET_A, Seed};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) const CLUSTER: &str = "test-cluster";
pub(crate) const REGION: &str = "eu-west-1";

/// What listens in the container that takes scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Agent,
    OpenSsh,
    /// An OpenSSH server with an RSA key and without elliptic curves, as in FIPS mode.
    OpenSshWithoutCurves,
    /// A program that never listens.
    Nothing,
    /// An OpenSSH server that knows no key.
    Keyless,
    /// The agent in all containers that have it in JobImage mode, with the task's one host key.
    JobImage,
}

impl Server {
    fn backend(self, folder: &Path) -> Backend {
        Backend::Process {
            programs: programs(self, folder),
        }
    }
}

pub(crate) struct Aws {
    pub(crate) address: SocketAddr,
    /// Ends it; nothing where another process serves it.
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Aws {
    /// Starts with a cluster and the task definition `test-task`.
    pub(crate) fn start(server: Server, folder: &Path, faults: &Value, latency: f64) -> Self {
        Self::with_tasks(server.backend(folder), faults, latency)
    }

    /// The same, with whatever runs the tasks.
    pub(crate) fn with_tasks(backend: Backend, faults: &Value, latency: f64) -> Self {
        let aws = Self::empty_with(backend, faults, latency);
        aws.set_up();
        aws
    }

    /// Makes the cluster and the task definition.
    pub(crate) fn set_up(&self) {
        self.call(
            "CreateCluster",
            &json!({ "clusterName": CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] }),
        );
        self.register("test-task", "ci-coordinator");
    }

    /// Starts with nothing in it.
    pub(crate) fn start_empty(server: Server, folder: &Path, faults: &Value, latency: f64) -> Self {
        Self::empty_with(server.backend(folder), faults, latency)
    }

    fn empty_with(backend: Backend, faults: &Value, latency: f64) -> Self {
        Self::serve(Options {
            latency,
            throttle: false,
            faults: Faults::parse(&faults.to_string()).unwrap(),
            backend,
            seed: Seed::default(),
        })
    }

    pub(crate) fn serve(options: Options) -> Self {
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
                ecs_local::serve(listener, options, async { drop(stopped.await) })
                    .await
                    .unwrap();
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn register(&self, family: &str, container: &str) {
        self.call("RegisterTaskDefinition", &json!({
            "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": container, "image": "registry.example.com/ci:1", "essential": true, "stopTimeout": 2,
                "portMappings": [{ "containerPort": 2222 }] }],
        }));
    }

    /// Calls an operation of ECS as a client would, and wants it to succeed.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> Value {
        self.call_in(REGION, operation, body)
    }

    /// The same in a region.
    pub(crate) fn call_in(&self, region: &str, operation: &str, body: &Value) -> Value {
        let service = ("ecs", "AmazonEC2ContainerServiceV20141113");
        serde_json::from_str(&self.ask(region, service, operation, body)).unwrap()
    }

    /// Lets happen what this document says, from now on.
    pub(crate) fn faults(&self, document: &Value) {
        let (status, reply) = self.http("PUT", "/_local/faults", "", &document.to_string());
        assert!(status < 300, "{reply}");
    }

    /// Makes a log group.
    pub(crate) fn create_log_group(&self, name: &str) {
        let body = json!({ "logGroupName": name });
        self.ask(REGION, ("logs", "Logs_20140328"), "CreateLogGroup", &body);
    }

    /// Calls an operation of a service that speaks JSON, and wants it to succeed.
    fn ask(
        &self,
        region: &str,
        (service, prefix): (&str, &str),
        operation: &str,
        body: &Value,
    ) -> String {
        let headers = format!(
            "X-Amz-Target: {prefix}.{operation}\r\nX-Amz-Date: 20260102T030405Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/{region}/{service}/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}\r\n",
            "0".repeat(64)
        );
        let (status, reply) = self.http("POST", "/", &headers, &body.to_string());
        assert_eq!(status, 200, "{operation}: {reply}");
        reply
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> u64 {
        self.stats()["calls"][operation]
            .as_u64()
            .unwrap_or_default()
    }

    /// What was asked, and how often it was refused.
    pub(crate) fn stats(&self) -> Value {
        let (_, reply) = self.http("GET", "/_local/stats", "", "");
        serde_json::from_str(&reply).unwrap()
    }

    /// The tasks whose end has not begun.
    pub(crate) fn running(&self) -> Vec<Value> {
        self.tasks("RUNNING")
    }

    /// The tasks whose end has begun.
    pub(crate) fn stopped(&self) -> Vec<Value> {
        self.tasks("STOPPED")
    }

    fn tasks(&self, desired: &str) -> Vec<Value> {
        let mut tasks = Vec::new();
        let mut page = Value::Null;
        loop {
            let mut wanted = json!({ "cluster": CLUSTER, "desiredStatus": desired });
            if page.is_string() {
                wanted["nextToken"] = page;
            }
            let list = self.call("ListTasks", &wanted);
            let arns = list["taskArns"].as_array().unwrap();
            if !arns.is_empty() {
                let described = self.call(
                    "DescribeTasks",
                    &json!({ "cluster": CLUSTER, "tasks": arns, "include": ["TAGS"] }),
                );
                tasks.extend(described["tasks"].as_array().unwrap().clone());
            }
            page = list["nextToken"].clone();
            if !page.is_string() {
                return tasks;
            }
        }
    }

    pub(crate) fn stop_task(&self, arn: &str, reason: &str) {
        self.call(
            "StopTask",
            &json!({ "cluster": CLUSTER, "task": arn, "reason": reason }),
        );
    }

    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.address, body.len()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The `[Fargate]` keys that lead here.
    pub(crate) fn settings(&self) -> String {
        format!(
            "Cluster = \"{CLUSTER}\"\nRegion = \"{REGION}\"\nSubnet = \"{SUBNET_A}\"\nSecurityGroup = \"{SECURITY_GROUP}\"\n\
                 TaskDefinition = \"test-task\"\nEndpoint = \"http://{}\"\n",
            self.address
        )
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What runs in the containers, by their names.
pub(crate) fn programs(server: Server, folder: &Path) -> BTreeMap<String, Program> {
    let program = |command| Program {
        command,
        default_port: 2222,
    };
    if server != Server::JobImage {
        let only = program(command(server, folder));
        return BTreeMap::from([("ci-coordinator".to_owned(), only)]);
    }
    // Tasks have an address each, and it may be given to a later one.
    let key = format!("{}/{{address}}.key", folder.display());
    let make_key = format!("rm -f {key} {key}.pub; exec ssh-keygen -q -t ed25519 -N '' -f {key}");
    let agent = words(&[
        crate::fargate(),
        "agent",
        "serve",
        "--until-stdin-closes",
        "--listen",
        "{address}:{port}",
        "--host-key",
        &key,
    ]);
    BTreeMap::from([
        (
            "bootstrap".to_owned(),
            program(words(&["/bin/sh", "-c", &make_key])),
        ),
        ("ci-coordinator".to_owned(), program(agent.clone())),
        (
            "helper".to_owned(),
            program([agent, words(&["--helper"])].concat()),
        ),
    ])
}

fn command(server: Server, folder: &Path) -> Vec<String> {
    match server {
        Server::Agent => words(&[
            crate::fargate(),
            "agent",
            "serve",
            "--until-stdin-closes",
            "--listen",
            "{address}:{port}",
        ]),
        Server::Nothing => words(&["/bin/sleep", "1000"]),
        Server::OpenSsh | Server::OpenSshWithoutCurves | Server::Keyless => {
            // As the images' entry point does it, in a folder per task, which is also the user's home: what bash finds in
            // that of whoever runs the tests is none of ours.
            let setup = "set -e; umask 077; d=$(mktemp -d -p \"$1\"); ssh-keygen -q -t $5 -N '' -f $d/host; \
                         if [ $4 = keyed ]; then printf '%s\\n' \"$SSH_PUBLIC_KEY\" > $d/keys; fi; \
                         printf '%s\\n' \"ListenAddress $2:$3\" \"HostKey $d/host\" \"AuthorizedKeysFile $d/keys\" 'UsePAM no' \
                         'StrictModes no' 'PidFile none' \"SetEnv HOME=$d\" \"$6\" > $d/conf; exec /usr/sbin/sshd -D -e -f $d/conf";
            let keyed = if server == Server::Keyless {
                "keyless"
            } else {
                "keyed"
            };
            let (host_key, more) = if server == Server::OpenSshWithoutCurves {
                (
                    "rsa",
                    "KexAlgorithms diffie-hellman-group14-sha256,diffie-hellman-group16-sha512\nCiphers aes256-ctr",
                )
            } else {
                ("ed25519", "")
            };
            words(&[
                "/bin/sh",
                "-c",
                setup,
                "sshd",
                &folder.to_string_lossy(),
                "{address}",
                "{port}",
                keyed,
                host_key,
                more,
            ])
        }
        Server::JobImage => Vec::new(),
    }
}

/// Waits until something is so, for half a minute at most.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_for(
        Duration::from_secs(30),
        Duration::from_millis(20),
        what,
        is_so,
    );
}

/// Waits for so long at most, with such pauses, until something is so.
pub(crate) fn wait_for(
    bound: Duration,
    pause: Duration,
    what: &str,
    mut is_so: impl FnMut() -> bool,
) {
    let deadline = Instant::now() + bound;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(pause);
    }
}
