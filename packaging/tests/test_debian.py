"""The package on a clean Debian without compilers: installed, used, upgraded beside a job, removed."""

import json
import subprocess
import unittest

import boto3
import made
from botocore.config import Config
from debian_root import debian_root

EXAMPLE = "/usr/share/doc/fargate/examples/hello/.gitlab-ci.yml"
REGION = "eu-west-1"


class Installed(unittest.TestCase):
    """A test that begins with an installation, on a system without anything of ours."""

    package = staticmethod(made.deb)

    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())
        cls.before = cls.debian.files()

    def setUp(self):
        self.debian.install(self.package())

    def tearDown(self):
        self.debian.run("dpkg", "--purge", "fargate")
        left = sorted(self.debian.files() - self.before, reverse=True)
        self.debian.run("rm", "-rf", *(f"/{path}" for path in left))


class FromInstallToPurge(Installed):
    """What a user does first and last."""

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
        # It finds the packaged agent, which is not static in tests.
        _, said = debian.fails("fargate", "agent", "image", "--output", "/tmp/agent.tar")
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


class ChangeOfVersion(Installed):
    """An upgrade and a way back while a job runs."""

    package = staticmethod(made.old_deb)

    def setUp(self):
        super().setUp()
        command = self.debian.command("fargate", "local", "serve", "--listen", "127.0.0.1:0")
        serve = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(serve.stdout.close)
        self.addCleanup(serve.wait, 20)
        self.addCleanup(serve.terminate)
        for line in serve.stdout:
            if "http://127.0.0.1:" in line:
                self.endpoint = next(word for word in line.split() if word.startswith("http://")).rstrip(".,")
                break
        self.ecs = boto3.client(
            "ecs", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="any",
            aws_secret_access_key="any", config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip
        self.ecs.create_cluster(clusterName="ci", capacityProviders=["FARGATE"])
        self.ecs.register_task_definition(
            family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "ci-coordinator", "image": "any", "portMappings": [{"containerPort": 2222}]}],
        )  # fmt: skip
        self.configure()

    def configure(self):
        toml = f"""
            [Fargate]
            Cluster = "ci"
            Region = "{REGION}"
            Subnet = "subnet-0a1b2c3d4e5f60001"
            SecurityGroup = "sg-0a1b2c3d4e5f60003"
            TaskDefinition = "job"
            Endpoint = "{self.endpoint}"
            [TaskMetadata]
            Directory = "/var/lib/fargate"
            [SSH]
            Username = "root"
            Port = 2222
        """
        self.debian.write("tmp/fargate.toml", toml)
        job = {"id": 4711, "token": "job-token", "job_info": {"name": "build", "project_id": 7, "project_full_path": "a/b"}}
        self.debian.write("tmp/response.json", json.dumps({**job, "variables": []}))
        self.debian.write("tmp/script", "echo version of the job: $1\nsleep 1\necho the end\n")

    def stage(self, *words):
        runner = [
            "BUILD_FAILURE_EXIT_CODE=11", "SYSTEM_FAILURE_EXIT_CODE=22", "BUILD_EXIT_CODE_FILE=/tmp/code",
            "JOB_RESPONSE_FILE=/tmp/response.json", "CUSTOM_ENV_CI_JOB_ID=4711", "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN=t1_abc",
            "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true", "TMPDIR=/tmp",
        ]  # fmt: skip
        return self.debian.command("env", *runner, "fargate", "--config", "/tmp/fargate.toml", "custom", *words)

    def running(self):
        return self.ecs.list_tasks(cluster="ci")["taskArns"]

    def version(self):
        return self.debian.run("dpkg-query", "--show", "--showformat=${Version}", "fargate")

    def test_a_running_job_goes_on(self):
        debian = self.debian
        made.run(*self.stage("prepare"))
        (task,) = self.running()
        script = subprocess.Popen(self.stage("run", "/tmp/script", "build_script"), stdout=subprocess.PIPE, text=True)
        debian.install(made.deb())
        self.assertEqual(self.version(), f"{made.NEW}-1")
        said, _ = script.communicate(timeout=60)
        self.assertEqual(script.returncode, 0, said)
        self.assertIn("the end", said)
        # The next stage is the new version's, on the old one's record, and the last one the old version's again.
        self.assertEqual(debian.run("ls", "/var/lib/fargate").count("t1_abc-4711.json"), 1)
        said = made.run(*self.stage("run", "/tmp/script", "after_script"))
        self.assertIn("the end", said)
        debian.install(made.old_deb())
        self.assertEqual(self.version(), f"{made.OLD}-1")
        self.assertEqual(self.running(), [task])
        made.run(*self.stage("cleanup"))
        self.assertEqual(self.running(), [])
        self.assertNotIn(".json", debian.run("ls", "/var/lib/fargate"))


if __name__ == "__main__":
    unittest.main()
