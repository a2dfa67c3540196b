"""The manager's image: made and pushed by `fargate manager push`, started by a container engine."""

import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import made
from container_engine import ContainerEngine
from debian_root import AS_ROOT
from stand_ins import RUNNER, SETTINGS, aws, registry, until

APPLETS = ["cat", "rm", "sh", "sleep", "stat"]
# The driver of tests is linked with this machine's C library, and a static program is needed in its place: this one
# starts it. It is in the base, and finds the agent where the image has it.
REAL = "/opt/tests/bin/fargate"
LAUNCHER = f"""\
#include <unistd.h>
int main(int count, char **words) {{ (void)count; return execv("{REAL}", words); }}
"""


def libraries(program):
    """The files that the dynamic loader would read, and the loader."""
    return sorted(set(re.findall(r"(/\S+) \(0x", made.run("ldd", program))))


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = ContainerEngine()
        cls.registry = cls.enterClassContext(registry())
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.programs = cls.folder / "programs"
        cls.programs.mkdir()
        driver = made.programs() / "fargate"
        if made.are_static():
            shutil.copy(driver, cls.programs)
            shutil.copy(made.programs() / "fargate-agent", cls.programs)
        else:
            made.run("gcc", "-static", "-x", "c", "-", "-o", cls.programs / "fargate", input=LAUNCHER)
            # Nothing runs it here.
            shutil.copy(shutil.which("busybox"), cls.programs / "fargate-agent")
        base = f"{cls.registry}/ci/gitlab-runner:1"
        cls.engine.publish(cls.base(None if made.are_static() else driver), base)
        push = ["manager", "push", "--base", base, "--programs", cls.programs, f"{cls.registry}/ci/manager:1"]
        cls.reference = made.run(driver, *push).strip()

    @classmethod
    def base(cls, driver):
        """A system with a stand-in for GitLab Runner, as an archive; with this dynamic driver, if any."""
        archive = cls.folder / "base.tar"
        runner = cls.folder / "gitlab-runner"
        runner.write_text(RUNNER)
        runner.chmod(0o755)
        with tarfile.open(archive, "w") as tar:
            tar.add(shutil.which("busybox"), "bin/busybox")
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            tar.add(runner, "usr/bin/gitlab-runner")
            tar.add("/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt")
            if driver:
                tar.add(driver, REAL.removeprefix("/"))
                link = tarfile.TarInfo("opt/tests/lib")
                link.type, link.linkname = tarfile.SYMTYPE, "/usr/lib"
                tar.addfile(link)
                for library in libraries(driver):
                    tar.add(os.path.realpath(library), library.removeprefix("/"))
        return archive

    def setUp(self):
        self.aws = self.enterContext(aws())
        self.shared = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.addCleanup(lambda: made.run(*AS_ROOT, "find", self.shared, "-mindepth", "1", "-delete"))

    def start(self):
        """A container of the pushed image, as the registry has it by digest."""
        port = self.aws.server_port
        settings = {
            **SETTINGS,
            "FARGATE_MANAGER_AGENT_REPOSITORY": f"{self.registry}/fargate-agent",
            "ECS_AGENT_URI": f"http://127.0.0.1:{port}/api/x",
            "ECS_CONTAINER_METADATA_URI_V4": f"http://127.0.0.1:{port}/v4/x",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }
        self.engine.pull(self.reference)
        self.addCleanup(self.engine.run, "rmi", "--force", self.reference)
        environment = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
        # It shares this machine's loopback, where registry and AWS are, and the runner's /tmp.
        place = ["--network", "host", "--volume", f"{self.shared}:/tmp"]
        container = self.engine.run("run", "--detach", *place, *environment, self.reference).strip()
        self.addCleanup(self.engine.run, "rm", "--force", container)
        self.container = container

    def inside(self, *words):
        return self.engine.run("exec", self.container, *words)

    def ready(self):
        def is_ready():
            state = self.engine.state(self.container)
            assert state["Status"] == "running", self.log()
            return (self.shared / "runner-ready").exists()

        until("the runner is there", is_ready)

    def log(self):
        ended = subprocess.run(self.engine.command("logs", self.container), capture_output=True, text=True, check=False)
        return ended.stdout + ended.stderr

    def signals(self):
        file = self.shared / "runner-signals"
        return file.read_text().split() if file.exists() else []

    def test_the_environment_is_the_configuration_and_sigquit_the_end(self):
        job = self.shared / "job"
        job.touch()
        self.start()
        self.ready()
        runner = self.inside("cat", "/etc/gitlab-runner/config.toml")
        for line in ("concurrent = 3", 'token = "glrt-secret"', 'url = "https://gitlab.example.com/"', "custom"):
            self.assertIn(line, runner)
        driver = self.inside("cat", "/etc/gitlab-runner/fargate.toml")
        self.assertRegex(driver, rf'AgentImage = "{self.registry}/fargate-agent@sha256:[0-9a-f]{{64}}"')
        self.assertIn('Cluster = "ci"', driver)
        modes = self.inside("stat", "-c", "%a", "/etc/gitlab-runner/config.toml", "/etc/gitlab-runner/fargate.toml")
        self.assertEqual(modes.split(), ["600", "600"])
        self.assertEqual(self.aws.protections[0]["ProtectionEnabled"], True)

        # The engine sends the image's own signal, and kills what is still there after 120 s.
        stop = subprocess.Popen(self.engine.command("stop", "-t", "120", self.container), stdout=subprocess.DEVNULL)
        self.addCleanup(stop.wait, 140)
        self.addCleanup(job.unlink, missing_ok=True)
        until("the runner was told", self.signals)
        # Podman calls it stopping.
        self.assertIn(self.engine.state(self.container)["Status"], ("running", "stopping"), "a job still runs")
        self.assertEqual(self.signals(), ["quit"])
        job.unlink()
        self.assertEqual(stop.wait(130), 0)
        self.assertEqual(self.signals(), ["quit", "last"], self.log())
        state = self.engine.state(self.container)
        # It would be 137 if the engine had killed it.
        self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 0), self.log())
        self.assertEqual(self.aws.protections[-1], {"ProtectionEnabled": False})
        self.assertNotIn("glrt-secret", self.log())


if __name__ == "__main__":
    unittest.main()
