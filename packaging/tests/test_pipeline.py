"""The pipeline of a release: by GitLab's schema, and as `fargate try` reads it."""

import pathlib
import sys
import unittest

import made
from made import ROOT, run

BUILDS = ["build: [saas-linux-medium-amd64]", "build: [saas-linux-medium-arm64]"]
JOBS = ["test", "terraform", *BUILDS, "packages", "images", "release"]


class Pipeline(unittest.TestCase):
    def test_it_fits_gitlabs_schema(self):
        judge = pathlib.Path(sys.executable).with_name("check-jsonschema")
        run(judge, "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", ROOT / ".gitlab-ci.yml")

    def test_a_tag_makes_a_release_and_a_branch_does_not(self):
        def jobs(*variables):
            given = [word for variable in variables for word in ("--variable", variable)]
            listed = run(made.programs() / "fargate", "try", "--list", "--file", ROOT / ".gitlab-ci.yml", *given)
            # STAGE, JOB, WHEN, IMAGE, NEEDS; two spaces or more between them.
            rows = [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in listed.splitlines()[1:]]
            return {row[1]: row[2] for row in rows if len(row) > 3}

        tagged = jobs("CI_COMMIT_TAG=v1.2.3", "CI_COMMIT_BRANCH=")
        self.assertEqual(tagged, {job: "on_success" for job in JOBS})
        branch = jobs("CI_COMMIT_BRANCH=main", "CI_DEFAULT_BRANCH=main")
        self.assertEqual([job for job, when in branch.items() if when != "never"], ["test", "terraform"])


if __name__ == "__main__":
    unittest.main()
