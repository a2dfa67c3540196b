"""The policies of docs/iam name actions and resources that IAM knows."""

import json
import pathlib
import unittest

import cfnlint

import iam

# Actions, and the types of resources that each is for: cfn-lint's copy of AWS's own list.
KNOWN = json.loads((pathlib.Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text())

# The list has a type of resource for these. ListTasks has it for machines in a cluster, which Fargate has not. Whether
# AWS accepts the others has not been tried; see docs/security.md.
# GetMetricData has one for datasets, which metrics of AWS's own are not in.
ALSO_FOR_ALL = {
    "cloudwatch:GetMetricData",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "servicequotas:GetServiceQuota",
}


class Policies(unittest.TestCase):
    def test_every_action_is_one_of_awss_and_is_limited_where_it_can_be(self):
        checked = 0
        for policy in iam.POLICIES:
            for sid, statement in iam.documented(policy).items():
                for action in statement["Action"]:
                    service, name = action.split(":")
                    known = KNOWN[service]["Actions"].get(name.lower())
                    self.assertIsNotNone(known, f"{policy}, {sid}: {action}")
                    if statement.get("Resource") == ["*"] and action not in ALSO_FOR_ALL:
                        types = known.get("Resources", [])
                        self.assertEqual(types, [], f"{policy}, {sid}: {action} is for all resources")
                    checked += 1
        self.assertGreater(checked, 60)
