"""The Terraform module: it is valid, its tests pass, and what it makes is what the CloudFormation template makes."""

import base64
import concurrent.futures
import json
import re
import sys
import unittest

import iam
import stack
import terraform
from test_template import read_template

SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")
# A token in a variable would be in the state, so the module takes a secret's ARN alone.
OF_THE_TEMPLATE_ALONE = {"runner_token"}


def snake(name):
    return SNAKE.sub("_", name.replace("GitLab", "Gitlab")).lower()


def blocks(file, kind):
    """The blocks of a kind in a file of the module, by name."""
    text = (terraform.MODULE / file).read_text()
    return {name: body for name, body in re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.M | re.S)}


class Reading(unittest.TestCase):
    """What can be told without Terraform."""

    def test_inputs_are_those_of_the_template(self):
        parameters = {snake(name): one.get("Default") for name, one in read_template()["Parameters"].items()}
        variables = blocks("variables.tf", "variable")
        self.assertEqual(set(parameters) - OF_THE_TEMPLATE_ALONE, set(variables))
        same = {"ENABLED": "true", "": "null"}
        for name, body in variables.items():
            default = re.search(r"^  default +=\s+(.*)$", body, re.M)
            default = default and default.group(1).strip('"').replace("[]", "null")
            if name != "runner_token_secret_arn":
                expected = parameters[name]
                expected = None if expected is None else same.get(str(expected), str(expected))
                self.assertEqual(default, expected, name)

    def test_outputs_are_those_of_the_template(self):
        self.assertEqual({snake(name) for name in read_template()["Outputs"]}, set(blocks("outputs.tf", "output")))

    def test_the_page_lists_inputs_and_outputs(self):
        page = (terraform.MODULE / "README.md").read_text()
        page = page.split("<!-- BEGIN_TF_DOCS -->")[1].split("<!-- END_TF_DOCS -->")[0]
        for file, kind in (("variables.tf", "variable"), ("outputs.tf", "output")):
            for name, body in blocks(file, kind).items():
                description = re.search(r'description += "(.*)"', body).group(1)
                self.assertRegex(page, rf"(?m)^\| `{name}` \| {re.escape(description)} \|", "README.md lacks it")


HELPER = "123456789012.dkr.ecr.us-east-2.amazonaws.com/ci/gitlab-runner-helper:x86_64-v19.4.0"


# The examples, the parameters of the template that say the same, and the examples' variables beside the needed ones.
def machine(account):
    url = "https://example.com/fargate.tar.gz"
    return {"DriverUrl": url}, {"driver_url": url}


def service(account):
    image = "registry.example.com/manager:1"
    parameters = {"ManagerKind": "service", "ManagerImage": image, "GitLabUrl": "https://gitlab.internal.example.com/"}
    parameters |= {"AssignPublicIp": "DISABLED", "VpcEndpoints": "true", "RouteTableIds": account.route_table}
    parameters["RegistryCredentialsSecretArn"] = stack.REGISTRY
    parameters |= {"HelperImage": HELPER, "EndpointSubnetIds": account.subnets[0]}
    variables = {"manager_image": image, "helper_image": HELPER, "route_table_ids": [account.route_table]}
    variables["endpoint_subnet_ids"] = account.subnets[:1]
    return parameters, variables | {"registry_credentials_secret_arn": stack.REGISTRY}


EXAMPLES = {"machine": machine, "service": service}


class WithTerraform(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if reason := terraform.missing():
            print(f"\n*** THE TERRAFORM MODULE WAS NOT CHECKED: {reason}. ***", file=sys.stderr)
            raise unittest.SkipTest(reason)
        cls.copy = terraform.Copy(cls.enterClassContext(terraform.workspace()))

    def test_it_is_formatted_and_valid(self):
        self.copy.run(".", "fmt", "-check", "-recursive", "-diff")
        self.copy.init(".")
        self.copy.run(".", "validate")
        self.assertIn("6 passed, 0 failed", self.copy.run(".", "test"))

    def test_the_module_makes_what_the_template_makes(self):
        # Terraform mostly waits, so both at once.
        with concurrent.futures.ThreadPoolExecutor() as threads:
            applied = {}
            for example, settings in EXAMPLES.items():
                account = stack.Account(self.enterContext(stack.moto(self.copy.folder, f"{example}.log")))
                _, variables = settings(account)
                outputs = threads.submit(self.copy.apply, example, account, **variables)
                applied[example] = (account, outputs)
        for example, (account, outputs) in applied.items():
            with self.subTest(example=example):
                self.compare(account, outputs.result(), EXAMPLES[example])

    def compare(self, account, outputs, settings):
        made = picture(account, outputs)
        names = documented_names(outputs, account)
        optional = set() if outputs["registry_credentials_secret_arn"] else iam.OF_A_REGISTRY
        for policy, statements in account.policies().items():
            # That of the example itself.
            if policy == "jobs":
                continue
            have = iam.canonical(iam.renamed(statements, names))
            wanted = {sid: one for sid, one in iam.documented(policy).items() if sid not in optional}
            self.assertEqual(stack.as_json(have), stack.as_json(wanted), policy)
        self.watch(account, "IsService" if outputs["manager_repository_uri"] else "IsInstance")

        twin = stack.Account(account.url)
        parameters, _ = settings(twin)
        twin.create(**parameters)
        stacked = {snake(name): value for name, value in twin.outputs().items()}
        self.assertEqual({name for name, value in outputs.items() if value is not None}, set(stacked))
        wanted = iam.renamed(picture(twin, stacked), documented_names(stacked, twin))
        self.assertEqual(stack.as_json(iam.renamed(made, names)), stack.as_json(wanted))

    def watch(self, account, kind):
        """Alarms and filters, which moto makes for Terraform alone, are those of the template."""
        resources = [one for one in read_template()["Resources"].values()
                     if one.get("Condition") in (None, "HasManager", kind)]
        wanted = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
        keys = ("MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator",
                "TreatMissingData", "AlarmDescription")
        wanted = [{key: chosen(one[key], kind) for key in keys} for one in wanted]
        alarms = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
        self.assertEqual(len(alarms), 3)
        for alarm in alarms:
            self.assertIn({key: alarm[key] for key in keys}, wanted)
        filters = account.client("logs").describe_metric_filters()["metricFilters"]
        patterns = [one["Properties"]["FilterPattern"] for one in resources if one["Type"] == "AWS::Logs::MetricFilter"]
        self.assertEqual(sorted(one["filterPattern"] for one in filters), sorted(patterns))


def chosen(value, kind):
    """The value that the template's `!If [IsService, …, …]` has for a kind of manager."""
    return value if isinstance(value, (str, int)) else value[1 if value[0] == kind else 2]


def documented_names(outputs, account):
    """What docs/iam calls the things with these outputs."""
    def name(arn):
        return arn.rsplit("/", 1)[1]

    return [
        (stack.ACCOUNT, "111122223333"),
        (account.vpc, "vpc-xxxxxx"),
        (name(outputs["manager_role_arn"]), "ci-manager"),
        (name(outputs["task_execution_role_arn"]), "ci-execution"),
        (name(outputs["task_role_arn"]), "ci-task"),
        (outputs["task_security_groups"], "sg-tasks"),
        (outputs["manager_security_group"], "sg-manager"),
        *((subnet, f"subnet-{number}") for number, subnet in enumerate(account.subnets)),
        *stack.NAMES,
    ]


def picture(account, outputs):
    """What both ways must make alike, as AWS shows it."""
    found = {}
    ec2, ecs, autoscaling = (account.client(service) for service in ("ec2", "ecs", "autoscaling"))
    groups = ec2.describe_security_groups(GroupIds=[outputs["task_security_groups"], outputs["manager_security_group"]])
    found["ingress"] = {
        group["GroupId"]: [(rule["FromPort"], rule["ToPort"], rule["IpRanges"],
                            [pair["GroupId"] for pair in rule["UserIdGroupPairs"]]) for rule in group["IpPermissions"]]
        for group in groups["SecurityGroups"]
    }
    found["egress"] = {
        group["GroupId"]: [rule["IpRanges"][0]["CidrIp"] for rule in group["IpPermissionsEgress"]]
        for group in groups["SecurityGroups"]
    }
    logs = account.client("logs").describe_log_groups()["logGroups"]
    found["logs"] = sorted((group["logGroupName"], group["retentionInDays"]) for group in logs)
    repositories = account.client("ecr").describe_repositories()["repositories"]
    found["repositories"] = sorted((one["repositoryName"], one["imageTagMutability"]) for one in repositories)
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    found["endpoints"] = sorted(
        (one["ServiceName"], one["VpcEndpointType"], one.get("SubnetIds", [])) for one in endpoints)
    dashboard = account.client("cloudwatch").get_dashboard(DashboardName="ci-fargate")["DashboardBody"]
    found["dashboard"] = json.loads(dashboard)
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        version = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
        data = version["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        found["start"] = base64.b64decode(data["UserData"]).decode()
        found["machine"] = {key: data[key] for key in ("InstanceType", "MetadataOptions", "ImageId")}
    for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        found["group"] = {key: group[key] for key in ("AutoScalingGroupName", "MinSize", "MaxSize", "DesiredCapacity")}
    for service in ecs.describe_services(cluster="ci", services=["ci-manager"])["services"]:
        found["service"] = service["desiredCount"]
        definition = ecs.describe_task_definition(taskDefinition="ci-manager")["taskDefinition"]
        [container] = definition["containerDefinitions"]
        environment = {one["name"]: one["value"] for one in container["environment"]}
        kept = ("image", "stopTimeout", "healthCheck", "secrets", "logConfiguration", "restartPolicy", "essential")
        found["container"] = environment | {key: container.get(key) for key in kept}
    return found
