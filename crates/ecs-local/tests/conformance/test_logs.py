"""CloudWatch Logs: the output of containers, and how clients read it."""

import unittest

import clients
from clients import ecs, follow, is_running, is_stopped, logs, refused, run

GROUP = "/ci/jobs"
STREAM = "job/build"


def register(family, group, script, **options):
    options = {"awslogs-group": group, "awslogs-region": clients.REGION, "awslogs-stream-prefix": "job"} | options
    ecs.register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn="arn:aws:iam::000000000000:role/execution",
        containerDefinitions=[
            {
                "name": "build",
                "image": "registry.example.com/ci:1",
                "entryPoint": ["/bin/sh", "-c", script],
                "stopTimeout": 2,
                "logConfiguration": {"logDriver": "awslogs", "options": options},
            }
        ],
    )


def read(stream, **more):
    return logs.get_log_events(logGroupName=GROUP, logStreamName=stream, **more)


def messages(reply):
    return [event["message"] for event in reply["events"]]


def all_messages(stream):
    """Follows the tokens until one repeats."""
    seen, token = [], {}
    while True:
        reply = read(stream, startFromHead=True, limit=2, **token)
        seen += messages(reply)
        if token.get("nextToken") == reply["nextForwardToken"]:
            return seen
        token = {"nextToken": reply["nextForwardToken"]}


class Logs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logs.create_log_group(logGroupName=GROUP, tags={"team": "ci"})
        register("prints", GROUP, "echo one; echo two >&2; echo; printf three; exit 3")
        cls.arn = run("prints")[0]["taskArn"]
        follow(cls.arn, is_stopped)
        cls.stream = f"{STREAM}/{cls.arn.rpartition('/')[2]}"

    def test_the_output_of_a_container(self):
        # Standard output and standard error have no common order.
        self.assertEqual(sorted(all_messages(self.stream)), ["one", "three", "two"])

    def test_pages_and_times(self):
        latest = read(self.stream, limit=1)
        self.assertEqual(len(messages(latest)), 1)
        self.assertEqual(messages(read(self.stream, nextToken=latest["nextForwardToken"], startFromHead=True)), [])
        earlier = read(self.stream, nextToken=latest["nextBackwardToken"])
        self.assertEqual(len(messages(earlier)), 2)
        first, last = earlier["events"][0], latest["events"][0]
        self.assertGreaterEqual(first["ingestionTime"], first["timestamp"])
        self.assertEqual(messages(read(self.stream, endTime=first["timestamp"])), [])
        self.assertIn(last["message"], messages(read(self.stream, startTime=last["timestamp"])))
        self.assertEqual(messages(read(self.stream, startTime=last["timestamp"] + 1)), [])

    def test_streams(self):
        streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=self.stream)["logStreams"]
        self.assertEqual([stream["logStreamName"] for stream in streams], [self.stream])
        self.assertLessEqual(streams[0]["firstEventTimestamp"], streams[0]["lastEventTimestamp"])
        latest = logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True, limit=1)
        self.assertEqual(len(latest["logStreams"]), 1)
        both = dict(orderBy="LastEventTime", logStreamNamePrefix="job")
        self.assertEqual(refused(logs.describe_log_streams, logGroupName=GROUP, **both)[0], "InvalidParameterException")

    def test_missing_groups_and_streams(self):
        missing = dict(logGroupName="/nothing", logStreamName="x")
        found = refused(logs.get_log_events, **missing)
        self.assertEqual(found, ("ResourceNotFoundException", "The specified log group does not exist."))
        found = refused(logs.get_log_events, logGroupName=GROUP, logStreamName="job/build/nothing")
        self.assertEqual(found, ("ResourceNotFoundException", "The specified log stream does not exist."))
        self.assertEqual(refused(logs.describe_log_streams, logGroupName="/nothing")[0], "ResourceNotFoundException")
        again = refused(logs.create_log_group, logGroupName=GROUP)
        self.assertEqual(again, ("ResourceAlreadyExistsException", "The specified log group already exists"))

    def test_invalid_requests(self):
        for more in (
            {"limit": 0},
            {"limit": 10001},
            {"startTime": -1},
            {"nextToken": "forged"},
            {"logGroupIdentifier": GROUP},
        ):
            with self.subTest(more):
                request = dict(logGroupName=GROUP, logStreamName=self.stream) | more
                self.assertEqual(refused(clients.careless_logs.get_log_events, **request)[0], "InvalidParameterException")
        for call, request in (
            (clients.careless_logs.get_log_events, {"logGroupName": GROUP}),
            (clients.careless_logs.get_log_events, {"logStreamName": "x"}),
            (clients.careless_logs.create_log_group, {}),
            (clients.careless_logs.create_log_group, {"logGroupName": "a b"}),
            (clients.careless_logs.create_log_group, {"logGroupName": "x" * 513}),
            (clients.careless_logs.create_log_group, {"logGroupName": "x", "logGroupClass": "GOLD"}),
            (clients.careless_logs.describe_log_streams, {"logGroupName": GROUP, "limit": 51}),
        ):
            with self.subTest(request):
                self.assertEqual(refused(call, **request)[0], "InvalidParameterException")

    def test_a_group_by_its_arn(self):
        arn = f"arn:aws:logs:{clients.REGION}:000000000000:log-group:{GROUP}"
        reply = logs.get_log_events(logGroupIdentifier=arn, logStreamName=self.stream)
        self.assertEqual(len(reply["events"]), 3)

    def test_a_task_whose_group_is_missing_does_not_start(self):
        register("unlogged", "/missing", "echo never")
        task = follow(run("unlogged")[0]["taskArn"], is_stopped)[-1]
        self.assertEqual(task["stopCode"], "TaskFailedToStart")
        self.assertRegex(task["stoppedReason"], "^ResourceInitializationError: .*The specified log group does not exist")
        register("making", "/missing", "sleep 1000", **{"awslogs-create-group": "true"})
        arn = run("making")[0]["taskArn"]
        follow(arn, is_running)
        ecs.stop_task(cluster=clients.CLUSTER, task=arn)
        self.assertEqual(len(logs.describe_log_streams(logGroupName="/missing")["logStreams"]), 1)
