"""A clean Debian without compilers: the one that container images are made of in tests, in namespaces of its own."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

from made import ROOT, run

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
# A job that both packages bring.
EXAMPLE = "/usr/share/doc/fargate/examples/hello/.gitlab-ci.yml"
# It notes what it is asked for.
SYSTEMCTL = '#!/bin/sh\necho "$@" >>/run/systemctl\n'
# Where dpkg and rpm keep their books, and what a system writes by itself.
BOOKS = ("var/lib/dpkg/", "var/lib/rpm", "var/log/", "var/cache/", "proc/", "tmp/", "root/", "run/")


class DebianRoot:
    """The folder that is the root of that Debian, and the process that holds its namespaces."""

    def __init__(self, folder, holder):
        self.folder = folder
        self.holder = holder

    def command(self, *words):
        """The command, in there."""
        enter = ["nsenter", "--target", str(self.holder), "--mount", "--pid", "--root", "--wd=/"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return [*AS_ROOT, *enter, *clean, *map(str, words)]

    def run(self, *words):
        return run(*self.command(*words))

    def fails(self, *words):
        """Runs a command that must fail; returns its exit code and its complaint."""
        ended = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=300, check=False)
        assert ended.returncode != 0, ended.stdout
        return ended.returncode, ended.stdout + ended.stderr

    def install(self, package):
        """Installs or changes the version of our package, as root does it with a file."""
        run(*AS_ROOT, "cp", package, self.folder / "tmp/fargate.deb")
        return self.run("dpkg", "--install", "/tmp/fargate.deb")

    def rpm(self, *words):
        """This machine's rpm on that system, which has none of its own. Scripts of packages run in there."""
        return run(*AS_ROOT, "rpm", "--root", self.folder, "--dbpath", "/var/lib/rpm", *words)

    def pretend_systemd(self):
        """Puts a stand-in for systemctl there. Where /run/systemd/system is, systemd runs."""
        self.run("mkdir", "-p", "/run/systemd/system")
        self.write("usr/bin/systemctl", SYSTEMCTL)
        self.run("chmod", "755", "/usr/bin/systemctl")

    def asked(self):
        """What systemd was asked for since the last look."""
        said = self.run("sh", "-c", "cat /run/systemctl 2>/dev/null || :").splitlines()
        self.run("rm", "-f", "/run/systemctl")
        return said

    def clean(self, before):
        """Removes all files but these."""
        left = sorted(self.files() - before, reverse=True)
        self.run("rm", "-rf", *(f"/{path}" for path in left))

    def write(self, path, text):
        run(*AS_ROOT, "tee", self.folder / path, input=text)

    def files(self):
        """Paths of everything, but for those books."""
        found = run(*AS_ROOT, "find", self.folder, "-xdev", "-mindepth", "1", "-printf", "%P\\n").splitlines()
        return {path for path in found if not path.startswith(BOOKS)}


@contextlib.contextmanager
def debian_root():
    """Unpacks one, and removes it."""
    archive = run(ROOT / "images/base").strip()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fargate-debian-"))
    try:
        folder.chmod(0o755)
        run(*AS_ROOT, "tar", "--directory", folder, "--extract", "--file", archive, "--numeric-owner")
        # What the package ca-certificates would bring.
        run(*AS_ROOT, "mkdir", "-p", folder / "etc/ssl/certs")
        run(*AS_ROOT, "cp", "/etc/ssl/certs/ca-certificates.crt", folder / "etc/ssl/certs")
        with namespaces(folder) as first:
            yield DebianRoot(folder, first)
    finally:
        run(*AS_ROOT, "rm", "-rf", "--one-file-system", folder)


@contextlib.contextmanager
def namespaces(folder):
    """Mounts and processes of its own; gives the process that is number 1 in there."""
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={folder}/proc"]
    unshare = subprocess.Popen([*AS_ROOT, *own, "chroot", str(folder), "sleep", "3600"], stderr=subprocess.DEVNULL)
    first = None
    try:
        first = first_process(unshare.pid)
        yield first
    finally:
        # Its end ends all others in there, and unshare.
        run(*AS_ROOT, "kill", "-KILL", first or unshare.pid)
        unshare.wait(20)


def first_process(unshare):
    """A descendant of unshare, once it is `sleep`."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        process = unshare
        while children := pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split():
            process = int(children[0])
        if pathlib.Path(f"/proc/{process}/comm").read_text() == "sleep\n":
            return process
        time.sleep(0.05)
    raise AssertionError("the namespaces of the Debian root did not come up within 20 s")
