"""Clusters, the tasks listed in them, and tags."""

import unittest

import clients
from clients import CLUSTER, careless, ecs, refused, run

INVALID = "InvalidParameterException"
MISSING_CLUSTER = "ClusterNotFoundException"


class Clusters(unittest.TestCase):
    def test_a_cluster(self):
        tags = [{"key": "team", "value": "a"}]
        made = ecs.create_cluster(clusterName="made", tags=tags, settings=[{"name": "containerInsights", "value": "enabled"}])
        arn = made["cluster"]["clusterArn"]
        self.assertEqual((made["cluster"]["status"], made["cluster"]["capacityProviders"]), ("ACTIVE", []))
        self.assertEqual(ecs.create_cluster(clusterName="made")["cluster"]["clusterArn"], arn)
        strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
        providers = ["FARGATE", "FARGATE_SPOT"]
        put = ecs.put_cluster_capacity_providers(
            cluster="made", capacityProviders=providers, defaultCapacityProviderStrategy=strategy
        )["cluster"]
        self.assertEqual((put["capacityProviders"], put["defaultCapacityProviderStrategy"]), (providers, strategy))
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "stage", "value": "test"}])
        (plain,) = ecs.describe_clusters(clusters=["made"])["clusters"]
        self.assertEqual((plain["tags"], plain["settings"], plain["statistics"]), ([], [], []))
        everything = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]
        (full,) = ecs.describe_clusters(clusters=[arn], include=everything)["clusters"]
        self.assertEqual(full["tags"], tags + [{"key": "stage", "value": "test"}])
        self.assertEqual(full["settings"], [{"name": "containerInsights", "value": "enabled"}])
        self.assertIn({"name": "runningFargateTasksCount", "value": "0"}, full["statistics"])

    def test_a_list_of_clusters(self):
        for name in ("listed-1", "listed-2"):
            ecs.create_cluster(clusterName=name)
        arns = ecs.list_clusters()["clusterArns"]
        self.assertTrue(arns[0].startswith("arn:aws:ecs:eu-west-1:000000000000:cluster/"))
        first = ecs.list_clusters(maxResults=1)
        self.assertEqual(first["clusterArns"], arns[:1])
        self.assertEqual(ecs.list_clusters(maxResults=1, nextToken=first["nextToken"])["clusterArns"], arns[1:2])

    def test_missing_clusters(self):
        reply = ecs.describe_clusters(clusters=[CLUSTER, "nowhere"])
        self.assertEqual([one["clusterName"] for one in reply["clusters"]], [CLUSTER])
        self.assertEqual([failure["reason"] for failure in reply["failures"]], ["MISSING"])
        self.assertTrue(reply["failures"][0]["arn"].endswith(":cluster/nowhere"))
        # Without a name it is the one called default, which does not exist.
        self.assertEqual(len(ecs.describe_clusters()["failures"]), 1)
        for call in (ecs.list_tasks, lambda **more: ecs.describe_tasks(tasks=["0" * 32], **more)):
            self.assertEqual(refused(call, cluster="nowhere")[0], MISSING_CLUSTER)
        put = {"capacityProviders": [], "defaultCapacityProviderStrategy": []}
        self.assertEqual(refused(ecs.put_cluster_capacity_providers, cluster="nowhere", **put)[0], MISSING_CLUSTER)

    def test_invalid_providers(self):
        for providers, strategy in (
            (["mine"], []),
            (["FARGATE"], [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
            (["FARGATE"], [{"capacityProvider": "FARGATE", "weight": 1001}]),
        ):
            request = {"capacityProviders": providers, "defaultCapacityProviderStrategy": strategy}
            code, message = refused(careless.put_cluster_capacity_providers, cluster=CLUSTER, **request)
            self.assertEqual(code, INVALID, message)
        self.assertEqual(refused(ecs.create_cluster, clusterName="a b")[0], INVALID)

    def test_tasks_are_counted(self):
        ecs.create_cluster(clusterName="counted")
        with clients.faults({"when": {"nth": 1}, "effect": {"start_delay": {"seconds": 1000}}}):
            pending, running = run(count=2, cluster="counted")
        clients.follow(running["taskArn"], clients.is_running, cluster="counted")
        (one,) = ecs.describe_clusters(clusters=["counted"])["clusters"]
        self.assertEqual((one["pendingTasksCount"], one["runningTasksCount"]), (1, 1))
        for task in (pending, running):
            ecs.stop_task(cluster="counted", task=task["taskArn"])


class Tasks(unittest.TestCase):
    """In a cluster of its own."""

    @classmethod
    def setUpClass(cls):
        ecs.create_cluster(clusterName="lists")
        cls.jobs = [task["taskArn"] for task in run(count=5, cluster="lists", startedBy="ci/lists")]
        (ends,) = run("ends", cluster="lists")
        cls.ended = ends["taskArn"]
        clients.follow(cls.ended, clients.is_stopped, cluster="lists")

    @classmethod
    def tearDownClass(cls):
        for arn in cls.jobs:
            ecs.stop_task(cluster="lists", task=arn)

    def listed(self, **more):
        return sorted(ecs.list_tasks(cluster="lists", **more)["taskArns"])

    def test_filters(self):
        jobs = sorted(self.jobs)
        self.assertEqual(self.listed(), jobs)
        self.assertEqual(self.listed(desiredStatus="RUNNING"), jobs)
        self.assertEqual(self.listed(desiredStatus="STOPPED"), [self.ended])
        self.assertEqual(self.listed(desiredStatus="PENDING"), [])
        self.assertEqual(self.listed(family="job"), jobs)
        self.assertEqual(self.listed(family="ends"), [])
        self.assertEqual(self.listed(family="ends", desiredStatus="STOPPED"), [self.ended])
        self.assertEqual(self.listed(launchType="FARGATE"), jobs)
        self.assertEqual(self.listed(launchType="EC2"), [])
        self.assertEqual(self.listed(startedBy="ci/lists"), jobs)
        self.assertEqual(self.listed(startedBy="nobody"), [])
        for other in ({"desiredStatus": "STOPPED"}, {"family": "job"}, {"launchType": "FARGATE"}):
            self.assertEqual(refused(ecs.list_tasks, cluster="lists", startedBy="ci/lists", **other)[0], INVALID)
        self.assertEqual(refused(ecs.list_tasks, cluster="lists", serviceName="web")[0], "ServiceNotFoundException")
        self.assertEqual(refused(careless.list_tasks, cluster="lists", desiredStatus="GONE")[0], INVALID)

    def test_pages(self):
        pages = list(ecs.get_paginator("list_tasks").paginate(cluster="lists", PaginationConfig={"PageSize": 2}))
        self.assertEqual([len(page["taskArns"]) for page in pages], [2, 2, 1])
        self.assertEqual(sorted(arn for page in pages for arn in page["taskArns"]), sorted(self.jobs))
        self.assertNotIn("nextToken", pages[-1])
        for wrong in ({"maxResults": 101}, {"maxResults": 0}, {"nextToken": "forged"}):
            self.assertEqual(refused(careless.list_tasks, cluster="lists", **wrong)[0], INVALID)

    def test_describing(self):
        expected = [self.jobs[3], self.jobs[0].rpartition("/")[2], self.jobs[1]]
        reply = ecs.describe_tasks(cluster="lists", tasks=expected)
        self.assertEqual([task["taskArn"] for task in reply["tasks"]], [self.jobs[3], self.jobs[0], self.jobs[1]])
        # The reply has a task once, also if the request names it twice.
        reply = ecs.describe_tasks(cluster="lists", tasks=[self.jobs[0], self.jobs[0]])
        self.assertEqual((len(reply["tasks"]), reply["failures"]), (1, []))
        unknown = "0" * 32
        reply = ecs.describe_tasks(cluster="lists", tasks=[unknown, self.jobs[2]])
        self.assertEqual([task["taskArn"] for task in reply["tasks"]], [self.jobs[2]])
        arn = self.jobs[2].rpartition("/")[0] + "/" + unknown
        self.assertEqual(reply["failures"], [{"arn": arn, "reason": "MISSING"}])
        for tasks in ([], [unknown] * 101, ["short"], [self.jobs[0].replace("/lists/", "/other/")]):
            code, message = refused(careless.describe_tasks, cluster="lists", tasks=tasks)
            self.assertEqual(code, INVALID, message)
        self.assertEqual(refused(careless.describe_tasks, cluster="lists", tasks=[unknown], include=["LOGS"])[0], INVALID)

    def test_stopping_a_missing_task(self):
        code, message = refused(ecs.stop_task, cluster="lists", task="0" * 32)
        self.assertEqual((code, message), (INVALID, "The referenced task was not found."))
        self.assertEqual(refused(careless.stop_task, cluster="lists")[0], INVALID)

    def test_tagging(self):
        tags = [{"key": "a", "value": "b"}]
        definition = ecs.describe_task_definition(taskDefinition="ends")["taskDefinition"]["taskDefinitionArn"]
        ecs.tag_resource(resourceArn=definition, tags=tags)
        self.assertEqual(ecs.describe_task_definition(taskDefinition="ends", include=["TAGS"])["tags"], tags)
        code, message = refused(ecs.tag_resource, resourceArn=definition + "9", tags=tags)
        self.assertEqual(code, "ClientException", message)

    def test_tags_of_a_task(self):
        ecs.create_cluster(clusterName="tags")
        (task,) = run(cluster="tags", tags=[{"key": "team", "value": "a"}, {"key": "pool", "value": "ruby"}])
        arn = task["taskArn"]

        def shown(**more):
            (task,) = ecs.describe_tasks(cluster="tags", tasks=[arn], **more)["tasks"]
            return {tag["key"]: tag.get("value") for tag in task["tags"]}

        ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "b"}, {"key": "gitlab:job-id", "value": "7"}])
        expected = {"team": "b", "pool": "ruby", "gitlab:job-id": "7"}
        self.assertEqual((shown(), shown(include=["TAGS"])), ({}, expected))
        # Keys differ by their case, and a value is optional.
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "Team"}])
        ecs.tag_resource(resourceArn=arn, tags=[])
        expected["Team"] = ""
        longest = {"k" * 128: "é" * 256}
        ecs.tag_resource(resourceArn=arn, tags=[{"key": key, "value": value} for key, value in longest.items()])
        expected |= longest
        self.assertEqual(shown(include=["TAGS"]), expected)
        # All of them or none, and 50 of a resource.
        many = [{"key": f"k{n}", "value": ""} for n in range(50 - len(expected))]
        code, message = refused(ecs.tag_resource, resourceArn=arn, tags=[*many, {"key": "one more", "value": ""}])
        self.assertEqual((code, shown(include=["TAGS"])), (INVALID, expected), message)
        ecs.tag_resource(resourceArn=arn, tags=many)
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "c"}])
        self.assertEqual(len(shown(include=["TAGS"])), 50)
        ecs.stop_task(cluster="tags", task=arn)
        clients.follow(arn, clients.is_stopped, cluster="tags")
        self.assertEqual(shown(include=["TAGS"]), {})
        code, message = refused(ecs.tag_resource, resourceArn=arn, tags=[{"key": "late", "value": ""}])
        self.assertEqual((code, "stopped" in message), (INVALID, True), message)

    def test_tags_that_are_refused(self):
        arn, tags = self.jobs[0], [{"key": "a", "value": "b"}]
        start, _, id = arn.rpartition("/")
        for resource in (
            None,
            "",
            id,
            self.ended,
            start + "/" + "0" * 32,
            arn.replace("/lists/", "/other/"),
            arn.replace("/lists/", "/"),
            arn.replace("000000000000", "111122223333"),
            arn.replace("eu-west-1", "eu-central-1"),
            "arn:aws:ecs:eu-west-1:000000000000:service/x",
            "arn:aws:ecs:eu-central-1:000000000000:cluster/ci",
        ):
            code, message = refused(careless.tag_resource, resourceArn=resource, tags=tags)
            self.assertEqual(code, INVALID, f"{resource}: {message}")
        self.assertEqual(refused(careless.tag_resource, resourceArn=arn)[0], INVALID)
        for given in (
            [{}],
            [{"value": "b"}],
            [{"key": "", "value": "b"}],
            [{"key": "k" * 129, "value": ""}],
            [{"key": "k", "value": "v" * 257}],
            [{"key": "it's", "value": ""}],
            [{"key": "branch", "value": "fix#1"}],
            [{"key": "job", "value": "परीक्षण"}],
            [{"key": "aws:ecs:clusterName", "value": "lists"}],
            [{"key": "AWS:x", "value": ""}],
            [{"key": "x", "value": "Aws:y"}],
            [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}],
            [{"key": f"k{n}", "value": ""} for n in range(51)],
        ):
            code, message = refused(careless.tag_resource, resourceArn=arn, tags=given)
            self.assertEqual(code, INVALID, f"{given}: {message}")
