"""The policies of docs/iam, and others held against them, statement by statement."""

import json

from programs import ROOT

POLICIES = {file.stem: file for file in sorted((ROOT / "docs/iam").glob("*.json"))}


def documented(policy):
    """The statements of a file of docs/iam."""
    return canonical(json.loads(POLICIES[policy].read_text())["Statement"])


def canonical(statements):
    """Statements by their Sid: what says the same looks the same."""
    found = {}
    for statement in statements:
        statement = dict(statement)
        for key in ("Action", "Resource"):
            if key in statement:
                value = statement[key]
                statement[key] = sorted([value] if isinstance(value, str) else value)
        sid = statement.pop("Sid")
        assert sid not in found, f"two statements {sid}"
        found[sid] = statement
    return found


def renamed(value, names):
    """A document with the names of a deployment replaced by those that docs/iam has."""
    text = json.dumps(value)
    for name, documents in names:
        text = text.replace(name, documents)
    return json.loads(text)


# The files that a deployment has in its roles, and the statements that are there where a registry asks for credentials.
OF_A_DEPLOYMENT = ["execution-role", "manager-job-image", "agent-push", "doctor", "init", "machine", "service"]
OF_A_DEPLOYMENT += ["service-execution-role"]
OF_A_REGISTRY = {"LogInToOtherRegistries", "ReadSecretsWithoutTheirValues"}
