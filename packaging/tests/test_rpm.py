"""The .rpm on a system without compilers, by rpm itself: installed, used, upgraded, taken back, erased."""

import unittest

import made
from debian_root import EXAMPLE, debian_root

# What the packages filesystem and systemd bring on systems of rpm.
FOLDERS = [
    "/usr/lib/systemd/system/timers.target.wants",
    "/usr/share/fish/vendor_completions.d",
    "/usr/share/licenses",
    "/usr/share/zsh/site-functions",
]


class Rpm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())
        cls.debian.run("mkdir", "-p", *FOLDERS)
        cls.debian.pretend_systemd()
        cls.before = cls.debian.files()

    def setUp(self):
        self.debian.asked()
        self.addCleanup(self.debian.clean, self.before)

    def asked(self):
        return self.debian.asked()

    def test_it_works_and_leaves_nothing(self):
        debian = self.debian
        debian.rpm("--install", made.rpm())
        started = ["--system daemon-reload", "start fargate-reap.timer", "try-restart fargate-warm.service"]
        self.assertEqual(self.asked(), started)
        # Content, mode and owner of each file are those of the package.
        self.assertEqual(debian.rpm("--verify", "fargate"), "")
        owners = {
            "/usr/bin/fargate": "root root 755",
            "/usr/lib/fargate/fargate-agent": "root root 755",
            "/var/lib/fargate": "root root 700",
            "/etc/default/fargate": "root root 644",
            "/usr/lib/systemd/system/fargate-reap.service": "root root 644",
        }
        self.assertEqual({path: debian.run("stat", "-c", "%U %G %a", path).strip() for path in owners}, owners)
        timer = debian.run("readlink", "--canonicalize", "/usr/lib/systemd/system/timers.target.wants/fargate-reap.timer")
        self.assertEqual(timer, "/usr/lib/systemd/system/fargate-reap.timer\n")
        self.assertIn("Hello, world!", debian.run("fargate", "try", "--file", EXAMPLE))

        debian.rpm("--erase", "fargate")
        stopped = ["stop fargate-reap.timer", "disable --now fargate-warm.service", "--system daemon-reload"]
        self.assertEqual(self.asked(), stopped)
        self.assertEqual(debian.files(), self.before)

    def test_a_change_of_version_keeps_what_a_user_made(self):
        debian = self.debian
        debian.rpm("--install", made.old_rpm())
        mine = "NO_PROXY=example.com\n"
        debian.write("etc/default/fargate", mine)
        debian.write("var/lib/fargate/t1_abc-4711.json", "{}\n")
        self.asked()
        for package, version, options in ((made.rpm(), made.NEW, []), (made.old_rpm(), made.OLD, ["--oldpackage"])):
            debian.rpm("--upgrade", *options, package)
            # The new package's script, then that of the one that goes. The timer is not stopped.
            begun = ["start fargate-reap.timer", "try-restart fargate-warm.service"]
            self.assertEqual(self.asked(), ["--system daemon-reload", *begun, "--system daemon-reload"])
            self.assertEqual(debian.rpm("--query", "--queryformat", "%{VERSION}", "fargate"), version)
            self.assertEqual(debian.run("cat", "/etc/default/fargate"), mine)
            self.assertEqual(debian.run("ls", "/var/lib/fargate"), "t1_abc-4711.json\n")
        debian.rpm("--erase", "fargate")
        left = debian.files() - self.before
        saved = {"etc/default/fargate.rpmsave", "var/lib/fargate", "var/lib/fargate/t1_abc-4711.json"}
        self.assertEqual(left, saved)
        self.assertEqual(debian.run("cat", "/etc/default/fargate.rpmsave"), mine)


if __name__ == "__main__":
    unittest.main()
