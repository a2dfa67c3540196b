"""What `fargate doctor` reads of an account is what moto, a stand-in of other people's, answers."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import stack
from programs import fargate

ROLE = "ci-execution"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.url = cls.enterClassContext(stack.moto(cls.folder))

    def setUp(self):
        # As new each time.
        self.account = stack.Account(self.url)
        ec2 = self.ec2 = self.account.client("ec2")
        vpc = self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.public, self.private, self.isolated = (
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{third}.0/24")["Subnet"]["SubnetId"] for third in range(3)
        )
        self.route(self.public, GatewayId=gateway)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=self.public, AllocationId=address)["NatGateway"]["NatGatewayId"]
        self.route(self.private, NatGatewayId=nat)
        group = ec2.create_security_group(GroupName="tasks", Description="Tasks", VpcId=vpc)
        self.group = group["GroupId"]
        self.open(22, "0.0.0.0/0")
        iam = self.account.client("iam")
        self.role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        ecs = self.account.client("ecs")
        ecs.create_cluster(
            clusterName="ci",
            capacityProviders=["FARGATE"],
            defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
        )
        container = {"name": "ci-coordinator", "image": "registry.example.com/ci:1", "portMappings": [{"containerPort": 22}]}
        ecs.register_task_definition(
            family="jobs",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            containerDefinitions=[container],
        )

    def route(self, subnet, **target):
        """Gives a subnet a route table of its own, with a default route."""
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)

    def open(self, port, source):
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": source}]}
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])

    def checks(self, subnet, public=False, more=""):
        """Doctor's checks by their ids: status and what was found, of the worst of each."""
        config = self.folder / "fargate.toml"
        mode = more or 'TaskDefinition = "jobs"\n[SSH]\nUsername = "root"\nPort = 22'
        config.write_text(
            f'[Fargate]\nCluster = "ci"\nRegion = "{stack.REGION}"\nSubnets = ["{subnet}"]\nSecurityGroups = ["{self.group}"]\n'
            f"EnablePublicIP = {str(public).lower()}\nUsePublicIP = false\n{mode}\n"
            f'[TaskMetadata]\nDirectory = "{self.folder}/metadata"\n'
        )
        command = [fargate(), "--config", config, "doctor", "--json", "--runner-config", self.folder / "none"]
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.account.url, "AWS_EC2_METADATA_DISABLED": "true"}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment | stack.CREDENTIALS)
        found = {}
        worst = ["pass", "skip", "warn", "fail"].index
        for check in json.loads(ended.stdout)["checks"]:
            one = (check["status"], check["found"])
            found[check["id"]] = max(one, found.get(check["id"], ("pass", "")), key=lambda pair: worst(pair[0]))
        return found

    def test_a_right_set_up(self):
        checks = self.checks(self.public, public=True)
        for name in ("credentials", "clock", "account", "cluster", "capacity-strategy", "task-definition", "task-container",
                     "task-port", "execution-role", "subnets", "addresses", "vpc-dns", "way-out", "security-groups",
                     "ssh-in", "outgoing"):
            self.assertEqual(checks[name][0], "pass", (name, checks[name]))
        # It is open to everybody, as doctor says.
        self.assertEqual(checks["ssh-open-to-all"][0], "warn")

    def test_ways_out(self):
        for subnet, public, status in (
            (self.public, False, "warn"),
            (self.private, False, "pass"),
            (self.isolated, True, "warn"),
        ):
            checks = self.checks(subnet, public)
            # No image in ECR is named, so another registry may be inside the VPC: a warning, and no failure.
            self.assertEqual(checks["way-out"][0], status, (subnet, checks["way-out"]))

    def test_names_that_do_not_exist(self):
        self.group, group = "sg-0123456789abcdef0", self.group
        checks = self.checks("subnet-0123456789abcdef0")
        self.assertEqual((checks["subnets"][0], checks["security-groups"][0]), ("fail", "fail"))
        self.group = group

    def test_rules_of_the_group(self):
        [group] = self.ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        self.ec2.revoke_security_group_ingress(GroupId=self.group, IpPermissions=group["IpPermissions"])
        self.ec2.revoke_security_group_egress(GroupId=self.group, IpPermissions=group["IpPermissionsEgress"])
        checks = self.checks(self.private)
        self.assertEqual((checks["ssh-in"][0], checks["outgoing"][0]), ("fail", "fail"), checks)

    def test_dns(self):
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsSupport={"Value": False})
        self.assertEqual(self.checks(self.private)["vpc-dns"][0], "fail")

    def test_trust_of_a_role(self):
        trust = json.dumps(TRUST).replace("ecs-tasks", "ec2")
        self.account.client("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust)
        self.assertEqual(self.checks(self.private)["execution-role"][0], "fail")

    def test_images_logs_and_secrets(self):
        registry = f"123456789012.dkr.ecr.{stack.REGION}.amazonaws.com"
        secrets = self.account.client("secretsmanager")
        secret = secrets.create_secret(Name="registry", SecretString="{}")["ARN"]
        self.account.client("logs").create_log_group(logGroupName="/ci/jobs-of-others")
        more = (
            f'[JobImage]\nEnabled = true\nAgentImage = "{registry}/fargate-agent:1"\nHelperImage = "registry.example.com/helper:1"\n'
            f'ExecutionRole = "{self.role}"\nLogGroup = "/ci/jobs"\n[JobImage.RegistryCredentials]\n'
            f'"registry.example.com" = "{secret}"\n'
        )
        checks = self.checks(self.private, more=more)
        states = {name: checks[name][0] for name in ("images", "log-group", "registry-secret")}
        self.assertEqual(states, {"images": "fail", "log-group": "fail", "registry-secret": "pass"}, checks)
        self.account.client("logs").create_log_group(logGroupName="/ci/jobs")
        secrets.delete_secret(SecretId=secret)
        checks = self.checks(self.private, more=more)
        self.assertEqual((checks["log-group"][0], checks["registry-secret"][0]), ("pass", "fail"), checks)
