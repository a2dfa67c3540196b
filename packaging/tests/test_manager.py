"""`fargate manager run` as the first process of a Debian, with a stand-in for gitlab-runner."""

import os
import pathlib
import shutil
import subprocess
import time
import unittest

import made
from debian_root import AS_ROOT, debian_root
from stand_ins import NEWER, RUNNER, SETTINGS, aws, metrics, registry, until


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
        self.assertIn('CPUArchitecture = "X86_64"', driver)
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

    def test_a_task_that_cannot_be_looked_at_first_hears_of_a_newer_deployment_later(self):
        self.aws.refusals = 1
        process = self.start()
        self.ready()
        self.assertEqual(self.aws.refusals, 0)
        self.assertIn("started this task is not known yet", self.log.read_text())
        self.aws.primary = NEWER
        self.assertEqual(process.wait(90), 0, self.log.read_text())
        self.assertIn("a newer deployment of this service", self.log.read_text())

    def test_jobs_that_cannot_be_seen_count_as_living(self):
        self.debian.run("mkdir", "-p", "/var/lib/fargate")
        self.debian.write("var/lib/fargate/format", "999\n")
        self.start()
        self.ready()
        self.assertIn("the records of jobs cannot be read, so they count as living", self.log.read_text())
        self.assertEqual(self.aws.protections[0], {"ProtectionEnabled": True, "ExpiresInMinutes": 2880})

    def test_a_task_of_no_service_is_not_protected(self):
        process = self.start(FARGATE_MANAGER_SERVICE=None)
        self.ready()
        made.run(*AS_ROOT, "kill", "-TERM", self.first_process(process))
        self.assertEqual(process.wait(20), 0, self.log.read_text())
        self.assertEqual(self.aws.protections, [])

    def test_more_of_the_configuration_wins(self):
        refused = self.start(FARGATE_MANAGER_TOML='[JobImage]\n  CPUArchitecture = "VAX"')
        self.assertEqual(refused.wait(60), 1)
        self.assertIn('fargate.local.toml, line 2: JobImage.CPUArchitecture is "VAX"', self.log.read_text())
        self.start(FARGATE_MANAGER_TOML='[Fargate]\n  HedgeAfter = "9s"')
        self.ready()
        self.assertEqual(self.debian.run("cat", "/etc/gitlab-runner/fargate.local.toml"),
                         '[Fargate]\n  HedgeAfter = "9s"\n')

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
        with metrics() as server:
            self.debian.run("fargate", "manager", "health")
            server.status = 500
            _, said = self.debian.fails("fargate", "manager", "health")
            self.assertIn("status 500", said)


if __name__ == "__main__":
    unittest.main()
