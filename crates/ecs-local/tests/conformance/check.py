"""Calls every operation of the stand-in at $STAND_IN with AWS's own clients, and validates the replies."""

import json
import pathlib
import sys
import unittest

import clients
from clients import CLUSTER, ecs

TASK_ROLE = "arn:aws:iam::000000000000:role/job"


def container(name, command, **more):
    return {"name": name, "image": "registry.example.com/ci:1", "entryPoint": command, "stopTimeout": 2} | more


def prepare():
    """Makes the resources that the checks use: two clusters and a few definitions."""
    providers = ["FARGATE", "FARGATE_SPOT"]
    strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
    ecs.create_cluster(clusterName=CLUSTER, capacityProviders=providers, defaultCapacityProviderStrategy=strategy)
    ecs.create_cluster(clusterName="other")
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    waits = container("build", ["/bin/sleep", "1000"], dependsOn=[{"containerName": "init", "condition": "SUCCESS"}])
    job = [container("init", ["/bin/true"], essential=False), waits]
    ecs.register_task_definition(family="job", taskRoleArn=TASK_ROLE, containerDefinitions=job, **fargate)
    ends = [container("build", ["/bin/sh", "-c", "exit 3"])]
    ecs.register_task_definition(family="ends", containerDefinitions=ends, **fargate)
    tags = [{"key": "team", "value": "a"}]
    ecs.register_task_definition(family="tagged", containerDefinitions=job, tags=tags, **fargate)
    ecs.register_task_definition(family="retired", containerDefinitions=ends, **fargate)
    ecs.deregister_task_definition(taskDefinition="retired:1")
    ecs.register_task_definition(family="on-instances", containerDefinitions=[ends[0] | {"memory": 64}], networkMode="bridge")


def main():
    prepare()
    suite = unittest.defaultTestLoader.discover(pathlib.Path(__file__).parent)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    calls = json.loads(clients.control("stats"))["calls"]
    missed = [operation for operation, count in calls.items() if count == 0]
    print(f"{sum(calls.values())} calls of {len(calls)} operations; not driven: {missed or 'none'}", file=sys.stderr)
    return 0 if result.wasSuccessful() and result.testsRun and calls and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
