"""A task's whole life as DescribeTasks shows it."""

import json
import unittest

import clients
from clients import CLUSTER, ecs, ec2, follow, is_running, is_stopped, look, run

# The members that a task always has, and the times in their order.
ALWAYS = set(
    """taskArn taskDefinitionArn clusterArn lastStatus desiredStatus createdAt version cpu memory group overrides containers
    attachments tags availabilityZone attributes platformVersion platformFamily ephemeralStorage fargateEphemeralStorage
    enableExecuteCommand""".split()
)
TIMES = "createdAt connectivityAt pullStartedAt pullStoppedAt startedAt stoppingAt stoppedAt".split()
STATUSES = "PROVISIONING PENDING ACTIVATING RUNNING DEACTIVATING STOPPING DEPROVISIONING STOPPED".split()
INTERFACE = {"subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address"}
STOPPING = {"stopCode", "stoppedReason", "stoppingAt"}


def history(arn):
    """Every version of a task, from the stand-in's own path."""
    return next(task["history"] for task in json.loads(clients.control("tasks")) if task["taskArn"] == arn)


class Lifecycle(unittest.TestCase):
    def check_members(self, task):
        """Checks which members a task has in its state."""
        status = STATUSES.index(task["lastStatus"])
        have = set(task)
        self.assertLessEqual(ALWAYS, have)
        self.assertNotIn("containerInstanceArn", have)
        self.assertNotEqual("launchType" in have, "capacityProviderName" in have)
        stopping = task["desiredStatus"] == "STOPPED"
        self.assertEqual(STOPPING & have, STOPPING if stopping else set())
        if status < STATUSES.index("RUNNING"):
            self.assertFalse({"startedAt", "healthStatus"} & have, have)
        if task["lastStatus"] == "PROVISIONING":
            self.assertFalse({"connectivity", "connectivityAt", "pullStartedAt", "pullStoppedAt"} & have, have)
        if task["lastStatus"] == "RUNNING":
            expected = {"connectivity", "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt", "healthStatus"}
            self.assertLessEqual(expected, have)
        self.assertEqual("stoppedAt" in have, is_stopped(task))
        if is_stopped(task):
            self.assertIn("executionStoppedAt", have)
            self.assertEqual(task["tags"], [])
        for container in task["containers"]:
            self.check_container(container, task)
        self.check_attachment(task)

    def check_container(self, container, task):
        have = set(container)
        self.assertLessEqual({"containerArn", "taskArn", "name", "image", "lastStatus", "networkInterfaces", "cpu"}, have)
        ran = {"imageDigest", "runtimeId", "networkBindings", "healthStatus"}
        started = container["lastStatus"] == "RUNNING" or "exitCode" in have
        self.assertEqual(ran & have, ran if started else set(), container)
        if "exitCode" in have:
            self.assertEqual(container["lastStatus"], "STOPPED")
        elif container["lastStatus"] == "STOPPED":
            self.assertNotIn("startedAt", task)
        if "connectivity" in task:
            address = self.details(task)["privateIPv4Address"]
            self.assertEqual([one["privateIpv4Address"] for one in container["networkInterfaces"]], [address])
        self.assertEqual("managedAgents" in have, task["enableExecuteCommand"])
        self.assertFalse({"memory", "memoryReservation"} & have)

    def details(self, task):
        (attachment,) = [one for one in task["attachments"] if one["type"] == "ElasticNetworkInterface"]
        return {detail["name"]: detail["value"] for detail in attachment["details"]}

    def check_attachment(self, task):
        status = task["attachments"][0]["status"]
        if status == "PRECREATED":
            self.assertEqual(set(self.details(task)), {"subnetId"})
        else:
            self.assertEqual(set(self.details(task)), INTERFACE)
        allowed = {
            "PROVISIONING": {"PRECREATED", "ATTACHING"},
            "PENDING": {"ATTACHING", "ATTACHED"},
            "DEPROVISIONING": {"DETACHING"},
            "STOPPED": {"DELETED"},
        }
        self.assertIn(status, allowed.get(task["lastStatus"], {"ATTACHED"}))

    def check_history(self, seen):
        """Checks all states of a task that were seen."""
        for task in seen:
            self.check_members(task)
            times = [task[name] for name in TIMES if name in task]
            self.assertEqual(times, sorted(times), task)
        untagged = [{name: value for name, value in task.items() if name != "tags"} for task in seen]
        for before, after in zip(untagged, untagged[1:]):
            if before != after:
                self.assertLess(before["version"], after["version"], (before, after))
            self.assertLessEqual(STATUSES.index(before["lastStatus"]), STATUSES.index(after["lastStatus"]))
            # A member that was present stays present.
            self.assertLessEqual(set(before), set(after))
        versions = [change["version"] for change in history(seen[0]["taskArn"])]
        self.assertEqual(versions, list(range(1, len(versions) + 1)))

    def test_a_stopped_task(self):
        tags = [{"key": "job", "value": "1001"}]
        (task,) = run(startedBy="ci/1", group="jobs", tags=tags, enableECSManagedTags=True)
        self.assertEqual((task["lastStatus"], task["version"]), ("PROVISIONING", 1))
        self.assertEqual([one["lastStatus"] for one in task["containers"]], ["PENDING", "PENDING"])
        self.assertEqual((task["startedBy"], task["group"], task["launchType"]), ("ci/1", "jobs", "FARGATE"))
        self.assertEqual(task["tags"], tags + [{"key": "aws:ecs:clusterName", "value": CLUSTER}])
        arn = task["taskArn"]
        self.assertEqual(look(arn)["tags"], [])
        seen = [task] + follow(arn, is_running)
        self.assertEqual(seen[-1]["tags"], task["tags"])
        stopped = ecs.stop_task(cluster=CLUSTER, task=arn, reason="job 1001 finished")["task"]
        self.assertEqual((stopped["lastStatus"], stopped["desiredStatus"]), ("RUNNING", "STOPPED"))
        seen += [stopped] + follow(arn, is_stopped)
        self.check_history(seen)
        last = seen[-1]
        self.assertEqual((last["stopCode"], last["stoppedReason"]), ("UserInitiated", "job 1001 finished"))
        exit_codes = {one["name"]: one["exitCode"] for one in last["containers"]}
        self.assertEqual(exit_codes, {"init": 0, "build": 143})
        gone_through = [change["lastStatus"] for change in history(arn)]
        self.assertEqual(sorted(set(gone_through), key=gone_through.index), STATUSES)
        # Another stop succeeds, and changes nothing.
        again = ecs.stop_task(cluster=CLUSTER, task=arn.rpartition("/")[2], reason="another")["task"]
        self.assertEqual(again, last)

    def test_a_task_that_ends_by_itself(self):
        (task,) = run("ends")
        self.assertEqual(task["group"], "family:ends")
        self.assertNotIn("startedBy", task)
        seen = follow(task["taskArn"], is_stopped)
        self.check_history([task] + seen)
        self.assertEqual(seen[-1]["stopCode"], "EssentialContainerExited")
        self.assertEqual(seen[-1]["stoppedReason"], "Essential container in task exited")
        self.assertEqual(seen[-1]["containers"][0]["exitCode"], 3)
        self.assertLessEqual(seen[-1]["executionStoppedAt"], seen[-1]["stoppingAt"])

    def test_a_task_stopped_before_it_runs(self):
        with clients.faults({"effect": {"start_delay": {"seconds": 1000}}}):
            (task,) = run()
        stopped = ecs.stop_task(cluster=CLUSTER, task=task["taskArn"])["task"]
        seen = [task, stopped] + follow(task["taskArn"], is_stopped)
        for task in seen[:-1]:
            self.assertNotIn("startedAt", task)
        self.assertEqual(seen[-1]["desiredStatus"], "STOPPED")
        self.assertNotIn("exitCode", seen[-1]["containers"][0])
        self.assertIn("executionStoppedAt", seen[-1])

    def test_a_task_that_fails_to_start(self):
        with clients.faults({"when": {"family": "job"}, "effect": {"start_failure": {"at": "pull"}}}):
            (task,) = run()
        last = follow(task["taskArn"], is_stopped)[-1]
        self.assertEqual(last["stopCode"], "TaskFailedToStart")
        self.assertRegex(last["stoppedReason"], "^CannotPullContainerError: ")
        self.assertFalse({"startedAt", "pullStoppedAt"} & set(last))
        self.assertLessEqual({"pullStartedAt", "executionStoppedAt", "stoppingAt", "stoppedAt"}, set(last))
        by_name = {one["name"]: one for one in last["containers"]}
        self.assertRegex(by_name["build"]["reason"], "^CannotPullContainerError: ")
        self.assertNotIn("exitCode", by_name["build"])

    def test_spot_and_exec(self):
        spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
        with clients.faults({"effect": {"spot_interruption": {"after_seconds": 0.05}}}):
            (task,) = run(capacityProviderStrategy=spot, enableExecuteCommand=True)
        self.assertEqual(task["capacityProviderName"], "FARGATE_SPOT")
        seen = [task] + follow(task["taskArn"], is_stopped)
        self.check_history(seen)
        self.assertEqual((seen[-1]["stopCode"], seen[-1]["stoppedReason"]), ("SpotInterruption", "Your Spot Task was interrupted."))
        agents = {agent["lastStatus"] for task in seen for one in task["containers"] for agent in one["managedAgents"]}
        self.assertEqual(agents, {"PENDING", "RUNNING", "STOPPED"})

    def test_public_and_private_addresses(self):
        (public,), (private,) = run(public=True, enableECSManagedTags=True), run()
        for task, is_public in ((public, True), (private, False)):
            running = follow(task["taskArn"], is_running)[-1]
            details = self.details(running)
            (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[details["networkInterfaceId"]])["NetworkInterfaces"]
            self.assertEqual(interface["PrivateIpAddress"], details["privateIPv4Address"])
            self.assertEqual(interface["PrivateDnsName"], details["privateDnsName"])
            self.assertEqual(interface["MacAddress"], details["macAddress"])
            self.assertEqual(interface["SubnetId"], details["subnetId"])
            self.assertEqual(interface["AvailabilityZone"], running["availabilityZone"])
            self.assertTrue(interface["Description"].endswith(f":attachment/{running['attachments'][0]['id']}"))
            self.assertEqual((interface["Status"], interface["RequesterManaged"]), ("in-use", True))
            self.assertEqual([group["GroupId"] for group in interface["Groups"]], [clients.GROUP])
            self.assertNotIn("InstanceId", interface["Attachment"])
            self.assertEqual("Association" in interface, is_public)
            (address,) = interface["PrivateIpAddresses"]
            self.assertEqual(address.get("Association"), interface.get("Association"))
            self.assertEqual([tag["Key"] for tag in interface["TagSet"]], ["aws:ecs:clusterName"] if is_public else [])
            ecs.stop_task(cluster=CLUSTER, task=task["taskArn"])
            follow(task["taskArn"], is_stopped)
            code, _ = clients.refused(ec2.describe_network_interfaces, NetworkInterfaceIds=[details["networkInterfaceId"]])
            self.assertEqual(code, "InvalidNetworkInterfaceID.NotFound")
