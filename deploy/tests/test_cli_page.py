"""The book's page of commands is what the program says."""

import difflib
import unittest

import cli_page
from programs import ROOT


class CommandsPage(unittest.TestCase):
    def test_the_page_is_what_the_program_prints(self):
        written = (ROOT / "docs/cli.md").read_text().splitlines()
        printed = cli_page.page().splitlines()
        difference = "\n".join(difflib.unified_diff(written, printed, "docs/cli.md", "the program", lineterm="", n=1))
        again = "write it anew: .cache/venv/bin/python deploy/tests/cli_page.py >docs/cli.md"
        self.assertEqual(difference, "", f"{again}\n{difference}")
        self.assertGreater(len(printed), 200)
