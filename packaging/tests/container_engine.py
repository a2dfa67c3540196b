"""The container engine of the tests: Docker where a daemon answers, else a Podman of the tests' own."""

import json
import shutil
import subprocess

from debian_root import AS_ROOT
from made import ROOT, run

# As in crates/testing/src/container_engine.rs: they also work without crun, systemd's cgroups and high limits.
PODMAN_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


class ContainerEngine:
    """Its commands."""

    def __init__(self):
        docker = shutil.which("docker")
        if docker and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0:
            self.words, self.without_tls = [docker], []
            return
        # Images and containers, kept from run to run: to remove the folder takes more than its files.
        home = ROOT / ".cache/podman"
        home.mkdir(parents=True, exist_ok=True)
        configuration = home / "containers.conf"
        configuration.write_text(PODMAN_CONF)
        storage = ["--root", home / "storage", "--runroot", home / "run"]
        self.words = [*AS_ROOT, "env", f"CONTAINERS_CONF={configuration}", "podman", *storage]
        # Docker asks loopback without TLS by itself.
        self.without_tls = ["--tls-verify=false"]

    def command(self, *words):
        return [str(word) for word in (*self.words, *words)]

    def run(self, *words):
        return run(*self.command(*words))

    def publish(self, archive, name):
        """Makes an image of a root file system and pushes it. The engine does not keep it."""
        self.run("import", archive, name)
        self.run("push", *self.without_tls, name)
        self.run("rmi", name)

    def pull(self, name):
        self.run("pull", "--quiet", *self.without_tls, name)

    def state(self, container):
        """Its status, its exit code and more."""
        (description,) = json.loads(self.run("container", "inspect", container))
        return description["State"]
