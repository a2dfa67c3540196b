"""The aws command, as people use it."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import clients
from clients import CLUSTER, GROUP, SUBNETS

AWS = pathlib.Path(sys.executable).parent / "aws"


def aws(*arguments):
    environment = {
        "PATH": os.environ["PATH"],
        # Without the configuration of the user who runs this.
        "HOME": os.devnull,
        "AWS_ENDPOINT_URL": clients.ENDPOINT,
        "AWS_REGION": clients.REGION,
        "AWS_DEFAULT_REGION": clients.REGION,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    # The interpreter of the virtual environment, whatever the first line of the command is.
    done = subprocess.run([sys.executable, AWS, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class CommandLine(unittest.TestCase):
    def test_a_task(self):
        self.assertEqual(aws("sts", "get-caller-identity")["Account"], "000000000000")
        network = f"awsvpcConfiguration={{subnets=[{SUBNETS[0]}],securityGroups=[{GROUP}],assignPublicIp=DISABLED}}"
        run = ("--task-definition", "job", "--launch-type", "FARGATE", "--network-configuration", network)
        arn = aws("ecs", "run-task", "--cluster", CLUSTER, *run)["tasks"][0]["taskArn"]
        self.assertIn(arn, aws("ecs", "list-tasks", "--cluster", CLUSTER)["taskArns"])
        stopped = aws("ecs", "stop-task", "--cluster", CLUSTER, "--task", arn, "--reason", "enough")["task"]
        self.assertEqual((stopped["desiredStatus"], stopped["stoppedReason"]), ("STOPPED", "enough"))
        self.assertEqual(len(aws("ec2", "describe-subnets", "--subnet-ids", *SUBNETS)["Subnets"]), 2)
