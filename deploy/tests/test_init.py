"""`fargate init --stack` reads what the template's outputs say."""

import os
import pathlib
import subprocess
import tempfile
import tomllib
import unittest

import stack
from programs import fargate


class FromAStack(unittest.TestCase):
    def test_init_writes_what_the_outputs_say(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        account = stack.Account(self.enterContext(stack.moto(folder)))
        secrets = account.client("secretsmanager")
        secret = secrets.create_secret(Name="gitlab-runner-token", SecretString="glrt-abcdefgh")
        account.create(ManagerKind="none", RunnerTokenSecretArn=secret["ARN"],
                       RegistryCredentialsSecretArn=stack.REGISTRY, RegistryHost="registry.example.com",
                       HelperImage="registry.example.com/helper:1")
        outputs = account.outputs()

        config, runner = folder / "fargate.toml", folder / "config.toml"
        command = [fargate(), "--config", config, "init", "--stack", stack.NAME, "--runner-config", runner]
        command += ["--url", "https://gitlab.example.com"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ENDPOINT_URL": account.url}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                               env=environment | stack.CREDENTIALS | {"AWS_REGION": stack.REGION})
        said = ended.stdout + ended.stderr
        # 1: the files are made, and doctor sees that moto has neither an image nor quotas.
        self.assertIn(ended.returncode, (0, 1), said)

        written = tomllib.loads(config.read_text())
        self.assertEqual(written["Fargate"]["Cluster"], outputs["Cluster"])
        self.assertEqual(written["Fargate"]["Region"], outputs["Region"])
        self.assertEqual(written["Fargate"]["Subnets"], outputs["Subnets"].split(","))
        groups = written["Fargate"].get("SecurityGroups") or [written["Fargate"]["SecurityGroup"]]
        self.assertEqual(groups, [outputs["TaskSecurityGroups"]])
        self.assertEqual(written["Fargate"]["EnablePublicIP"], True)
        self.assertEqual(written["TaskMetadata"]["Manager"], outputs["ManagerName"])
        images = written["JobImage"]
        self.assertEqual(images["AgentImage"], outputs["AgentImage"])
        self.assertEqual(images["ExecutionRole"], outputs["TaskExecutionRoleArn"])
        self.assertEqual(images["TaskRole"], outputs["TaskRoleArn"])
        self.assertEqual(images["LogGroup"], outputs["LogGroup"])
        self.assertEqual(images["HelperImage"], "registry.example.com/helper:1")
        self.assertEqual(images["RegistryCredentials"], {"registry.example.com": stack.REGISTRY})
        [entry] = tomllib.loads(runner.read_text())["runners"]
        self.assertEqual((entry["token"], entry["url"]), ("glrt-abcdefgh", "https://gitlab.example.com"))
        self.assertNotIn("glrt-abcdefgh", said)
