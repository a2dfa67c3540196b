"""RunTask: client tokens, overrides, tags, placement, and the requests that it refuses."""

import unittest

import clients
from clients import CLUSTER, careless, ecs, follow, is_stopped, look, network, refused, run

INVALID = "InvalidParameterException"


def request(**more):
    """A valid request, with these members changed."""
    fine = {"cluster": CLUSTER, "taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": network()}
    fine.update(more)
    return {name: value for name, value in fine.items() if value is not None}


def awsvpc(**more):
    return {"awsvpcConfiguration": network()["awsvpcConfiguration"] | more}


class RunTask(unittest.TestCase):
    def tearDown(self):
        for arn in ecs.list_tasks(cluster=CLUSTER)["taskArns"]:
            ecs.stop_task(cluster=CLUSTER, task=arn)

    def refuse(self, code, text, **more):
        got, message = refused(careless.run_task, **request(**more))
        self.assertEqual(got, code, message)
        self.assertRegex(message, text)

    def test_a_client_token_repeats_its_reply(self):
        (first,) = run(clientToken="job-1", startedBy="ci")
        (again,) = run(clientToken="job-1", startedBy="ci")
        self.assertEqual(again["taskArn"], first["taskArn"])
        self.assertEqual(len(ecs.list_tasks(cluster=CLUSTER)["taskArns"]), 1)
        try:
            ecs.run_task(**request(clientToken="job-1", startedBy="someone-else"))
            self.fail("the token was accepted for another request")
        except ecs.exceptions.ConflictException as conflict:
            self.assertEqual(conflict.response["resourceIds"], [first["taskArn"]])
        # A token belongs to a cluster.
        (elsewhere,) = run(clientToken="job-1", cluster="other")
        self.assertNotEqual(elsewhere["taskArn"], first["taskArn"])
        ecs.stop_task(cluster="other", task=elsewhere["taskArn"])
        # A repeated reply has only these members of a stopped task.
        ecs.stop_task(cluster=CLUSTER, task=first["taskArn"])
        follow(first["taskArn"], is_stopped)
        (stopped,) = run(clientToken="job-1", startedBy="ci")
        self.assertEqual(stopped, {"taskArn": first["taskArn"], "lastStatus": "STOPPED", "desiredStatus": "STOPPED"})
        for token in ("with space", "x" * 65):
            self.refuse(INVALID, "clientToken", clientToken=token)

    def test_a_client_token_keeps_failures(self):
        with clients.faults({"when": {"first": 1}, "effect": {"no_capacity": {}}}):
            replies = [ecs.run_task(**request(clientToken="full")) for _ in range(2)]
        self.assertEqual([reply["tasks"] for reply in replies], [[], []])
        self.assertRegex(replies[0]["failures"][0]["reason"], "^Capacity is unavailable at this time")
        self.assertEqual(replies[1]["failures"], replies[0]["failures"])

    def test_overrides(self):
        overrides = {
            "cpu": "1024",
            "memory": "4096",
            "ephemeralStorage": {"sizeInGiB": 40},
            "taskRoleArn": "arn:aws:iam::000000000000:role/job",
            "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
            "containerOverrides": [
                {
                    "name": "build",
                    "command": ["/bin/sleep", "1001"],
                    "environment": [{"name": "SSH_PUBLIC_KEY", "value": "ssh-ed25519 AAAA"}],
                    "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::bucket/file.env"}],
                    "cpu": 10,
                    "memory": 300,
                    "memoryReservation": 200,
                }
            ],
        }
        (task,) = run(overrides=overrides)
        self.assertEqual((task["cpu"], task["memory"], task["ephemeralStorage"]["sizeInGiB"]), ("1024", "4096", 40))
        shown = task["overrides"]
        self.assertEqual(shown["containerOverrides"], [{"name": "init"}] + overrides["containerOverrides"])
        self.assertEqual(shown["inferenceAcceleratorOverrides"], [])
        for name in ("cpu", "memory", "ephemeralStorage", "taskRoleArn", "executionRoleArn"):
            self.assertEqual(shown[name], overrides[name])
        (plain,) = run()
        self.assertEqual((plain["cpu"], plain["memory"], plain["ephemeralStorage"]["sizeInGiB"]), ("256", "512", 20))

    def test_invalid_overrides(self):
        def container(**change):
            return {"containerOverrides": [{"name": "build"} | change]}

        self.refuse(INVALID, "^Override for container named web is not a container in the TaskDefinition.$", overrides=container(name="web"))
        for length, fits in ((8000, True), (8192, False)):
            overrides = container(environment=[{"name": "A", "value": "x" * length}])
            if fits:
                run(overrides=overrides)
            else:
                self.refuse(INVALID, "^Container Overrides length must be at most 8192$", overrides=overrides)
        self.refuse(INVALID, "^No Fargate configuration exists", overrides={"cpu": "256", "memory": "4096"})
        self.refuse(INVALID, "'cpu'", overrides={"cpu": "300"})
        self.refuse(INVALID, "between 21 and 200", overrides={"ephemeralStorage": {"sizeInGiB": 20}})

    def test_tags(self):
        tags = [{"key": "job", "value": "1"}]
        (task,) = run("tagged", tags=tags, propagateTags="TASK_DEFINITION")
        self.assertEqual(task["tags"], [{"key": "team", "value": "a"}] + tags)
        ecs.tag_resource(resourceArn=task["taskArn"], tags=[{"key": "job", "value": "2"}, {"key": "x", "value": ""}])
        expected = [{"key": "team", "value": "a"}, {"key": "job", "value": "2"}, {"key": "x", "value": ""}]
        self.assertEqual(look(task["taskArn"], include=["TAGS"])["tags"], expected)
        self.assertEqual(look(task["taskArn"])["tags"], [])
        self.refuse(INVALID, "aws:", tags=[{"key": "aws:x", "value": ""}])
        self.refuse(INVALID, "50", tags=[{"key": f"k{n}", "value": ""} for n in range(51)])
        self.refuse(INVALID, "characters", tags=[{"key": "branch", "value": "fix#1"}])
        self.refuse(INVALID, "SERVICE", propagateTags="SERVICE")

    def test_several_tasks(self):
        tasks = run(count=3)
        self.assertEqual(len({task["taskArn"] for task in tasks}), 3)
        for count in (0, 11):
            self.refuse(INVALID, "between 1 and 10", count=count)

    def test_the_definition(self):
        self.refuse("ClientException", "^TaskDefinition not found.$", taskDefinition="nothing")
        self.refuse("ClientException", "^TaskDefinition not found.$", taskDefinition="job:99")
        self.refuse("ClientException", "^TaskDefinition is inactive$", taskDefinition="retired:1")
        self.refuse(INVALID, "can not be blank", taskDefinition=None)
        self.refuse("ClusterNotFoundException", "^Cluster not found.$", cluster="nowhere")
        self.refuse("ClusterNotFoundException", "^Cluster not found.$", cluster=None)
        self.refuse(INVALID, "does not support launch_type FARGATE", taskDefinition="on-instances")

    def test_launch_type_and_strategy(self):
        fargate = [{"capacityProvider": "FARGATE", "weight": 1}]
        self.refuse(INVALID, "both a launch type and capacity provider", capacityProviderStrategy=fargate)
        for capacity in ({"launchType": "EC2"}, {"launchType": None, "cluster": "other"}):
            plain = capacity | {"networkConfiguration": awsvpc(assignPublicIp="DISABLED")}
            self.refuse(INVALID, "^No Container Instances were found in your cluster.$", **plain)
            public = capacity | {"networkConfiguration": awsvpc(assignPublicIp="ENABLED")}
            self.refuse(INVALID, "^Assign public IP is not supported for this launch type.$", **public)
            self.refuse(INVALID, "^The platform version must be null", **public, platformVersion="1.4.0")
        self.refuse(INVALID, "enum value set", launchType="LAMBDA")
        none = [{"capacityProvider": name} for name in ("FARGATE", "FARGATE_SPOT")]
        for strategy, text in (
            (none, "weight"),
            ([{"capacityProvider": "mine", "weight": 1}], "not associated"),
            ([{"capacityProvider": "FARGATE", "weight": 1001}], "between 0 and 1000"),
            (fargate + fargate, "more than once"),
        ):
            self.refuse(INVALID, text, launchType=None, capacityProviderStrategy=strategy)
        (by_default,) = run(launchType="FARGATE") and ecs.run_task(**request(launchType=None))["tasks"]
        self.assertEqual(by_default["capacityProviderName"], "FARGATE")
        self.assertNotIn("launchType", by_default)
        self.refuse("PlatformUnknownException", "platform", platformVersion="9.9.9")
        (old,) = run(platformVersion="1.3.0")
        self.assertEqual(old["platformVersion"], "1.3.0")

    def test_the_network(self):
        self.refuse(INVALID, "^Network Configuration must be provided when networkMode 'awsvpc'", networkConfiguration=None)
        subnet = "subnet-0000000000000000f"
        self.refuse(INVALID, f"for \\[{subnet}\\].*InvalidSubnetID.NotFound", networkConfiguration=awsvpc(subnets=[subnet]))
        group = "sg-0000000000000000f"
        self.refuse(INVALID, f"for \\[{group}\\].*InvalidGroup.NotFound", networkConfiguration=awsvpc(securityGroups=[group]))
        self.refuse(INVALID, "subnets", networkConfiguration=awsvpc(subnets=[]))
        self.refuse(INVALID, "at most 16", networkConfiguration=awsvpc(subnets=clients.SUBNETS * 9))
        self.refuse(INVALID, "at most 5", networkConfiguration=awsvpc(securityGroups=[clients.GROUP] * 6))
        self.refuse(INVALID, "enum value set", networkConfiguration=awsvpc(assignPublicIp="YES"))
        (task,) = run(networkConfiguration=network(subnets=[clients.SUBNETS[1]]))
        self.assertEqual(task["availabilityZone"], clients.REGION + "b")

    def test_the_rest(self):
        self.refuse(INVALID, "startedBy", startedBy="a b")
        self.refuse(INVALID, "startedBy", startedBy="x" * 129)
        self.refuse(INVALID, "group", group="x" * 256)
        self.refuse(INVALID, "taskRoleArn", taskDefinition="ends", enableExecuteCommand=True)
        self.refuse(INVALID, "placementConstraints", placementConstraints=[{"type": "distinctInstance"}])
        self.refuse("SerializationException", "many", count="many")
