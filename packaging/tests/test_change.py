"""An upgrade and a way back while a job runs, by dpkg and by rpm."""

import json
import subprocess
import unittest

import boto3
import made
from botocore.config import Config
from debian_root import debian_root

REGION = "eu-west-1"


class ChangeOfVersion:
    """A job on a manager whose package changes."""

    @classmethod
    def setUpClass(cls):
        cls.debian = cls.enterClassContext(debian_root())

    def setUp(self):
        self.change_to(self.old())
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

    def test_a_running_job_goes_on(self):
        debian = self.debian
        made.run(*self.stage("prepare"))
        (task,) = self.running()
        script = subprocess.Popen(self.stage("run", "/tmp/script", "build_script"), stdout=subprocess.PIPE, text=True)
        self.change_to(self.new())
        self.assertEqual(self.version(), f"{made.NEW}-1")
        said, _ = script.communicate(timeout=60)
        self.assertEqual(script.returncode, 0, said)
        self.assertIn("the end", said)
        # The next stage is the new version's, on the old one's record, and the last one the old version's again.
        self.assertEqual(debian.run("ls", "/var/lib/fargate").count("t1_abc-4711.json"), 1)
        said = made.run(*self.stage("run", "/tmp/script", "after_script"))
        self.assertIn("the end", said)
        self.change_to(self.old())
        self.assertEqual(self.version(), f"{made.OLD}-1")
        self.assertEqual(self.running(), [task])
        made.run(*self.stage("cleanup"))
        self.assertEqual(self.running(), [])
        self.assertNotIn(".json", debian.run("ls", "/var/lib/fargate"))


class ByDpkg(ChangeOfVersion, unittest.TestCase):
    old, new = staticmethod(made.old_deb), staticmethod(made.deb)

    def change_to(self, package):
        self.debian.install(package)

    def version(self):
        return self.debian.run("dpkg-query", "--show", "--showformat=${Version}", "fargate")


class ByRpm(ChangeOfVersion, unittest.TestCase):
    old, new = staticmethod(made.old_rpm), staticmethod(made.rpm)

    def change_to(self, package):
        self.debian.rpm("--upgrade", "--oldpackage", package)

    def version(self):
        return self.debian.rpm("--query", "--queryformat", "%{VERSION}-%{RELEASE}", "fargate")


if __name__ == "__main__":
    unittest.main()
