"""The CloudFormation template on moto, a stand-in for AWS that makes stacks."""

import ast
import base64
import contextlib
import json
import os
import pathlib
import sys

import boto3

from programs import DEPLOY, free_port, run, server

TEMPLATE = DEPLOY / "cloudformation/fargate.yaml"
REGION = "us-east-2"
ACCOUNT = "123456789012"
NAME = "gitlab-ci"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
TOKEN = f"{SECRETS}:gitlab-runner-token-AbCdEf"
REGISTRY = f"{SECRETS}:gitlab-registry-AbCdEf"

# What moto's CloudFormation does not know. These resources stay in the template, and are judged by cfn-lint alone.
UNKNOWN_TO_MOTO = {
    "AWS::CloudWatch::Alarm",
    "AWS::Logs::MetricFilter",
    "AWS::SecretsManager::Secret",
    # Made, but without an id.
    "AWS::EC2::SecurityGroupIngress",
}

# What docs/iam calls the things of a deployment with the name `ci`.
NAMES = [
    ("cluster/ci", "cluster/test-cluster"),
    ("task/ci/", "task/test-cluster/"),
    ("service/ci/", "service/test-cluster/"),
    ("repository/ci/fargate-", "repository/fargate-"),
]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@contextlib.contextmanager
def moto(folder, log="moto.log"):
    """A moto, by its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with server(command, f"{url}/moto-api/data.json", pathlib.Path(folder) / log):
        yield url


class Account:
    """An account with a VPC, and what a stack makes in it."""

    def __init__(self, url):
        self.url = url
        run("curl", "--silent", "--fail", "--request", "POST", f"{url}/moto-api/reset")
        self.vpc = self.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [subnet["SubnetId"] for subnet in self.client("ec2").describe_subnets()["Subnets"][:2]]
        self.route_table = self.client("ec2").describe_route_tables()["RouteTables"][0]["RouteTableId"]

    def client(self, service):
        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.url)

    def needed(self):
        """The parameters without a default."""
        return {"VpcId": self.vpc, "SubnetIds": ",".join(self.subnets), "RunnerTokenSecretArn": TOKEN}

    def deploy(self):
        """The command of docs/stack.md."""
        parameters = [f"{key}={value}" for key, value in self.needed().items()]
        command = [pathlib.Path(sys.executable).parent / "aws", "cloudformation", "deploy", "--stack-name", NAME]
        command += ["--template-file", TEMPLATE, "--capabilities", "CAPABILITY_IAM"]
        command += ["--parameter-overrides", *parameters]
        return run(*command, env={"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.url, **CREDENTIALS})

    def create(self, **parameters):
        """A stack by one call: moto has no outputs of one that `deploy` makes by a change set."""
        chosen = [{"ParameterKey": key, "ParameterValue": value} for key, value in (self.needed() | parameters).items()]
        template = {"StackName": NAME, "TemplateBody": TEMPLATE.read_text(), "Capabilities": ["CAPABILITY_IAM"]}
        self.client("cloudformation").create_stack(Parameters=chosen, **template)

    def outputs(self):
        stack = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self):
        """Ids of the resources, by their names in the template."""
        found = self.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
        return {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in found if "LogicalResourceId" in one}

    def policies(self):
        """The statements of all roles' inline policies, by the file of docs/iam that they are of."""
        found = {}
        iam = self.client("iam")
        for role in iam.list_roles()["Roles"]:
            for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                # moto keeps that of an AWS::IAM::Policy as Python writes it.
                document = ast.literal_eval(document) if isinstance(document, str) else document
                found.setdefault(name.removesuffix("-registry"), []).extend(document["Statement"])
        return found

    def start_script(self):
        """The user data of the manager's machine."""
        template = self.resources()["ManagerTemplate"]
        found = self.client("ec2").describe_launch_template_versions(LaunchTemplateId=template)
        return base64.b64decode(found["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"]).decode()

    def trust(self, logical):
        role = self.client("iam").get_role(RoleName=self.resources()[logical])
        return role["Role"]["AssumeRolePolicyDocument"]["Statement"]

    def names(self):
        """What docs/iam calls the things that this stack has."""
        ids = self.resources()
        roles = {"ManagerRole": "ci-manager", "ExecutionRole": "ci-execution", "TaskRole": "ci-task"}
        return [(ACCOUNT, "111122223333"), (self.vpc, "vpc-xxxxxx")] + [
            (ids[logical], documented) for logical, documented in roles.items()
        ] + [(f"stack/{NAME}/", "stack/ci/"), *NAMES]


def as_json(value):
    return json.dumps(value, indent=2, sort_keys=True)
