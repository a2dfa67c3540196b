"""The .deb and the .rpm, by nfpm."""

import os
import platform
import subprocess

from . import ROOT
from .stage import maintainer

# Debian had its units in /lib until its merge with /usr was whole.
FORMATS = {"deb": "/lib/systemd/system", "rpm": "/usr/lib/systemd/system"}


def make(tree, out, version, programs, date):
    """Writes both packages to the folder `out`, under the names that each format is used to."""
    variables = {
        "VERSION": version,
        "ARCH": programs.debian,
        "MAINTAINER": maintainer(),
        "STAGE": str(tree),
        "SOURCE_DATE_EPOCH": str(date),
        # Released programs are static, and need nothing. Those of a test need the C library that they were linked with.
        "DEB_DEPENDS": "" if programs.is_static else f"libc6 (>= {platform.libc_ver()[1]}), libgcc-s1",
    }
    for packager, units in FORMATS.items():
        environment = {**os.environ, **variables, "UNITS": units}
        command = ["nfpm", "package", "--config", "nfpm.yaml", "--packager", packager, "--target", out.resolve()]
        # Paths of scripts in nfpm.yaml know no variables, so they are relative.
        subprocess.run(command, cwd=ROOT / "packaging", env=environment, check=True, stdout=subprocess.DEVNULL)
