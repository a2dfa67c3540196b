//! A local AWS for one test: ecs-local's server on a port of its own, and a small HTTP client for it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use ecs_local::{Options, StandIn};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::wait::{SECOND, wait_for};

/// The region of calls that name no other.
pub const REGION: &str = "eu-west-1";

/// How long the server may take to end: containers in a busy engine take their time to stop.
const END: Duration = Duration::from_secs(180);

/// A local AWS, ended when dropped.
pub struct LocalAws {
    /// Where it answers.
    pub address: SocketAddr,
    /// The server's thread, and the way to end it; `None` where another process serves.
    server: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// An HTTP reply.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Reply {
    /// The body, which has to be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    fn expect_success(self, call: &str) -> Self {
        let Self { status, body, .. } = &self;
        assert!((200..300).contains(status), "{call}: {status} {body}");
        self
    }
}

impl LocalAws {
    /// Starts a server with nothing in it.
    pub fn start(options: Options) -> Self {
        // The second where a test has IPv6 alone.
        let loopback: [SocketAddr; 2] = ["127.0.0.1:0", "[::1]:0"].map(|it| it.parse().unwrap());
        let listener = TcpListener::bind(&loopback[..]).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (report, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let stand_in = match StandIn::new(options).await {
                    Ok(stand_in) => stand_in,
                    Err(error) => return report.send(Err(format!("{error:#}"))).unwrap(),
                };
                report.send(Ok(())).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let shutdown = async { drop(stopped.await) };
                stand_in.serve(listener, shutdown).await.unwrap();
            });
        });
        // A server that cannot start says why here. Its clients would see a reset connection only.
        started.recv().unwrap().expect("the local AWS starts");
        Self {
            address,
            server: Some((stop, thread)),
        }
    }

    /// A server that another process runs at this address.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            server: None,
        }
    }

    /// Ends the server, and waits until it has returned.
    pub fn end(&mut self) {
        let Some((stop, thread)) = self.server.take() else {
            return;
        };
        drop(stop);
        // Once the test has failed, a server that hangs must not hide why.
        if !std::thread::panicking() {
            let pause = Duration::from_millis(5);
            wait_for(END, pause, "the local AWS ends", || thread.is_finished());
            thread.join().unwrap();
        }
    }

    /// Calls an operation of ECS, which has to succeed.
    #[track_caller]
    pub fn call(&self, operation: &str, body: &Value) -> Value {
        self.call_in(REGION, operation, body)
    }

    /// Calls an operation of ECS in a region, which has to succeed.
    #[track_caller]
    pub fn call_in(&self, region: &str, operation: &str, body: &Value) -> Value {
        let reply = self.ecs_in(region, operation, body).unwrap();
        reply.expect_success(operation).json()
    }

    /// Calls an operation of ECS.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn ecs(&self, operation: &str, body: &Value) -> io::Result<Reply> {
        self.ecs_in(REGION, operation, body)
    }

    fn ecs_in(&self, region: &str, operation: &str, body: &Value) -> io::Result<Reply> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let headers = format!("X-Amz-Target: {target}\r\n{}", signature(region, "ecs"));
        self.http("POST", "/", &headers, &body.to_string())
    }

    /// Calls an operation of CloudWatch Logs, which has to succeed. `null` is a reply without a body.
    #[track_caller]
    pub fn logs(&self, operation: &str, body: &Value) -> Value {
        let target = format!("X-Amz-Target: Logs_20140328.{operation}\r\n");
        let headers = target + &signature(REGION, "logs");
        let reply = self.http("POST", "/", &headers, &body.to_string());
        let body = reply.unwrap().expect_success(operation).body;
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// Calls an operation of EC2 with the parameters of a form.
    pub fn ec2(&self, form: &str) -> Reply {
        let headers = signature(REGION, "ec2");
        self.http("POST", "/", &headers, form).unwrap()
    }

    /// Gets one of the server's own pages.
    pub fn get(&self, path: &str) -> Reply {
        self.http("GET", path, "", "").unwrap()
    }

    /// What was called, and how often calls were refused.
    pub fn stats(&self) -> Value {
        self.get("/_local/stats").json()
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> u64 {
        self.stats()["calls"][operation]
            .as_u64()
            .unwrap_or_default()
    }

    /// All tasks so far, each with the states it went through.
    pub fn task_histories(&self) -> Vec<Value> {
        let reply = self.get("/_local/tasks").json();
        reply.as_array().unwrap().clone()
    }

    /// Replaces the document of faults.
    pub fn put_faults(&self, document: &str) -> Reply {
        self.http("PUT", "/_local/faults", "", document).unwrap()
    }

    /// Replaces the document of faults by one that the server has to accept.
    #[track_caller]
    pub fn faults(&self, document: &Value) {
        self.put_faults(&document.to_string())
            .expect_success("faults");
    }

    /// Replaces the document of resources by one that the server has to accept.
    #[track_caller]
    pub fn resources(&self, document: &Value) {
        let document = document.to_string();
        let reply = self.http("PUT", "/_local/resources", "", &document);
        reply.unwrap().expect_success("resources");
    }

    /// Applies a fault to a task, which the server has to accept.
    #[track_caller]
    pub fn strike(&self, arn: &str, rule: &Value) {
        self.try_strike(arn, rule).expect_success("strike");
    }

    /// Applies a fault to a task.
    pub fn try_strike(&self, arn: &str, rule: &Value) -> Reply {
        let id = arn.rsplit('/').next().unwrap();
        let path = format!("/_local/tasks/{id}/strike");
        self.http("POST", &path, "", &rule.to_string()).unwrap()
    }

    fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Reply> {
        let headers = format!("Host: {}\r\n{headers}", self.address);
        self.http_at_any_host(method, path, &headers, body)
    }

    /// Makes a request with these headers and those of the connection and the body.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn http_at_any_host(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(60 * SECOND))?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let reply = String::from_utf8_lossy(&reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        Ok(Reply {
            status: head.split_whitespace().nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            body: body.to_owned(),
        })
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        self.end();
    }
}

/// Headers of a signed request. The server checks all of them but the signature itself.
fn signature(region: &str, service: &str) -> String {
    format!(
        "X-Amz-Date: 20260102T030405Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/{region}/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\n",
        "0".repeat(64)
    )
}
