"""docs/cli.md: what the program says of its commands. Written anew by: python deploy/tests/cli_page.py >docs/cli.md"""

import re
import textwrap

from programs import fargate, run

INTRODUCTION = """\
# Commands

This page is what `fargate help COMMAND` prints; a test holds it to that. `fargate man --output DIR` writes the same as
manual pages, and `fargate completions SHELL` prints the completions of a shell.
"""


def commands(help_text):
    """The commands that a help lists."""
    _, _, listed = help_text.partition("\nCommands:\n")
    names = re.findall(r"^  ([a-z-]+)(?:  |$)", listed.split("\n\n")[0], re.M)
    return [name for name in names if name != "help"]


def sections(path=()):
    """The sections of a command and of those below it."""
    said = run(fargate(), *path, "--help", env={"NO_COLOR": "1"})
    title = " ".join(["fargate", *path])
    lines = "\n".join(line.rstrip() for line in textwrap.dedent(said).strip().splitlines())
    found = [f"## {title}\n\n```text\n{lines}\n```\n"]
    for name in commands(said):
        found += sections((*path, name))
    return found


def page():
    return "\n".join([INTRODUCTION, *sections()])


if __name__ == "__main__":
    print(page(), end="")
