"""Validates raw replies against botocore's service models, which are AWS's own descriptions of them.

botocore's parsers are lenient, and ignore everything unknown. Here every member has to be in the model.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

# The errors that all operations of a service share, and their status. The model has the errors of single operations.
COMMON_ERRORS = {
    "ecs": {
        "AccessDeniedException": 400,
        "ExpiredTokenException": 403,
        "IncompleteSignatureException": 403,
        "InvalidSignatureException": 403,
        "MissingAuthenticationTokenException": 403,
        "SerializationException": 400,
        "ServiceUnavailable": 503,
        "ThrottlingException": 400,
        "UnknownOperationException": 404,
        "UnrecognizedClientException": 403,
    },
    "ec2": {
        "AuthFailure": 401,
        "IncompleteSignature": 403,
        "InternalError": 500,
        "InvalidAction": 400,
        "InvalidGroup.NotFound": 400,
        "InvalidGroupId.Malformed": 400,
        "InvalidNetworkInterfaceID.NotFound": 400,
        "InvalidNetworkInterfaceId.Malformed": 400,
        "InvalidPrefixListID.NotFound": 400,
        "InvalidParameterCombination": 400,
        "InvalidParameterValue": 400,
        "InvalidRouteTableID.NotFound": 400,
        "InvalidSubnetID.NotFound": 400,
        "InvalidVpcID.NotFound": 400,
        "InvalidVpcEndpointId.NotFound": 400,
        "MissingParameter": 400,
        "MissingAuthenticationToken": 403,
        "RequestExpired": 400,
        "RequestLimitExceeded": 503,
        "Unavailable": 503,
        "UnauthorizedOperation": 403,
    },
    "logs": {
        "AccessDeniedException": 400,
        "ExpiredTokenException": 403,
        "InternalFailure": 500,
        "ServiceUnavailable": 503,
        "ThrottlingException": 400,
        "UnknownOperationException": 400,
        "UnrecognizedClientException": 403,
    },
    # The model calls them NoSuchEntityException and InvalidInputException, and gives these codes and statuses.
    "iam": {
        "AccessDenied": 403,
        "InvalidInput": 400,
        "NoSuchEntity": 404,
        "ValidationError": 400,
    },
    "cloudformation": {"AccessDenied": 403, "ValidationError": 400},
    "cloudwatch": {"AccessDenied": 403, "InvalidParameterValue": 400, "MissingParameter": 400, "ValidationError": 400},
    "ecr": {"AccessDeniedException": 400},
    "service-quotas": {"AccessDeniedException": 400},
    "secretsmanager": {"AccessDeniedException": 400},
    "sts": {
        "AccessDenied": 403,
        "ExpiredToken": 403,
        "IncompleteSignature": 403,
        "InternalFailure": 500,
        "InvalidAction": 400,
        "InvalidClientTokenId": 403,
        "MissingAuthenticationToken": 403,
        "ServiceUnavailable": 503,
        "SignatureDoesNotMatch": 403,
        "Throttling": 400,
        "ValidationError": 400,
    },
}

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class ModelMismatch(AssertionError):
    """A reply that the model does not describe."""


def need(holds, what):
    if not holds:
        raise ModelMismatch(what)


def wire_name(name, shape):
    return shape.serialization.get("name", name)


def check_value(shape, value, where):
    """Checks an enum's value, and a length or range, if the model has them."""
    if shape.type_name == "string" and getattr(shape, "enum", None):
        need(value in shape.enum, f"{where}: {value!r} is none of {shape.enum}")
    size = len(value) if shape.type_name in ("string", "list", "map") else value
    for bound, fits in (("min", lambda limit: size >= limit), ("max", lambda limit: size <= limit)):
        if bound in shape.metadata:
            need(fits(shape.metadata[bound]), f"{where}: {value!r} is beyond the {bound} of {shape.metadata[bound]}")


# --- JSON -------------------------------------------------------------------------------------------------------------

JSON_TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": bool,
    "structure": dict,
    "list": list,
    "map": dict,
}


def check_json(shape, value, where):
    need(value is not None, f"{where}: null, where a member is to be left out")
    kind = JSON_TYPES[shape.type_name]
    # In Python a bool is an int, on the wire it is not.
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    need(right, f"{where}: {value!r} is no {shape.type_name}")
    check_value(shape, value, where)
    if shape.type_name == "structure":
        members = {wire_name(name, member): member for name, member in shape.members.items()}
        for name, inner in value.items():
            need(name in members, f"{where}: the model of {shape.name} has no member {name!r}")
            check_json(members[name], inner, f"{where}.{name}")
        for name in shape.required_members:
            need(wire_name(name, shape.members[name]) in value, f"{where}: {name!r} is required in {shape.name}")
    elif shape.type_name == "list":
        for at, inner in enumerate(value):
            check_json(shape.member, inner, f"{where}[{at}]")
    elif shape.type_name == "map":
        for key, inner in value.items():
            check_json(shape.key, key, f"{where} key")
            check_json(shape.value, inner, f"{where}[{key!r}]")


# --- XML --------------------------------------------------------------------------------------------------------------

XML_VALUES = {
    "string": re.compile(r"(?s).*"),
    "integer": re.compile(r"-?\d+"),
    "long": re.compile(r"-?\d+"),
    "boolean": re.compile(r"true|false"),
    "double": re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"),
}


def local_name(element, namespace, where):
    need(element.tag.startswith(f"{{{namespace}}}"), f"{where}: {element.tag} is not of the namespace {namespace}")
    return element.tag[len(namespace) + 2 :]


def check_xml(shape, element, namespace, where):
    if shape.type_name == "structure":
        members = {wire_name(name, member): member for name, member in shape.members.items()}
        seen = set()
        for child in element:
            name = local_name(child, namespace, where)
            need(name in members, f"{where}: the model of {shape.name} has no element {name!r}")
            need(name not in seen, f"{where}: {name!r} comes twice")
            seen.add(name)
            check_xml(members[name], child, namespace, f"{where}/{name}")
        for name in shape.required_members:
            need(wire_name(name, shape.members[name]) in seen, f"{where}: {name!r} is required in {shape.name}")
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        for at, child in enumerate(element):
            name = local_name(child, namespace, where)
            need(name == item, f"{where}: an element of the list is called {name!r}, not {item!r}")
            check_xml(shape.member, child, namespace, f"{where}[{at}]")
    else:
        text = element.text or ""
        need(len(element) == 0, f"{where}: a {shape.type_name} has elements in it")
        need(XML_VALUES[shape.type_name].fullmatch(text), f"{where}: {text!r} is no {shape.type_name}")
        number = int(text) if shape.type_name in ("integer", "long") else 0
        check_value(shape, text if shape.type_name == "string" else number, where)


# --- Whole replies ----------------------------------------------------------------------------------------------------


def check_success(operation, headers, body):
    service = operation.service_model
    where = operation.name
    need(UUID.fullmatch(headers.get("x-amzn-requestid", "")), f"{where}: no request ID in {dict(headers)}")
    if service.metadata["protocol"] == "json":
        need(headers["content-type"] == "application/x-amz-json-1.1", f"{where}: {headers['content-type']}")
        if operation.output_shape is None:
            need(body == b"", f"{where}: {body!r} where nothing is to come")
        else:
            check_json(operation.output_shape, json.loads(body), where)
        return
    need(headers["content-type"].startswith("text/xml"), f"{where}: {headers['content-type']}")
    root = ElementTree.fromstring(body)
    namespace = service.metadata["xmlNamespace"]
    # EC2's model omits the slash that its documents have.
    namespace = namespace if namespace.endswith("/") else namespace + "/"
    need(local_name(root, namespace, where) == operation.name + "Response", f"{where}: the root is {root.tag}")
    if service.metadata["protocol"] == "ec2":
        first = root[0]
        need(local_name(first, namespace, where) == "requestId", f"{where}: the first element is {first.tag}")
        need(UUID.fullmatch(first.text), f"{where}: the request ID is {first.text!r}")
        root.remove(first)
        check_xml(operation.output_shape, root, namespace, where)
        return
    names = [local_name(child, namespace, where) for child in root]
    need(names == [operation.name + "Result", "ResponseMetadata"], f"{where}: the elements are {names}")
    check_xml(operation.output_shape, root[0], namespace, where)
    need(UUID.fullmatch(root[1][0].text), f"{where}: the request ID is {root[1][0].text!r}")


def check_error(operation, status, headers, body, bare=False):
    """Returns the error's code. `bare` replies have no header, a namespace, and `Message`."""
    service = operation.service_model
    where = f"an error of {operation.name}"
    need(UUID.fullmatch(headers.get("x-amzn-requestid", "")), f"{where}: no request ID in {dict(headers)}")
    if service.metadata["protocol"] == "json":
        code = json_error(operation, headers, json.loads(body), bare, where)
    elif service.metadata["protocol"] == "ec2":
        code = ec2_error(ElementTree.fromstring(body), where)
    else:
        code = query_error(ElementTree.fromstring(body), status, service.metadata["xmlNamespace"], where)
    modelled = {shape.name: shape for shape in operation.error_shapes}
    if code in modelled:
        # The model of ECS has no statuses: 500 marks its own faults, 400 the caller's.
        expected = 500 if service.shape_for(code)._shape_model.get("fault") else 400
    else:
        common = COMMON_ERRORS[service.service_name]
        need(code in common, f"{where}: {code} is neither in the model of the operation nor common to all")
        expected = common[code]
    need(status == expected, f"{where}: {code} comes with {status}, not {expected}")
    return code


def json_error(operation, headers, document, bare, where):
    kind = document.pop("__type")
    code = kind.rpartition("#")[2]
    key = "Message" if bare else "message"
    need(isinstance(document.pop(key, None), str), f"{where}: no {key!r}")
    if bare:
        need("#" in kind and "x-amzn-errortype" not in headers, f"{where}: {kind} and {dict(headers)} are not bare")
    else:
        need(headers.get("x-amzn-errortype") == kind, f"{where}: the header is not {kind}: {dict(headers)}")
    shapes = [shape for shape in operation.error_shapes if shape.name == code]
    if shapes:
        check_json(shapes[0], document, where)
    else:
        need(not document, f"{where}: more members: {document}")
    return code


def ec2_error(root, where):
    names = [root.tag] + [child.tag for child in root] + [child.tag for child in root[0]]
    need(names == ["Response", "Errors", "RequestID", "Error"], f"{where}: the elements are {names}")
    error = root[0][0]
    need([child.tag for child in error] == ["Code", "Message"], f"{where}: {ElementTree.tostring(error)}")
    return error[0].text


def query_error(root, status, namespace, where):
    names = [local_name(element, namespace, where) for element in [root, *root, *root[0]]]
    need(names == ["ErrorResponse", "Error", "RequestId", "Type", "Code", "Message"], f"{where}: the elements are {names}")
    need(root[0][0].text == ("Sender" if status < 500 else "Receiver"), f"{where}: the type is {root[0][0].text}")
    return root[0][1].text
