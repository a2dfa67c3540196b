"""The packages that are tested: made once, of programs that the other tests have built."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The commit's time would do, but not in a copy of the files without Git.
DATE = "1790000000"
OLD, NEW = "0.0.9", "0.1.0"

folder = pathlib.Path(tempfile.mkdtemp(prefix="fargate-packages-"))
atexit.register(shutil.rmtree, folder)


def run(*command, **options):
    """Runs a command to its end, which must be a good one; returns what it printed."""
    ended = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False, **options
    )
    if ended.returncode != 0:
        called = " ".join(map(str, command))
        raise AssertionError(f"{called} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


@functools.cache
def programs():
    """`fargate` and `fargate-agent` without symbols, as a release has them, but linked with this machine's C library.

    The variable FARGATE_TEST_PROGRAMS names a folder with released ones instead."""
    if given := os.environ.get("FARGATE_TEST_PROGRAMS"):
        return pathlib.Path(given).resolve()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    made = folder / "programs"
    made.mkdir()
    for name in ("fargate", "fargate-agent"):
        if not (target / "debug" / name).exists():
            raise FileNotFoundError(f"{target}/debug/{name} is missing: cargo build --workspace --bins")
        run("strip", "-o", made / name, target / "debug" / name)
    return made


@functools.cache
def are_static():
    """Whether the programs need no loader, as released ones do not."""
    needed = subprocess.run(["ldd", programs() / "fargate"], capture_output=True, check=False)
    return needed.returncode != 0


@functools.cache
def packages(place="here", version=NEW):
    """All files, made into a folder of this name."""
    out = folder / place
    run(ROOT / "packaging/make", version, programs(), out, env={**os.environ, "SOURCE_DATE_EPOCH": DATE, "TZ": place})
    return out


def deb():
    (file,) = packages().glob("*.deb")
    return file


@functools.cache
def old_deb():
    """The same package as one of an older version."""
    tree, file = folder / "old", folder / "old.deb"
    run("dpkg-deb", "--raw-extract", deb(), tree)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {NEW}-1", f"Version: {OLD}-1"))
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, file)
    return file


def rpm():
    (file,) = packages().glob("*.rpm")
    return file


def old_rpm():
    """An rpm cannot be taken apart and put together again."""
    (file,) = packages("old-rpm", OLD).glob("*.rpm")
    return file


def tarball():
    (file,) = packages().glob("*.tar.gz")
    return file
