"""A stand-in at $STAND_IN that takes only $KEY_ID and $KEY_SECRET, and AWS's own clients, which sign their calls."""

import os
import subprocess
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ENDPOINT = os.environ["STAND_IN"]
ID, SECRET = os.environ["KEY_ID"], os.environ["KEY_SECRET"]
REGION = "eu-west-1"
ROLE = {"RoleArn": "arn:aws:iam::000000000000:role/path/ci", "RoleSessionName": "a job's"}


def client(service, key=ID, secret=SECRET, token=None):
    session = boto3.Session(key, secret, token, region_name=REGION)
    return session.client(service, endpoint_url=ENDPOINT, config=Config(retries={"total_max_attempts": 1}))


def calls(*credentials):
    """A call of each service; those of ECS and Logs have a body of JSON, those of EC2 and STS one of a form."""
    return [
        lambda: client("ecs", *credentials).describe_clusters(clusters=["a b/ü~"]),
        lambda: client("logs", *credentials).describe_log_streams(logGroupName="/ci/jobs"),
        lambda: client("ec2", *credentials).describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["a b&c=+~ü"]}]),
        lambda: client("sts", *credentials).get_caller_identity(),
    ]


def code(call):
    """The code of the error, if there is one."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def answers(*credentials):
    return [code(call) for call in calls(*credentials)]


UNKNOWN = ["UnrecognizedClientException", "UnrecognizedClientException", "AuthFailure", "InvalidClientTokenId"]
WRONG = ["InvalidSignatureException", "InvalidSignatureException", "AuthFailure", "SignatureDoesNotMatch"]
# The log group does not exist, which the stand-in says to callers that it knows.
KNOWN = [None, "ResourceNotFoundException", None, None]


def own_path(path, method="GET", body=None, secret=SECRET):
    """One of the stand-in's own paths, signed as a call of ECS."""
    request = AWSRequest(method=method, url=f"{ENDPOINT}{path}", data=body)
    SigV4Auth(Credentials(ID, secret), "ecs", REGION).add_auth(request)
    signed = urllib.request.Request(request.url, data=body, headers=dict(request.headers), method=method)
    try:
        with urllib.request.urlopen(signed) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


class AccessKey(unittest.TestCase):
    maxDiff = None

    def test_calls_that_the_key_signed_are_answered(self):
        self.assertEqual(answers(), KNOWN)

    def test_other_keys_and_secrets_are_refused(self):
        self.assertEqual(answers("AKIDEXAMPLE", SECRET), UNKNOWN)
        self.assertEqual(answers(ID, "another"), WRONG)
        self.assertEqual(answers(ID, SECRET, "token"), UNKNOWN)

    def test_the_keys_of_a_role_are_taken_with_their_token(self):
        lent = client("sts").assume_role(**ROLE)["Credentials"]
        key, secret, token = (lent[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        self.assertEqual(answers(key, secret, token), KNOWN)
        self.assertEqual(answers(key, secret), UNKNOWN)
        self.assertEqual(answers(key, secret, "another"), UNKNOWN)
        self.assertEqual(answers(key, SECRET, token), WRONG)

    def test_its_own_paths(self):
        for secret, (get, put) in ((SECRET, (200, 204)), ("another", (403, 403))):
            self.assertEqual(own_path("/_local/tasks", secret=secret), get)
            self.assertEqual(own_path("/_local/faults", "PUT", b'{"seed": 7}', secret), put)

    def test_a_task_reads_its_metadata_without_a_key(self):
        ecs = client("ecs")
        ecs.create_cluster(clusterName="ci")
        task = {"name": "build", "image": "any", "stopTimeout": 2}
        ecs.register_task_definition(
            family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[task | {"command": ["sleep", "1000"]}],
        )
        network = {"subnets": ["subnet-0a1b2c3d4e5f60001"], "securityGroups": ["sg-0a1b2c3d4e5f60003"]}
        started = ecs.run_task(
            cluster="ci", taskDefinition="job", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": network}
        )
        arn = started["tasks"][0]["taskArn"]
        with urllib.request.urlopen(f"{ENDPOINT}/v4/{arn.rsplit('/')[-1]}-build/task") as reply:
            self.assertEqual(reply.status, 200)
        ecs.stop_task(cluster="ci", task=arn)

    def test_curl_signs_as_the_documentation_has_it(self):
        def curl(secret):
            # The secret on standard input: everybody can read arguments.
            command = ["curl", "-sS", "--config", "-", "--aws-sigv4", f"aws:amz:{REGION}:ecs", "-w", "%{http_code}"]
            command += ["-o", os.devnull, "-X", "PUT", "-d", '{"faults": []}', f"{ENDPOINT}/_local/faults"]
            config = f'user = "{ID}:{secret}"\n'
            return subprocess.run(command, input=config, capture_output=True, text=True, check=True).stdout

        self.assertEqual(curl(SECRET), "204")
        self.assertEqual(curl("another"), "403")


if __name__ == "__main__":
    unittest.main(verbosity=2)
