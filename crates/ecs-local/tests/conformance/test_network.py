"""EC2's operations, and STS."""

import unittest

from clients import CLUSTER, GROUP, REGION, SUBNETS, ec2, ecs, follow, is_running, refused, run, sts

VPC = "vpc-0a1b2c3d4e5f60000"


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tasks = [task["taskArn"] for task in run(count=7, public=True)]
        running = [follow(arn, is_running)[-1] for arn in cls.tasks]
        details = [{one["name"]: one["value"] for one in task["attachments"][0]["details"]} for task in running]
        cls.ids = sorted(one["networkInterfaceId"] for one in details)
        cls.addresses = [one["privateIPv4Address"] for one in details]

    @classmethod
    def tearDownClass(cls):
        for arn in cls.tasks:
            ecs.stop_task(cluster=CLUSTER, task=arn)

    def found(self, **filters):
        given = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
        reply = ec2.describe_network_interfaces(Filters=given)
        return {one["NetworkInterfaceId"] for one in reply["NetworkInterfaces"]}

    def test_interfaces(self):
        self.assertEqual(len(set(self.addresses)), len(self.tasks), "every task has its own address")
        named = ec2.describe_network_interfaces(NetworkInterfaceIds=self.ids[:2])["NetworkInterfaces"]
        self.assertEqual(sorted(one["NetworkInterfaceId"] for one in named), self.ids[:2])
        for interface in named:
            self.assertEqual(interface["Association"]["IpOwnerId"], "amazon")
            self.assertEqual((interface["VpcId"], interface["InterfaceType"]), (VPC, "interface"))
            self.assertEqual(interface["Attachment"]["Status"], "attached")

    def test_filters(self):
        mine = set(self.ids)
        self.assertLessEqual(mine, self.found(status=["in-use"], requester_managed=["true"], group_id=[GROUP], vpc_id=[VPC]))
        self.assertEqual(mine & self.found(vpc_id=["vpc-none"]), set())
        self.assertEqual(len(self.found(private_ip_address=[self.addresses[0]])), 1)
        self.assertLessEqual(mine, self.found(subnet_id=SUBNETS, availability_zone=[f"{REGION}?"]))
        self.assertLessEqual(mine, self.found(description=["arn:aws:ecs:*:attachment/*"]))
        self.assertEqual(self.found(**{"tag:aws:ecs:clusterName": ["no-such-cluster"]}), set())
        request = {"Filters": [{"Name": "colour", "Values": ["red"]}]}
        for call in (ec2.describe_network_interfaces, ec2.describe_subnets, ec2.describe_security_groups):
            self.assertEqual(refused(call, **request)[0], "InvalidParameterValue")

    def test_pages(self):
        pages = list(ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5}))
        self.assertGreater(len(pages), 1)
        self.assertEqual(len(pages[0]["NetworkInterfaces"]), 5)
        ids = [one["NetworkInterfaceId"] for page in pages for one in page["NetworkInterfaces"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(set(self.ids), set(ids))
        self.assertNotIn("NextToken", pages[-1])
        request = {"NetworkInterfaceIds": self.ids[:1], "MaxResults": 5}
        self.assertEqual(refused(ec2.describe_network_interfaces, **request)[0], "InvalidParameterCombination")

    def test_subnets(self):
        subnets = ec2.describe_subnets(SubnetIds=SUBNETS)["Subnets"]
        self.assertEqual([one["SubnetId"] for one in subnets], SUBNETS)
        self.assertEqual([one["AvailabilityZone"] for one in subnets], [REGION + "a", REGION + "b"])
        self.assertEqual({one["VpcId"] for one in subnets}, {VPC})
        taken = sum(4091 - one["AvailableIpAddressCount"] for one in subnets)
        self.assertGreaterEqual(taken, len(self.tasks))
        (one,) = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [REGION + "b"]}])["Subnets"]
        self.assertEqual(one["SubnetId"], SUBNETS[1])

    def test_security_groups(self):
        for request in ({}, {"GroupIds": [GROUP]}, {"Filters": [{"Name": "vpc-id", "Values": [VPC]}]}):
            (group,) = ec2.describe_security_groups(**request)["SecurityGroups"]
            self.assertEqual((group["GroupId"], group["VpcId"]), (GROUP, VPC))
        (rule,) = group["IpPermissions"]
        self.assertEqual((rule["IpProtocol"], rule["FromPort"], rule["ToPort"]), ("tcp", 22, 22))
        self.assertEqual([one["CidrIp"] for one in rule["IpRanges"]], ["0.0.0.0/0"])

    def test_missing_resources(self):
        for call, request, code in (
            (ec2.describe_network_interfaces, {"NetworkInterfaceIds": ["eni-0000000000000000f"]}, "InvalidNetworkInterfaceID.NotFound"),
            (ec2.describe_network_interfaces, {"NetworkInterfaceIds": ["x"]}, "InvalidNetworkInterfaceId.Malformed"),
            (ec2.describe_subnets, {"SubnetIds": ["subnet-0000000000000000f"]}, "InvalidSubnetID.NotFound"),
            (ec2.describe_security_groups, {"GroupIds": ["sg-0000000000000000f"]}, "InvalidGroup.NotFound"),
        ):
            self.assertEqual(refused(call, **request)[0], code)
        self.assertEqual(refused(ec2.describe_instances)[0], "InvalidAction")

    def test_the_caller(self):
        identity = sts.get_caller_identity()
        self.assertEqual(identity["Account"], "000000000000")
        self.assertTrue(identity["Arn"].startswith("arn:aws:sts::000000000000:assumed-role/"))

    def test_roles(self):
        role = {"RoleArn": "arn:aws:iam::111122223333:role/teams/ci", "RoleSessionName": "manager"}
        reply = sts.assume_role(**role)
        self.assertEqual(reply["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/ci/manager")
        self.assertTrue(reply["Credentials"]["AccessKeyId"].startswith("ASIA"))
        self.assertEqual(refused(sts.assume_role, **role | {"RoleArn": "arn:aws:iam::111122223333:user/ci"})[0], "ValidationError")
