"""The tree of files that the tarball is, and what packages add to it."""

import os
import shutil
from email.utils import formatdate

from . import FILES, MAINTAINER, ROOT, archive, notices

PROGRAMS = ("fargate", "fargate-agent")
SHELLS = {"bash": "fargate.bash", "zsh": "_fargate", "fish": "fargate.fish"}
# For those who have no Git at hand: the job that runs without AWS.
EXAMPLE = ["examples/hello/.gitlab-ci.yml", "examples/hello/greet.sh.in"]


def lay_out(tree, programs, crates, date):
    """What is in the tarball."""
    for name in ("completions", "man", "systemd", "iam", "examples/hello"):
        (tree / name).mkdir(parents=True)
    for program in (programs.driver, programs.agent):
        shutil.copyfile(program, tree / program.name)
    for shell, name in SHELLS.items():
        (tree / "completions" / name).write_bytes(programs.say("completions", shell))
    programs.say("man", "--output", tree / "man")
    for name in ("LICENSE", "README.md", "CHANGELOG.md", *EXAMPLE):
        shutil.copyfile(ROOT / name, tree / name)
    shutil.copyfile(FILES / "fargate.toml", tree / "examples/fargate.toml")
    for file in sorted((ROOT / "docs/iam").glob("*.json")):
        shutil.copyfile(file, tree / "iam" / file.name)
    for name in ("fargate-reap.service", "fargate-reap.timer", "fargate-warm.service", "gitlab-runner.conf"):
        shutil.copyfile(FILES / name, tree / "systemd" / name)
    (tree / "THIRD-PARTY-NOTICES").write_text(notices.text(crates, programs.is_static))
    page = notices.of_standard_library()
    if page is not None:
        (tree / "COPYRIGHT-library.html").write_bytes(page)
    settle(tree, date)


def add_for_packages(tree, version, date):
    """What packages need in other forms: compressed pages, Debian's files."""
    for name in ("man.gz", "doc", "debian"):
        (tree / name).mkdir()
    for page in sorted((tree / "man").iterdir()):
        (tree / "man.gz" / f"{page.name}.gz").write_bytes(archive.compressed(page.read_bytes()))
    documents = {
        "CHANGELOG.md": "changelog.gz",
        "README.md": "README.md.gz",
        "THIRD-PARTY-NOTICES": "THIRD-PARTY-NOTICES.gz",
    }
    if (tree / "COPYRIGHT-library.html").exists():
        documents["COPYRIGHT-library.html"] = "COPYRIGHT-library.html.gz"
    for name, packed in documents.items():
        (tree / "doc" / packed).write_bytes(archive.compressed((tree / name).read_bytes()))
    for name in ("iam", "examples"):
        shutil.copytree(tree / name, tree / "doc" / name)
    entry = (
        f"fargate ({version}-1) stable; urgency=medium\n\n"
        f"  * Version {version}; changelog.gz lists the changes.\n\n"
        f" -- {maintainer()}  {formatdate(date)}\n"
    )
    (tree / "debian/changelog.Debian.gz").write_bytes(archive.compressed(entry.encode()))
    (tree / "debian/copyright").write_text(copyright_file())
    settle(tree, date)


def copyright_file():
    """Our licence in Debian's machine-readable form."""
    title, holder, *body = (ROOT / "LICENSE").read_text().strip().split("\n\n")
    assert title == "MIT License", title
    text = "\n .\n".join("\n".join(f" {line}" for line in part.splitlines()) for part in body)
    head = (FILES / "copyright").read_text()
    return f"{head}Copyright: {holder.removeprefix('Copyright (c) ')}\nLicense: Expat\n{text}\n"


def maintainer():
    return os.environ.get("FARGATE_PACKAGE_MAINTAINER", MAINTAINER)


def settle(tree, date):
    """Modes and times, whatever the umask and the clock are."""
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.name in PROGRAMS else 0o644)
        os.utime(path, (date, date))
