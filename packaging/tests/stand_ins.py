"""What a manager needs around it, made here: GitLab Runner, the ECS agent of its task, two calls of ECS, a registry."""

import contextlib
import http.server
import json
import socket
import subprocess
import threading
import time

import made

# It tells its signals, and ends when its job has ended.
RUNNER = r"""#!/bin/sh
case "$1" in run) ;; --version) echo "Version:      19.3.1"; exit ;; *) exit ;; esac
echo "$@" >/tmp/runner-arguments
trap 'echo quit >>/tmp/runner-signals; is_ending=true' QUIT
trap 'echo term >>/tmp/runner-signals' TERM
# An orphan, which ends before its heir.
(sleep 0.3 & echo $! >/tmp/orphan)
: >/tmp/runner-ready
until [ -n "$is_ending" ] && [ ! -e /tmp/job ]; do sleep 0.1; done
echo last >>/tmp/runner-signals
"""
SETTINGS = {
    "FARGATE_MANAGER_TOKEN": "glrt-secret",
    "FARGATE_MANAGER_NAME": "ci",
    "FARGATE_MANAGER_GITLAB_URL": "https://gitlab.example.com/",
    "FARGATE_MANAGER_CONCURRENT": "3",
    "FARGATE_MANAGER_REGION": "eu-west-1",
    "FARGATE_MANAGER_CLUSTER": "ci",
    "FARGATE_MANAGER_SERVICE": "ci-manager",
    "FARGATE_MANAGER_SUBNETS": "subnet-1,subnet-2",
    "FARGATE_MANAGER_SECURITY_GROUPS": "sg-1",
    "FARGATE_MANAGER_EXECUTION_ROLE": "arn:aws:iam::111122223333:role/execution",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_EC2_METADATA_DISABLED": "true",
}
TASK = "arn:aws:ecs:eu-west-1:111122223333:task/ci/0123456789abcdef0123456789abcdef"
MINE, NEWER = "ecs-svc/0123456789012345678", "ecs-svc/9876543210987654321"


class Aws(http.server.BaseHTTPRequestHandler):
    """The ECS agent of a task, its metadata, and two calls of ECS, in AWS's shapes (botocore's model of ECS)."""

    def reply(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def content(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def do_PUT(self):
        assert self.path == "/api/x/task-protection/v1/state", self.path
        self.server.protections.append(self.content())
        self.reply({"protection": {"ProtectionEnabled": True, "TaskArn": TASK}})

    def do_GET(self):
        assert self.path == "/v4/x/task", self.path
        self.reply({"Cluster": "ci", "TaskARN": TASK, "Family": "ci-manager", "Revision": "1"})

    def do_POST(self):
        operation = self.headers["x-amz-target"].split(".")[1]
        self.content()
        if operation == "DescribeTasks" and self.server.refusals > 0:
            self.server.refusals -= 1
            self.reply({"__type": "AccessDeniedException", "message": "not yet"}, 400)
        elif operation == "DescribeTasks":
            self.reply({"tasks": [{"taskArn": TASK, "startedBy": MINE}], "failures": []})
        else:
            assert operation == "DescribeServices", operation
            primary = {"id": self.server.primary, "status": "PRIMARY"}
            service = {"serviceName": "ci-manager", "desiredCount": 1, "deployments": [primary]}
            self.reply({"services": [service], "failures": []})

    def log_message(self, *_):
        pass


class Metrics(http.server.BaseHTTPRequestHandler):
    """The metrics of GitLab Runner."""

    def do_GET(self):
        assert self.path == "/metrics", self.path
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def metrics():
    """On the port of the manager's `listen_address`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 9252), Metrics)
    server.status = 200
    with serving(server):
        yield server


@contextlib.contextmanager
def aws():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    server.protections, server.primary, server.refusals = [], MINE, 0
    with serving(server):
        yield server


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def registry():
    """A registry that takes images, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    folder = made.folder / f"registry-{address[10:]}"
    folder.mkdir()
    config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(folder)}}, "http": {"addr": address}}
    (folder / "config.yml").write_text(json.dumps({**config, "log": {"level": "error"}}))
    server = subprocess.Popen(
        ["docker-registry", "serve", folder / "config.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield address
    finally:
        server.terminate()
        server.wait(20)


def until(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} within {seconds} s"
        time.sleep(0.1)
