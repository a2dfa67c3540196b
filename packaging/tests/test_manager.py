"""`fargate manager run` as the first process of a Debian, with a stand-in for gitlab-runner."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import unittest

import made
from debian_root import AS_ROOT, debian_root

# It answers on the metrics' address, tells its signals, and ends when its job has ended.
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

    def reply(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
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
        if operation == "DescribeTasks":
            self.reply({"tasks": [{"taskArn": TASK, "startedBy": MINE}], "failures": []})
        else:
            assert operation == "DescribeServices", operation
            primary = {"id": self.server.primary, "status": "PRIMARY"}
            service = {"serviceName": "ci-manager", "desiredCount": 1, "deployments": [primary]}
            self.reply({"services": [service], "failures": []})

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def aws():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    server.protections, server.primary = [], MINE
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
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


class Manager(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())
        cls.debian.install(made.deb())
        # A static program in the agent's place: that of these tests is not, and nothing runs it.
        made.run(*AS_ROOT, "cp", shutil.which("busybox"), cls.debian.folder / "usr/lib/fargate/fargate-agent")

    def setUp(self):
        self.aws = self.enterContext(aws())
        self.registry = self.enterContext(registry())
        self.debian.write("usr/bin/gitlab-runner", RUNNER)
        self.debian.run("chmod", "755", "/usr/bin/gitlab-runner")
        self.debian.run("sh", "-c", "rm -rf /tmp/* /etc/gitlab-runner /var/lib/fargate")

    def start(self, **changes):
        """The manager, as number 1 of namespaces of its own."""
        port = self.aws.server_port
        settings = {
            **SETTINGS,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "FARGATE_MANAGER_AGENT_REPOSITORY": f"{self.registry}/fargate-agent",
            "ECS_AGENT_URI": f"http://127.0.0.1:{port}/api/x",
            "ECS_CONTAINER_METADATA_URI_V4": f"http://127.0.0.1:{port}/v4/x",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            **changes,
        }
        root = self.debian.folder
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc"]
        environment = [f"{name}={value}" for name, value in settings.items() if value is not None]
        command = [*AS_ROOT, *own, "chroot", root, "env", "-i", *environment, "fargate", "manager", "run"]
        log = open(made.folder / "manager.log", "w+b")
        self.addCleanup(log.close)
        self.log = pathlib.Path(log.name)
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            made.run(*AS_ROOT, "kill", "-KILL", process.pid)
            process.wait(20)

    def first_process(self, process):
        """The manager's own process, seen from outside."""
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if not AS_ROOT else self.first_process_of_sudo(children)

    def first_process_of_sudo(self, children):
        inner = pathlib.Path(f"/proc/{children[0]}/task/{children[0]}/children").read_text().split()
        return int(inner[0])

    def there(self, path):
        return os.path.exists(self.debian.folder / path)

    def ready(self):
        until("the runner is there", lambda: self.there("tmp/runner-ready"))

    def signals(self):
        return (self.debian.folder / "tmp/runner-signals").read_text().split()

    def test_the_runner_ends_after_its_last_job(self):
        self.debian.write("tmp/job", "")
        process = self.start()
        self.ready()
        files = self.debian.folder / "etc/gitlab-runner"
        runner = made.run(*AS_ROOT, "cat", files / "config.toml")
        for line in ('listen_address = "127.0.0.1:9252"', "concurrent = 3", 'token = "glrt-secret"'):
            self.assertIn(line, runner)
        driver = made.run(*AS_ROOT, "cat", files / "fargate.toml")
        self.assertRegex(driver, rf'AgentImage = "{self.registry}/fargate-agent@sha256:[0-9a-f]{{64}}"')
        self.assertIn("-v19.3.1", driver)
        modes = self.debian.run("sh", "-c", "stat --format=%a /etc/gitlab-runner/*.toml")
        self.assertEqual(modes.split(), ["600", "600"])
        self.assertIn("run --config /etc/gitlab-runner/config.toml", self.debian.run("cat", "/tmp/runner-arguments"))
        self.assertEqual(self.aws.protections[0]["ProtectionEnabled"], True)
        # The first process buries what others leave.
        orphans = f"/proc/{self.first_process(process)}/task/{self.first_process(process)}/children"
        until("only the runner is left", lambda: len(pathlib.Path(orphans).read_text().split()) == 1)

        made.run(*AS_ROOT, "kill", "-TERM", self.first_process(process))
        until("the runner was told", lambda: self.there("tmp/runner-signals"))
        time.sleep(1)
        self.assertIsNone(process.poll(), "a job still runs")
        self.assertEqual(self.signals(), ["quit"])
        self.debian.run("rm", "/tmp/job")
        self.assertEqual(process.wait(20), 0, self.log.read_text())
        self.assertEqual(self.signals(), ["quit", "last"])
        self.assertEqual(self.aws.protections[-1], {"ProtectionEnabled": False})

    def test_a_newer_deployment_ends_the_runner(self):
        process = self.start()
        self.ready()
        self.aws.primary = NEWER
        # It looks every minute.
        self.assertEqual(process.wait(90), 0, self.log.read_text())
        self.assertIn("a newer deployment of this service", self.log.read_text())
        # Started again in the same task, it does nothing.
        self.debian.run("rm", "/tmp/runner-ready")
        self.assertEqual(self.start().wait(60), 0, self.log.read_text())
        self.assertFalse(self.there("tmp/runner-ready"))

    def test_missing_settings_are_told_together(self):
        process = self.start(FARGATE_MANAGER_CLUSTER=None, FARGATE_MANAGER_SUBNETS="")
        self.assertEqual(process.wait(60), 2)
        log = self.log.read_text()
        self.assertIn("FARGATE_MANAGER_CLUSTER is not set", log)
        self.assertIn("FARGATE_MANAGER_SUBNETS is not set", log)
        self.assertNotIn("glrt-secret", log)

    def test_a_runner_that_ends_by_itself_is_a_failure(self):
        self.debian.write("usr/bin/gitlab-runner", "#!/bin/sh\n[ \"$1\" = --version ] || exit 3\n")
        self.assertEqual(self.start().wait(60), 1)
        self.assertIn("gitlab-runner ended by itself: exit status: 3", self.log.read_text())

    def test_health_is_the_runners_metrics(self):
        _, said = self.debian.fails("fargate", "manager", "health")
        self.assertIn("gitlab-runner does not tell its metrics", said)


if __name__ == "__main__":
    unittest.main()
