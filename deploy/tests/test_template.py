"""The CloudFormation template: judged by cfn-lint, and made into stacks of each kind by moto."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

import iam
import stack
from programs import ROOT


class Template(unittest.TestCase):
    def test_cfn_lint_has_nothing_to_say(self):
        command = [pathlib.Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--", stack.TEMPLATE]
        linted = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((linted.returncode, linted.stdout), (0, ""))

    def test_it_can_be_given_in_one_call(self):
        # AWS: CreateStack, TemplateBody. Beyond that a bucket is needed.
        self.assertLess(stack.TEMPLATE.stat().st_size, 51_200)

    def test_every_parameter_is_explained_and_in_the_form(self):
        template = read_template()
        form = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        shown = [parameter for group in form for parameter in group["Parameters"]]
        self.assertEqual(sorted(shown), sorted(template["Parameters"]))
        for name, parameter in template["Parameters"].items():
            self.assertRegex(parameter["Description"], r"\.$", name)
            self.assertEqual("Default" in parameter, name not in ("VpcId", "SubnetIds"), name)
            if pattern := parameter.get("AllowedPattern"):
                self.assertRegex(str(parameter["Default"]), pattern, name)


    def test_the_alarm_hears_the_drivers_own_words(self):
        pattern = read_template()["Resources"]["LeftoverFilter"]["Properties"]["FilterPattern"]
        words = re.findall(r'\?"([^"]+)"', pattern)
        self.assertEqual(len(words), 2)
        source = "".join(file.read_text() for file in (ROOT / "crates/fargate/src/teardown").rglob("*.rs"))
        for said in words:
            self.assertIn(said, source)

    def test_names_that_a_registry_refuses_are_refused(self):
        pattern = read_template()["Parameters"]["Name"]["AllowedPattern"]
        # ECR, CreateRepository, repositoryName: no hyphen at the end, nor two in a row before a letter.
        for name, is_good in (("ci", True), ("team-a-ci", True), ("ci-", False), ("a--b", False), ("1ci", False)):
            self.assertEqual(bool(re.search(pattern, name)), is_good, name)


class OnMoto(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.url = cls.enterClassContext(stack.moto(folder))

    def test_three_parameters_are_enough(self):
        account = stack.Account(self.url)
        self.assertEqual(len(account.needed()), 3)
        self.assertIn("Successfully created/updated stack", account.deploy())
        self.assertEqual(account.resources()["ManagerMachines"], "ci-manager")

    def test_outputs_of_a_stack_with_a_machine(self):
        account = stack.Account(self.url)
        account.create()
        outputs, ids = account.outputs(), account.resources()
        role = f"arn:aws:iam::{stack.ACCOUNT}:role/"
        self.assertEqual(outputs, {
            "Region": stack.REGION,
            "Cluster": "ci",
            "Subnets": ",".join(account.subnets),
            "TaskSecurityGroups": ids["TaskGroup"],
            "AssignPublicIp": "ENABLED",
            "TaskExecutionRoleArn": role + ids["ExecutionRole"],
            "TaskRoleArn": role + ids["TaskRole"],
            "LogGroup": "/ci/jobs",
            "AgentImage": f"{stack.ACCOUNT}.dkr.ecr.{stack.REGION}.amazonaws.com/ci/fargate-agent:0.1.0",
            "ManagerName": "ci",
            "RunnerTokenSecretArn": stack.TOKEN,
            "ManagerRoleArn": role + ids["ManagerRole"],
            "ManagerSecurityGroup": ids["ManagerGroup"],
            "ManagerInstanceProfile": ids["ManagerProfile"],
        })

    def test_the_cluster_and_who_may_connect(self):
        account = stack.Account(self.url)
        account.create(ManagerKind="none")
        ids = account.resources()
        self.assertNotIn("ManagerMachines", ids)
        # moto forgets the providers of a cluster that a stack makes.
        cluster = read_template()["Resources"]["Cluster"]["Properties"]
        self.assertEqual(cluster["CapacityProviders"], ["FARGATE", "FARGATE_SPOT"])
        [strategy] = cluster["DefaultCapacityProviderStrategy"]
        self.assertEqual(strategy, {"CapacityProvider": "CapacityProvider", "Weight": 1})
        groups = account.client("ec2").describe_security_groups(GroupIds=[ids["TaskGroup"], ids["ManagerGroup"]])
        rules = {group["GroupId"]: group["IpPermissions"] for group in groups["SecurityGroups"]}
        [rule] = rules[ids["TaskGroup"]]
        self.assertEqual((rule["IpProtocol"], rule["FromPort"], rule["ToPort"]), ("tcp", 7022, 7023))
        self.assertEqual([pair["GroupId"] for pair in rule["UserIdGroupPairs"]], [ids["ManagerGroup"]])
        self.assertEqual(rule["IpRanges"], [])
        self.assertEqual(rules[ids["ManagerGroup"]], [])

    def test_a_service_never_has_two_managers_nor_loses_one_to_a_rebalance(self):
        account = stack.Account(self.url)
        account.create(ManagerKind="service", ManagerImage="registry.example.com/manager:1")
        ecs = account.client("ecs")
        [service] = ecs.describe_services(cluster="ci", services=["ci-manager"])["services"]
        self.assertEqual(service["desiredCount"], 1)
        template = read_template()["Resources"]["ManagerService"]["Properties"]
        deployment = template["DeploymentConfiguration"]
        self.assertEqual((deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]), (0, 100))
        self.assertEqual(template["AvailabilityZoneRebalancing"], "DISABLED")
        definition = ecs.describe_task_definition(taskDefinition="ci-manager")["taskDefinition"]
        [manager] = definition["containerDefinitions"]
        # Fargate: 120 s at most, which cfn-lint does not know.
        self.assertEqual(manager["stopTimeout"], 120)
        self.assertEqual(manager["secrets"], [{"name": "FARGATE_MANAGER_TOKEN", "valueFrom": stack.TOKEN}])
        outputs = account.outputs()
        given = {variable["name"]: variable["value"] for variable in manager["environment"]}
        for name, output in [("CLUSTER", "Cluster"), ("SUBNETS", "Subnets"), ("SECURITY_GROUPS", "TaskSecurityGroups"),
                             ("EXECUTION_ROLE", "TaskExecutionRoleArn"), ("TASK_ROLE", "TaskRoleArn"),
                             ("LOG_GROUP", "LogGroup"), ("NAME", "ManagerName"), ("REGION", "Region")]:
            self.assertEqual(given[f"FARGATE_MANAGER_{name}"], outputs[output], name)
        page = (stack.DEPLOY.parent / "docs/manager.md").read_text()
        for name in [*given, "FARGATE_MANAGER_TOKEN"]:
            self.assertIn(f"| `{name}` |", page)

    def test_a_service_without_an_image_starts_nothing(self):
        account = stack.Account(self.url)
        account.create(ManagerKind="service")
        [service] = account.client("ecs").describe_services(cluster="ci", services=["ci-manager"])["services"]
        self.assertEqual(service["desiredCount"], 0)

    def test_policies_are_those_of_the_documentation(self):
        seen = {}
        for kind in ("instance", "service", "none"):
            account = stack.Account(self.url)
            account.create(ManagerKind=kind, RegistryCredentialsSecretArn=stack.REGISTRY)
            for policy, statements in account.policies().items():
                with self.subTest(kind=kind, policy=policy):
                    have = iam.canonical(iam.renamed(statements, account.names()))
                    self.assertEqual(stack.as_json(have), stack.as_json(iam.documented(policy)))
                seen[policy] = kind
            trusted = ["ExecutionRole", "TaskRole"]
            trusted += ["ManagerRole", "ServiceExecutionRole"] if kind == "service" else []
            for role in trusted:
                have = iam.canonical(iam.renamed(account.trust(role), account.names()))
                self.assertEqual(have, iam.documented("tasks-trust"), role)
            self.assertEqual(account.outputs()["RegistryCredentialsSecretArn"], stack.REGISTRY)
        self.assertEqual(sorted(seen), sorted(iam.OF_A_DEPLOYMENT))

    def test_endpoints_are_made_on_request(self):
        account = stack.Account(self.url)
        account.create(VpcEndpoints="true", RouteTableIds=account.route_table)
        endpoints = account.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        services = {endpoint["ServiceName"].removeprefix(f"com.amazonaws.{stack.REGION}.") for endpoint in endpoints}
        page = (stack.DEPLOY.parent / "docs/installation.md").read_text().split("## Without the internet")[1]
        for service in services:
            self.assertIn(f"`{service}`", page)
        # Nothing here uses ECS Exec or assumes another role.
        rows = [line.split("|")[1] for line in page.split("\n") if "|" in line]
        named = set(re.findall(r"`([a-z0-9.-]+)`", "\n".join(rows)))
        self.assertEqual(named - services, {"ssmmessages", "sts"})

    def test_an_agent_that_a_manager_named_by_its_digest_stays(self):
        # A newer build takes the tag, and a manager in use may have the older one in its fargate.toml.
        repository = read_template()["Resources"]["AgentRepository"]["Properties"]
        self.assertEqual(repository["ImageTagMutability"], "MUTABLE")
        self.assertNotIn("LifecyclePolicy", repository)

    def test_what_moto_cannot_make_is_known(self):
        account = stack.Account(self.url)
        account.create()
        template = read_template()["Resources"]
        made = account.resources()
        conditions = {"IsService", "IsNone", "MakesEndpoints", "HasRegistry"}
        missing = {body["Type"] for name, body in template.items()
                   if not made.get(name) and body.get("Condition") not in conditions}
        self.assertEqual(missing, stack.UNKNOWN_TO_MOTO)


class Loader(yaml.SafeLoader):
    """Reads a template: short forms of functions are their arguments."""


Loader.add_multi_constructor("!", lambda loader, tag, node: {
    yaml.ScalarNode: loader.construct_scalar,
    yaml.SequenceNode: loader.construct_sequence,
    yaml.MappingNode: loader.construct_mapping,
}[type(node)](node))


def read_template():
    return yaml.load(stack.TEMPLATE.read_text(), Loader)
