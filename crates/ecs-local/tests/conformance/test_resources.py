"""What callers read of an account beside tasks: networks, quotas, images, secrets, roles, and their own permissions."""

import datetime
import json
import unittest
import urllib.parse

from clients import (
    GROUP,
    SUBNETS,
    cloudformation,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    iam,
    logs,
    quotas,
    refused,
    resources,
    secrets,
    sts,
)

VPC = "vpc-0a1b2c3d4e5f60000"
TABLE = "rtb-0a1b2c3d4e5f60005"
ROLE = "arn:aws:iam::000000000000:role/ci-manager"
ENDPOINT = {
    "vpcEndpointId": "vpce-0a1b2c3d4e5f60001",
    "vpcEndpointType": "Interface",
    "vpcId": VPC,
    "serviceName": "com.amazonaws.eu-west-1.logs",
    "state": "Available",
    "privateDnsEnabled": True,
    "subnetIdSet": SUBNETS,
    "routeTableIdSet": [],
    "groupSet": [{"groupId": GROUP, "groupName": "ci-jobs"}],
}
IMAGE = {
    "registryId": "000000000000",
    "repositoryName": "ci",
    "imageDigest": "sha256:" + "a" * 64,
    "imageTags": ["1"],
    "imageSizeInBytes": 5,
    "imageStatus": "ACTIVE",
    "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    "imageManifest": "{}",
}
SECRET = {"ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:registry-AbCdEf", "Name": "registry"}


def filters(**given):
    return {"Filters": [{"Name": name.replace("_", "-"), "Values": values} for name, values in given.items()]}


class Resources(unittest.TestCase):
    def test_route_tables(self):
        for request in ({}, {"RouteTableIds": [TABLE]}, filters(vpc_id=[VPC]), filters(**{"association.main": ["true"]})):
            (table,) = ec2.describe_route_tables(**request)["RouteTables"]
            self.assertEqual((table["RouteTableId"], table["Associations"][0]["Main"]), (TABLE, True))
        # Implicit associations are not listed.
        request = filters(**{"association.subnet-id": SUBNETS})
        self.assertEqual(ec2.describe_route_tables(**request)["RouteTables"], [])
        self.assertEqual([one.get("DestinationCidrBlock") for one in table["Routes"]][-1], "0.0.0.0/0")
        missing = {"RouteTableIds": ["rtb-0000000000000000f"]}
        self.assertEqual(refused(ec2.describe_route_tables, **missing)[0], "InvalidRouteTableID.NotFound")
        self.assertEqual(refused(ec2.describe_route_tables, **filters(colour=["red"]))[0], "InvalidParameterValue")

    def test_prefix_lists(self):
        with resources(prefixLists={"pl-0123456789abcdef0": ["10.0.0.0/8"]}):
            reply = ec2.get_managed_prefix_list_entries(PrefixListId="pl-0123456789abcdef0")
            self.assertEqual(reply["Entries"], [{"Cidr": "10.0.0.0/8"}])
        missing = {"PrefixListId": "pl-0123456789abcdef0"}
        self.assertEqual(refused(ec2.get_managed_prefix_list_entries, **missing)[0], "InvalidPrefixListID.NotFound")

    def test_endpoints(self):
        self.assertEqual(ec2.describe_vpc_endpoints()["VpcEndpoints"], [])
        with resources(vpcEndpoints=[ENDPOINT]):
            (found,) = ec2.describe_vpc_endpoints(**filters(vpc_id=[VPC], vpc_endpoint_state=["Available"]))["VpcEndpoints"]
            self.assertEqual((found["SubnetIds"], found["PrivateDnsEnabled"]), (SUBNETS, True))
            self.assertEqual(found["Groups"][0]["GroupId"], GROUP)
            self.assertEqual(ec2.describe_vpc_endpoints(**filters(vpc_id=["vpc-none"]))["VpcEndpoints"], [])

    def test_attributes_of_a_vpc(self):
        for attribute, member in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
            reply = ec2.describe_vpc_attribute(VpcId=VPC, Attribute=attribute)
            self.assertEqual(reply[member], {"Value": True})
        request = {"VpcId": "vpc-none", "Attribute": "enableDnsSupport"}
        self.assertEqual(refused(ec2.describe_vpc_attribute, **request)[0], "InvalidVpcID.NotFound")

    def test_other_members(self):
        subnet = {"state": "pending", "blockPublicAccessStates": {"internetGatewayBlockMode": "block-bidirectional"}}
        rule = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": [{"groupId": "sg-1", "userId": "0"}]}
        group = {"ipPermissions": [rule | {"ipRanges": [{"cidrIp": "10.0.0.0/8"}], "ipv6Ranges": [], "prefixListIds": []}]}
        with resources(subnets={SUBNETS[0]: subnet}, securityGroups={GROUP: group}):
            first, second = ec2.describe_subnets(SubnetIds=SUBNETS)["Subnets"]
            self.assertEqual((first["State"], second["State"]), ("pending", "available"))
            self.assertEqual((first["AvailabilityZoneId"], second["AvailabilityZoneId"]), ("euw1-az1", "euw1-az2"))
            (found,) = ec2.describe_security_groups(GroupIds=[GROUP])["SecurityGroups"]
            self.assertEqual(found["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], "sg-1")
        ecs.create_cluster(clusterName="dressed")
        with resources(clusters={"dressed": {"status": "INACTIVE"}}):
            (found,) = ecs.describe_clusters(clusters=["dressed"])["clusters"]
            self.assertEqual(found["status"], "INACTIVE")

    def test_quotas(self):
        for call in (quotas.get_service_quota, quotas.get_aws_default_service_quota):
            quota = call(ServiceCode="fargate", QuotaCode="L-3032A538")["Quota"]
            self.assertEqual((quota["Value"], quota["ServiceCode"]), (6.0, "fargate"))
            request = {"ServiceCode": "ecs", "QuotaCode": "L-3032A538"}
            self.assertEqual(refused(call, **request)[0], "NoSuchResourceException")

    def test_usage(self):
        def asked(of_class, seconds=600, period=300, name="used"):
            given = {"Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": of_class}
            metric = {
                "Namespace": "AWS/Usage",
                "MetricName": "ResourceCount",
                "Dimensions": [{"Name": name, "Value": value} for name, value in given.items()],
            }
            query = {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Maximum"}}
            start = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
            end = start + datetime.timedelta(seconds=seconds)
            return {"MetricDataQueries": [query], "StartTime": start, "EndTime": end}

        with resources(usage={"Standard/OnDemand": 4.5}):
            (used,) = cloudwatch.get_metric_data(**asked("Standard/OnDemand"))["MetricDataResults"]
            self.assertEqual((used["Id"], used["Values"], used["StatusCode"]), ("used", [4.5], "Complete"))
            (other,) = cloudwatch.get_metric_data(**asked("Standard/Spot"))["MetricDataResults"]
            self.assertEqual((other["Values"], other["Timestamps"]), ([], []))
        for wrong, code in (
            (asked("Standard/Spot", seconds=0), "InvalidParameterValue"),
            (asked("Standard/Spot", period=50), "ValidationError"),
            (asked("Standard/Spot", name="Used"), "ValidationError"),
        ):
            self.assertEqual(refused(cloudwatch.get_metric_data, **wrong)[0], code)

    def test_images(self):
        request = {"repositoryName": "ci", "imageIds": [{"imageTag": "1"}]}
        self.assertEqual(refused(ecr.describe_images, **request)[0], "RepositoryNotFoundException")
        with resources(images=[IMAGE]):
            (found,) = ecr.describe_images(**request)["imageDetails"]
            self.assertEqual((found["imageDigest"], found["imageStatus"]), (IMAGE["imageDigest"], "ACTIVE"))
            (image,) = ecr.batch_get_image(**request)["images"]
            self.assertEqual(image["imageManifest"], "{}")
            request["imageIds"] = [{"imageTag": "2"}]
            self.assertEqual(refused(ecr.describe_images, **request)[0], "ImageNotFoundException")
            (failure,) = ecr.batch_get_image(**request)["failures"]
            self.assertEqual(failure["failureCode"], "ImageNotFound")

    def test_log_groups(self):
        for name in ("/resources/a", "/resources/ab"):
            logs.create_log_group(logGroupName=name)
        reply = logs.describe_log_groups(logGroupNamePrefix="/resources/a", limit=1)
        self.assertEqual([one["logGroupName"] for one in reply["logGroups"]], ["/resources/a"])
        reply = logs.describe_log_groups(logGroupNamePrefix="/resources/a", nextToken=reply["nextToken"])
        self.assertEqual([one["logGroupName"] for one in reply["logGroups"]], ["/resources/ab"])
        self.assertNotIn("nextToken", reply)

    def test_secrets(self):
        request = {"SecretId": SECRET["ARN"]}
        self.assertEqual(refused(secrets.describe_secret, **request)[0], "ResourceNotFoundException")
        with resources(secrets=[SECRET | {"VersionIdsToStages": {"0" * 32: ["AWSCURRENT"]}}]):
            self.assertEqual(secrets.describe_secret(**request)["Name"], "registry")
            self.assertEqual(refused(secrets.get_secret_value, **request)[0], "ResourceNotFoundException")
        with resources(secrets=[SECRET | {"SecretString": "text", "VersionIdsToStages": {"0" * 32: ["AWSCURRENT"]}}]):
            self.assertEqual(secrets.get_secret_value(**request)["SecretString"], "text")
            self.assertNotIn("SecretString", secrets.describe_secret(**request))

    def test_stacks(self):
        code, message = refused(cloudformation.describe_stacks, StackName="ci")[:2]
        self.assertEqual((code, message), ("ValidationError", "Stack with id ci does not exist"))
        output = {"OutputKey": "Cluster", "OutputValue": "test"}
        stack = {"StackName": "ci", "CreationTime": "2026-01-02T03:04:05Z", "StackStatus": "CREATE_COMPLETE"}
        with resources(stacks=[stack | {"Outputs": [output]}]):
            (found,) = cloudformation.describe_stacks(StackName="ci")["Stacks"]
            self.assertEqual(found["Outputs"], [output])
            self.assertEqual(len(cloudformation.describe_stacks()["Stacks"]), 1)

    def test_roles(self):
        role = iam.get_role(RoleName="ci-execution")["Role"]
        policy = role["AssumeRolePolicyDocument"]
        policy = policy if isinstance(policy, dict) else json.loads(urllib.parse.unquote(policy))
        self.assertEqual(policy["Statement"][0]["Principal"]["Service"], "ecs-tasks.amazonaws.com")
        self.assertEqual(refused(iam.get_role, RoleName="nobody")[0], "NoSuchEntity")

    def test_simulation(self):
        request = {"PolicySourceArn": ROLE, "ActionNames": ["ecs:RunTask", "ecs:StopTask"], "ResourceArns": ["*"]}
        with resources(denied=["ecs:RunTask"], explicitlyDenied=["ecs:StopTask"]):
            results = iam.simulate_principal_policy(**request)["EvaluationResults"]
        decisions = [one["ResourceSpecificResults"][0]["EvalResourceDecision"] for one in results]
        self.assertEqual(decisions, ["implicitDeny", "explicitDeny"])
        decisions = [one["EvalDecision"] for one in iam.simulate_principal_policy(**request)["EvaluationResults"]]
        self.assertEqual(decisions, ["allowed", "allowed"])
        session = request | {"PolicySourceArn": "arn:aws:sts::000000000000:assumed-role/ci-manager/i-1"}
        self.assertEqual(refused(iam.simulate_principal_policy, **session)[0], "InvalidInput")

    def test_permissions(self):
        denied = ["ec2:DescribeSubnets", "iam:GetRole", "ecr:DescribeImages", "sts:GetCallerIdentity"]
        with resources(denied=denied, callerArn="arn:aws:iam::000000000000:user/ci"):
            self.assertEqual(refused(ec2.describe_subnets)[0], "UnauthorizedOperation")
            self.assertEqual(refused(iam.get_role, RoleName="ci-execution")[0], "AccessDenied")
            self.assertEqual(refused(ecr.describe_images, repositoryName="ci")[0], "AccessDeniedException")
            # It needs none.
            self.assertEqual(sts.get_caller_identity()["Arn"], "arn:aws:iam::000000000000:user/ci")
