"""boto3's clients for the stand-in under test. Every reply is validated against the model."""

import json
import os
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import model

ENDPOINT = os.environ["STAND_IN"]
REGION = "eu-west-1"
CLUSTER = "ci"
SUBNETS = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]
GROUP = "sg-0a1b2c3d4e5f60003"

session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="any", region_name=REGION)

# Whether errors have their bare form, by a fault.
expect = {"bare": False}


def client(service, validate=True):
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=validate)
    made = session.client(service, endpoint_url=ENDPOINT, config=config)

    def check(response_dict, **_):
        # A failed connection has no response.
        if response_dict is None:
            return
        operation = made.meta.service_model.operation_model(response_dict["context"]["operation_name"])
        status, headers, body = (response_dict[key] for key in ("status_code", "headers", "body"))
        if status < 300:
            model.check_success(operation, headers, body)
        else:
            model.check_error(operation, status, headers, body, expect["bare"])

    made.meta.events.register(f"response-received.{made.meta.service_model.service_id.hyphenize()}", check)
    return made


def query_client(service):
    """A client that speaks AWS Query, as the driver does, to a service whose model prefers a newer protocol."""
    # botocore loads a model once, and makes its clients of that.
    metadata = session._session.get_component("data_loader").load_service_model(service, "service-2")["metadata"]
    metadata.update(protocol="query", protocols=["query"])
    metadata.pop("awsQueryCompatible", None)
    return client(service)


ecs = client("ecs")
ec2 = client("ec2")
logs = client("logs")
sts = client("sts")
iam = client("iam")
ecr = client("ecr")
quotas = client("service-quotas")
secrets = client("secretsmanager")
cloudformation = client("cloudformation")
cloudwatch = query_client("cloudwatch")
# For requests that boto3 would refuse itself.
careless = client("ecs", validate=False)
careless_logs = client("logs", validate=False)


def control(path, body=None):
    """The stand-in's own paths."""
    request = urllib.request.Request(f"{ENDPOINT}/_local/{path}", data=body, method="PUT" if body else "GET")
    with urllib.request.urlopen(request) as reply:
        return reply.read()


class resources:
    """Sets the document of resources until the block ends."""

    def __init__(self, **members):
        self.members = members

    def __enter__(self):
        control("resources", json.dumps(self.members).encode())

    def __exit__(self, *_):
        control("resources", b"{}")


class faults:
    """Sets the rules of faults until the block ends."""

    def __init__(self, *rules):
        self.rules = rules

    def __enter__(self):
        control("faults", json.dumps({"faults": self.rules}).encode())

    def __exit__(self, *_):
        control("faults", b"{}")


def network(public=False, subnets=SUBNETS):
    return {
        "awsvpcConfiguration": {
            "subnets": subnets,
            "securityGroups": [GROUP],
            "assignPublicIp": "ENABLED" if public else "DISABLED",
        }
    }


def run(definition="job", public=False, **more):
    """Runs tasks, which has to succeed."""
    request = {"cluster": CLUSTER, "taskDefinition": definition, "networkConfiguration": network(public)}
    if "capacityProviderStrategy" not in more:
        request["launchType"] = "FARGATE"
    reply = ecs.run_task(**(request | more))
    assert reply["failures"] == [], reply["failures"]
    # DescribeTasks does not know new tasks at once: this read is the one that finds none.
    arns = [task["taskArn"] for task in reply["tasks"]]
    if arns:
        ecs.describe_tasks(cluster=more.get("cluster", CLUSTER), tasks=arns)
    return reply["tasks"]


def look(arn, cluster=CLUSTER, **more):
    reply = ecs.describe_tasks(cluster=cluster, tasks=[arn], **more)
    assert reply["failures"] == [], reply["failures"]
    return reply["tasks"][0]


def follow(arn, until, cluster=CLUSTER):
    """Every state of a task that DescribeTasks shows, up to the first one that fulfils the condition."""
    seen = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        task = look(arn, cluster, include=["TAGS"])
        if not seen or task != seen[-1]:
            seen.append(task)
        if until(task):
            return seen
    raise AssertionError(f"waited in vain; the task was last seen as {seen[-1]}")


def is_running(task):
    return task["lastStatus"] == "RUNNING"


def is_stopped(task):
    return task["lastStatus"] == "STOPPED"


def refused(call, **request):
    """Makes a call that has to fail: its code and message."""
    try:
        reply = call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(f"{request} was not refused: {reply}")
