"""A ledger as teardown writes it (docs/report.md), of a made-up morning on two capacity providers."""

import json

MINUTE = 60_000

OUTCOMES = [
    {"kind": "success"},
    {"kind": "success"},
    {"kind": "script_failed", "exit_code": 3, "cause": "exit status 3"},
    {"kind": "success"},
    {"kind": "cancelled", "cause": "stopped by SIGTERM"},
    {"kind": "system_failure", "cause": "the task did not take scripts within 15m"},
    {"kind": "job_refused", "cause": "the image registry.example.com/none:1 does not exist"},
]
PROJECTS = ["acme/shop", "acme/docs", "tools/ci"]


def task(number, begun, ended, provider, won=True):
    """A task of 1 vCPU and 2 GB whose phases take some seconds each."""
    slow = number % 4 * 3_000
    times = {"created": begun + 300, "connected": begun + 13_000, "pull_started": begun + 16_000}
    if won:
        pulled = begun + 30_000 + slow
        times |= {"pull_stopped": pulled, "started": pulled + 1_500}
    facts = {"family": "fargate-5f3a", "image": "ruby:3.3", "cpu": 1024, "memory": 2048, "storage": 20}
    facts |= {"architecture": "x86_64", "provider": provider, "zone": "eu-central-1a", "times": times}
    facts |= {"revision": 1, "stop_code": "UserInitiated" if won else "SpotInterruption"}
    return {"task": f"{number:032x}{'a' if won else 'b'}", "won": won, "stop_accepted": ended, "facts": facts}


def attempt(number, ended):
    """The line of an attempt that ended at this time."""
    outcome = OUTCOMES[number % len(OUTCOMES)]
    begun = ended - (3 + number % 5) * MINUTE
    provider = ["FARGATE", "FARGATE_SPOT"][number % 2]
    started = outcome["kind"] not in ("system_failure", "job_refused")
    tasks = [task(number, begun, begun + 40_000, provider, won=False)] if number % 6 == 5 else []
    times = {"asked": begun, "ended": ended}
    if started:
        tasks.append(task(number, begun, ended, provider))
        ready = tasks[-1]["facts"]["times"]["started"] + 700
        times |= {"ready": ready, "first_script": ready + 1_200}
    line = {"kind": "job", "attempt": f"{number:016x}", "job_id": 1_000 + number, "project_id": 1 + number % 3}
    line |= {"pipeline_id": number // 5, "project": PROJECTS[number % 3], "job": "test", "mode": "job_image"}
    line |= {"image": "ruby:3.3", "region": "eu-central-1", "cluster": "ci", "public_ip": False, "at": ended}
    return line | {"times": times, "outcome": outcome, "starts": len(tasks), "tasks": tasks}


def orphan(number, ended):
    """The line of a task that no record named, ended by a sweep."""
    found = task(number, ended - 20 * MINUTE, ended, "FARGATE", won=False)
    line = {"kind": "orphan", "attempt": found["task"], "job_id": 0, "project_id": 0, "at": ended}
    outcome = {"kind": "system_failure", "cause": "no record names it"}
    return line | {"region": "eu-central-1", "cluster": "ci", "outcome": outcome, "tasks": [found]}


def append(file, lines):
    with open(file, "a", encoding="utf-8") as ledger:
        for line in lines:
            ledger.write(json.dumps(line) + "\n")
