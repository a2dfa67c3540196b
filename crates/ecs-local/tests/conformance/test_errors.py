"""The errors of every service, each in its own form."""

import unittest
import urllib.error
import urllib.request

import clients
from clients import ec2, ecs, logs, refused, sts

GROUP = "/errors"


def describe_log_streams():
    return logs.describe_log_streams(logGroupName=GROUP)


CALLS = {
    "ecs": (ecs.list_task_definitions, "ListTaskDefinitions"),
    "ec2": (ec2.describe_subnets, "DescribeSubnets"),
    "logs": (describe_log_streams, "DescribeLogStreams"),
    "sts": (sts.get_caller_identity, "GetCallerIdentity"),
}

# By effect: the codes of ECS, EC2, CloudWatch Logs and STS. `clients` checks that the status fits the code, and that
# the form fits the service.
CODES = {
    "throttle": ("ThrottlingException", "RequestLimitExceeded", "ThrottlingException", "Throttling"),
    "server_error": ("ServerException", "InternalError", "InternalFailure", "InternalFailure"),
    "service_unavailable": ("ServiceUnavailable", "Unavailable", "ServiceUnavailable", "ServiceUnavailable"),
    "access_denied": ("AccessDeniedException", "UnauthorizedOperation", "AccessDeniedException", "AccessDenied"),
    "expired_credentials": ("ExpiredTokenException", "RequestExpired", "ExpiredTokenException", "ExpiredToken"),
    "unrecognized_client": ("UnrecognizedClientException", "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"),
}


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logs.create_log_group(logGroupName=GROUP)

    def test_each_service_has_its_own_form(self):
        for effect, codes in CODES.items():
            for (call, operation), code in zip(CALLS.values(), codes):
                with self.subTest(effect=effect, operation=operation):
                    with clients.faults({"when": {"operation": operation, "first": 1}, "effect": effect}):
                        self.assertEqual(refused(call)[0], code)
                        call()

    def test_the_other_form_of_ecs(self):
        with clients.faults({"effect": "bare_errors"}):
            clients.expect["bare"] = True
            try:
                code, message = refused(ecs.describe_task_definition, taskDefinition="nothing")
            finally:
                clients.expect["bare"] = False
        self.assertEqual((code, message), ("ClientException", "Unable to describe task definition."))

    def test_unknown_operations(self):
        self.assertEqual(refused(ecs.list_services)[0], "UnknownOperationException")
        self.assertEqual(refused(ec2.describe_vpcs)[0], "InvalidAction")
        self.assertEqual(refused(logs.describe_metric_filters)[0], "UnknownOperationException")

    def test_unsigned_requests(self):
        target = "AmazonEC2ContainerServiceV20141113.ListTasks"
        scope = "AKIDEXAMPLE/20260102/eu-west-1/ecs/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
        date = {"X-Amz-Date": "20260102T030405Z"}
        for headers, code in (
            ({}, "MissingAuthenticationTokenException"),
            ({"Authorization": signed}, "IncompleteSignatureException"),
            ({"Authorization": signed.replace("/ecs/", "/ec2/")} | date, "InvalidSignatureException"),
            ({"Authorization": signed.replace("0" * 64, "short")} | date, "InvalidSignatureException"),
            ({"Authorization": "Basic YTpi"} | date, "IncompleteSignatureException"),
            ({"Authorization": signed} | date, "ClusterNotFoundException"),
        ):
            operation = ecs.meta.service_model.operation_model("ListTasks")
            request = urllib.request.Request(clients.ENDPOINT, data=b"{}", headers={"X-Amz-Target": target} | headers)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            with caught.exception as reply:
                got = clients.model.check_error(operation, reply.code, lower(reply.headers), reply.read())
            self.assertEqual(got, code)


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}
