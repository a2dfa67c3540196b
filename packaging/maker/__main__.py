"""The files of a release, one after the other."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from . import ROOT, archive, crates, packages, parts, stage
from .programs import Programs


def arguments():
    parser = argparse.ArgumentParser(prog="packaging/make", description="Make packages of programs that are built.")
    parser.add_argument("version", help="the version of the packages")
    parser.add_argument("programs", type=pathlib.Path, help="folder with fargate and fargate-agent")
    parser.add_argument("out", type=pathlib.Path, help="folder for the files that are made")
    return parser.parse_args()


def source_date():
    """The time that all files get, in seconds since 1970: that of the commit, unless SOURCE_DATE_EPOCH says another."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    commit = subprocess.run(
        ["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    if commit.returncode != 0:
        sys.exit("packaging/make: this is no Git working copy: set SOURCE_DATE_EPOCH.")
    return int(commit.stdout)


def main():
    given = arguments()
    date = source_date()
    programs = Programs(given.programs)
    given.out.mkdir(parents=True, exist_ok=True)
    name = f"fargate-{given.version}-linux-{programs.machine}"
    libraries = crates.of_programs(programs.target)
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / name
        stage.lay_out(tree, programs, libraries, date)
        archive.tarball(tree, given.out / f"{name}.tar.gz", date)
        stage.add_for_packages(tree, given.version, date)
        packages.make(tree, given.out, given.version, programs, date)
    parts.write(given.out / f"{name}.cdx.json", given.version, programs, libraries, date)
    archive.checksums(given.out)
    for file in sorted(given.out.iterdir()):
        print(file)


main()
