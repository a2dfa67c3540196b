"""The start script of the manager's machine, run with stand-ins for what only a machine of AWS has."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import tomllib
import unittest

import stack
from programs import fargate, run
from test_template import read_template

# Where the script finds what it calls, and what the stand-ins do beside noting the call.
AGENT = "opt/aws/amazon-cloudwatch-agent"
PROGRAMS = {
    "bin/aws": 'case "$*" in *get-secret-value*) echo glrt-test ;; esac',
    "bin/curl": 'while [ $# -gt 1 ]; do [ "$1" = -o ] && cp "$TARBALL" "$2"; shift; done',
    "bin/dnf": ":",
    "bin/systemctl": ":",
    f"{AGENT}/bin/amazon-cloudwatch-agent-ctl": ":",
}
FOLDERS = ["etc/systemd/system", "etc/logrotate.d", f"{AGENT}/etc", "var/log", "release/fargate-0.1.0"]

# What an operator adds to fargate.toml.
MORE = """[JobVariables]
  CPUArchitectures = ["ARM64"]
# $1 `id`"""

# The machine is told of its end at the second look, and its last job ends after the second heartbeat.
DRAINING = {
    "bin/aws": ":",
    "bin/sleep": "exec /bin/sleep 0.1",
    "bin/curl": """case "$*" in
*api/token*) echo token ;;
*instance-id*) echo i-0123 ;;
*) [ -e "$ROOT/told" ] && echo Terminated || echo InService; : >"$ROOT/told" ;;
esac""",
    "bin/systemctl": """if [ "$1" = stop ]; then
    until [ "$(grep --count heartbeat "$ROOT/calls")" -ge 2 ]; do sleep 0.1; done
fi""",
}


def install(root, programs):
    """Puts stand-ins for programs below a folder. They note their calls in a file there."""
    for name, body in programs.items():
        program = root / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/bash\necho \"${{0##*/}} $*\" >>{root}/calls\n{body}\n")
        program.chmod(0o755)


def environment(root, **more):
    return {"PATH": f"{root}/bin:{os.environ['PATH']}", "ROOT": str(root), **more}


def start(root, script, programs):
    """Runs the script with a folder as the root of its files."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    install(root, programs)
    for name in ("fargate", "fargate-agent"):
        (root / "release/fargate-0.1.0" / name).write_text("a program")
    run("tar", "-czf", root / "release.tar.gz", "-C", root / "release", "fargate-0.1.0")
    script = re.sub(r"(?<![\w/-])(/etc|/opt|/var/log)/", rf"{root}\1/", script)
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60,
                          env=environment(root, TARBALL=str(root / "release.tar.gz")))


class StartScript(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        url = cls.enterClassContext(stack.moto(cls.root))
        cls.account = stack.Account(url)
        cls.account.create(DriverUrl="https://example.com/fargate-0.1.0-linux-x86_64.tar.gz",
                           RegistryCredentialsSecretArn=stack.REGISTRY, Concurrent="7", FargateToml=MORE)
        cls.script = cls.account.start_script()
        cls.ended = start(cls.root, cls.script, PROGRAMS)

    def read(self, path):
        return (self.root / path).read_text()

    def test_it_is_short_and_shellcheck_has_nothing_to_say(self):
        # AWS: user data, 16 KB before base64.
        self.assertLess(len(self.script), 16_384)
        run("shellcheck", "-", input=self.script)
        # The scripts in the script.
        run("shellcheck", self.root / "opt/gitlab-runner/drain", self.root / "opt/gitlab-runner/first-start")

    def test_it_ends_well(self):
        self.assertEqual((self.ended.returncode, self.ended.stderr), (0, ""))
        calls = self.read("calls")
        for call in ("dnf install", "systemctl daemon-reload", "systemctl enable --now fargate-drain.service",
                     "systemctl enable --now fargate-first-start.path", "amazon-cloudwatch-agent-ctl -a fetch-config"):
            self.assertIn(call, calls)
        self.assertEqual(self.read("opt/gitlab-runner/fargate-agent"), "a program")
        [log] = json.loads(self.read(f"{AGENT}/etc/fargate.json"))["logs"]["logs_collected"]["files"]["collect_list"]
        self.assertEqual(log["file_path"], f"{self.root}/var/log/fargate-manager.log")
        self.assertEqual(log["log_group_name"], "/ci/manager")

    def test_a_failed_start_ends_its_machine_and_is_in_the_log(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        refused = {"bin/aws": "echo AccessDeniedException >&2; exit 254"}
        ended = start(root, self.script, PROGRAMS | refused)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("AccessDeniedException", (root / "var/log/fargate-manager.log").read_text())
        calls = (root / "calls").read_text()
        for call in ("systemctl enable --now fargate-drain.service", "amazon-cloudwatch-agent-ctl -a fetch-config"):
            self.assertIn(call, calls)

    def test_tasks_have_the_processors_of_the_machine_whose_agent_they_run(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        ended = start(root, self.script, PROGRAMS | {"bin/uname": "echo aarch64"})
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        config = tomllib.loads((root / "etc/gitlab-runner/fargate.toml").read_text())
        self.assertEqual(config["JobImage"]["CPUArchitecture"], "ARM64")
        self.assertIn("binaries/gitlab-runner-linux-arm64", (root / "calls").read_text())

    def test_the_first_start_names_the_agent_by_its_digest(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        pushed = "registry.example.com/agent:0.1.0@sha256:" + "0" * 64
        install(root, PROGRAMS | {"opt/gitlab-runner/fargate": f"echo sent >&2; echo {pushed}"})
        config = root / "etc/gitlab-runner/fargate.toml"
        config.parent.mkdir(parents=True)
        config.write_text(self.read("etc/gitlab-runner/fargate.toml"))
        script = self.read("opt/gitlab-runner/first-start").replace(str(self.root), str(root))
        run("bash", "-c", script, env=environment(root))
        self.assertEqual(tomllib.loads(config.read_text())["JobImage"]["AgentImage"], pushed)
        self.assertEqual((root / "calls").read_text().splitlines()[-1],
                         "systemctl enable --now gitlab-runner.service fargate-reap.timer fargate-alive.timer")
        unit = self.read("etc/systemd/system/fargate-first-start.service")
        self.assertIn(f"StandardOutput=append:{self.root}/var/log/fargate-manager.log", unit)

    def test_the_alarm_hears_that_the_runner_is_alive(self):
        unit = self.read("etc/systemd/system/fargate-alive.service")
        words = read_template()["Resources"]["AliveFilter"]["Properties"]["FilterPattern"].strip('"')
        self.assertIn(f"ExecStartPost=echo '{words}'\n", unit)
        self.assertIn(f"StandardOutput=append:{self.root}/var/log/fargate-manager.log", unit)
        address = tomllib.loads(self.read("etc/gitlab-runner/config.toml"))["listen_address"]
        self.assertIn(f"http://{address}/metrics", unit)

    def test_the_driver_reads_what_it_wrote(self):
        config = tomllib.loads(self.read("etc/gitlab-runner/fargate.toml"))
        outputs = self.account.outputs()
        self.assertEqual(config["Fargate"]["Subnets"], outputs["Subnets"].split(","))
        self.assertEqual(config["Fargate"]["SecurityGroups"], [outputs["TaskSecurityGroups"]])
        self.assertEqual((config["Fargate"]["EnablePublicIP"], config["Fargate"]["UsePublicIP"]), (True, False))
        self.assertEqual(config["TaskMetadata"]["Manager"], outputs["ManagerName"])
        self.assertEqual(self.read("etc/gitlab-runner/fargate.local.toml"), f"{MORE}\n")
        images = config["JobImage"]
        self.assertEqual(images["AgentImage"], outputs["AgentImage"])
        self.assertEqual(images["ExecutionRole"], outputs["TaskExecutionRoleArn"])
        self.assertEqual(images["TaskRole"], outputs["TaskRoleArn"])
        self.assertEqual(images["RegistryCredentials"], {"registry.gitlab.com": stack.REGISTRY})
        self.assertEqual(images["CPUArchitecture"], "X86_64")
        file = self.root / "etc/gitlab-runner/fargate.toml"
        checked = json.loads(run(fargate(), "--config", file, "doctor", "--only", "configuration", "--json"))["checks"]
        self.assertGreaterEqual(len(checked), 3)
        self.assertEqual({check["status"] for check in checked} - {"pass", "skip"}, set(), checked)

    def test_the_runner_calls_the_driver(self):
        file = self.root / "etc/gitlab-runner/config.toml"
        config = tomllib.loads(file.read_text())
        [runner] = config["runners"]
        self.assertEqual((runner["token"], runner["url"], runner["limit"]), ("glrt-test", "https://gitlab.com/", 7))
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.root / "opt/gitlab-runner/metadata").stat().st_mode & 0o777, 0o700)

    def test_the_runner_ends_after_its_last_job(self):
        unit = self.read("etc/systemd/system/gitlab-runner.service")
        self.assertIn("KillSignal=SIGQUIT\nTimeoutStopSec=infinity", unit)
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        install(root, DRAINING)
        run("bash", self.root / "opt/gitlab-runner/drain", env=environment(root))
        calls = [call for call in (root / "calls").read_text().splitlines() if call.startswith(("aws", "systemctl"))]
        action = "--lifecycle-hook-name last-job --auto-scaling-group-name ci-manager --instance-id i-0123"
        heartbeat = f"aws autoscaling record-lifecycle-action-heartbeat {action} --region us-east-2"
        self.assertEqual(set(calls[1:-1]), {"systemctl stop gitlab-runner.service", heartbeat})
        self.assertGreaterEqual(calls.count(heartbeat), 2)
        self.assertEqual(calls[0], "systemctl disable gitlab-runner.service")
        self.assertEqual(calls[-1], "aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE"
                                    f" {action} --region us-east-2")
