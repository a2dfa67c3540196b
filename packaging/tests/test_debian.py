"""The .deb on a clean Debian without compilers: installed, used, removed."""

import unittest

import made
from debian_root import EXAMPLE, debian_root


class FromInstallToPurge(unittest.TestCase):
    """What a user does first and last, on a system without anything of ours."""

    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())
        cls.before = cls.debian.files()

    def setUp(self):
        self.debian.install(made.deb())
        self.addCleanup(self.debian.clean, self.before)
        self.addCleanup(self.debian.run, "dpkg", "--purge", "fargate")

    def test_it_works_and_leaves_nothing(self):
        debian = self.debian
        for absent in ("gcc", "cargo", "git", "ssh"):
            debian.fails("which", absent)
        self.assertRegex(debian.run("fargate", "--version"), r"^fargate \d")
        job = debian.run("fargate", "try", "--file", EXAMPLE)
        self.assertIn("Hello, world!", job)
        debian.run("fargate", "doctor", "--pre")
        self.check_completions()
        debian.run("dpkg", "--verify", "fargate")
        # It finds the packaged agent, which is static in a release and not in tests.
        agent = ["fargate", "agent", "image", "--output", "/tmp/agent.tar"]
        if made.are_static():
            debian.run(*agent)
        else:
            _, said = debian.fails(*agent)
            self.assertIn("/lib/fargate/fargate-agent cannot be the agent", said)

        debian.run("dpkg", "--remove", "fargate")
        # Until a purge, settings stay.
        self.assertEqual(debian.files() - self.before, {"etc/default/fargate"})
        debian.run("dpkg", "--purge", "fargate")
        self.assertEqual(debian.files(), self.before)

    def check_completions(self):
        script = """
            source /usr/share/bash-completion/completions/fargate
            COMP_WORDS=(fargate doc) COMP_CWORD=1
            _fargate fargate doc fargate
            echo "${COMPREPLY[@]}" """
        self.assertEqual(self.debian.run("bash", "-c", script), "doctor\n")
        # Neither shell is there, nor is man: the files are where each looks, in its form.
        first = self.debian.run("head", "-1", "/usr/share/zsh/vendor-completions/_fargate")
        self.assertEqual(first, "#compdef fargate\n")
        fish = self.debian.run("cat", "/usr/share/fish/vendor_completions.d/fargate.fish")
        self.assertRegex(fish, r'complete -c fargate .*-a "doctor"')
        for page in ("fargate", "fargate-warm-keep"):
            manual = self.debian.run("zcat", f"/usr/share/man/man1/{page}.1.gz")
            self.assertRegex(manual, rf"(?m)^\.TH {page} 1 ")
            self.assertIn("\n.SH NAME\n", manual)

    def test_a_purge_keeps_what_a_user_made(self):
        debian = self.debian
        debian.write("etc/default/fargate", "NO_PROXY=example.com\n")
        debian.run("mkdir", "/etc/gitlab-runner")
        debian.write("etc/gitlab-runner/fargate.toml", "# mine\n")
        debian.write("var/lib/fargate/manager", "{}\n")
        debian.install(made.old_deb())
        self.assertEqual(debian.run("cat", "/etc/default/fargate"), "NO_PROXY=example.com\n")
        debian.run("dpkg", "--purge", "fargate")
        mine = {"etc/gitlab-runner", "etc/gitlab-runner/fargate.toml"}
        self.assertEqual(debian.files() - self.before, mine)

    def test_a_purge_keeps_records_of_jobs(self):
        debian = self.debian
        debian.write("var/lib/fargate/t1_abc-4711.json", "{}\n")
        said = debian.run("sh", "-c", "dpkg --purge fargate 2>&1")
        self.assertIn("/var/lib/fargate stays: it has records of jobs.", said)
        self.assertEqual(debian.run("ls", "/var/lib/fargate"), "t1_abc-4711.json\n")

    def test_a_purge_keeps_files_of_waiting_tasks(self):
        debian = self.debian
        debian.run("mkdir", "/var/lib/fargate/warm")
        debian.write("var/lib/fargate/warm/keep-0123456789abcdef.lock", "")
        debian.write("var/lib/fargate/warm/0123456789abcdef.claimed-fedcba9876543210", "{}\n")
        said = debian.run("sh", "-c", "dpkg --purge fargate 2>&1")
        self.assertIn("/var/lib/fargate stays", said)
        debian.install(made.deb())
        debian.run("rm", "/var/lib/fargate/warm/0123456789abcdef.claimed-fedcba9876543210")
        debian.run("dpkg", "--purge", "fargate")
        debian.fails("ls", "/var/lib/fargate")


class Services(unittest.TestCase):
    """What the package asks of systemd."""

    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())
        cls.debian.pretend_systemd()

    def test_the_keeper_of_waiting_tasks_changes_with_the_package_and_goes_with_it(self):
        debian = self.debian
        debian.install(made.old_deb())
        debian.asked()
        # What `systemctl enable` makes.
        link = "/etc/systemd/system/multi-user.target.wants/fargate-warm.service"
        debian.run("mkdir", "-p", link.rpartition("/")[0])
        debian.run("ln", "-s", "/usr/lib/systemd/system/fargate-warm.service", link)

        debian.install(made.deb())
        asked = debian.asked()
        self.assertIn("try-restart fargate-warm.service", "\n".join(asked))
        # A change of version stops nothing.
        self.assertEqual([call for call in asked if "stop" in call.split()], [])
        debian.run("dpkg", "--remove", "fargate")
        self.assertRegex("\n".join(debian.asked()), r"\bstop fargate-reap\.timer fargate-warm\.service")
        debian.run("test", "-h", link)
        debian.run("dpkg", "--purge", "fargate")
        debian.fails("test", "-h", link)


if __name__ == "__main__":
    unittest.main()
