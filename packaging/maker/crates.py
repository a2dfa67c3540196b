"""The libraries that are in the programs, as cargo resolves them."""

import json
import re
import subprocess
from dataclasses import dataclass, field

from . import ROOT

# Without dependencies of tests and build scripts, and without macros: none of their code is in a program.
EDGES = "normal,no-proc-macro"


@dataclass(frozen=True, order=True)
class Crate:
    """A library, its licence expression (SPDX), and the folder of its source."""

    name: str
    version: str
    licence: str
    authors: tuple = field(compare=False)
    repository: str = field(compare=False)
    folder: str = field(compare=False)
    checksum: str = field(compare=False)
    needs: tuple = field(compare=False)


def cargo(*words):
    return subprocess.run(["cargo", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def of_programs(target):
    """All crates that driver and agent are linked of, our own included, sorted."""
    tree = cargo(
        "tree", "--locked", "--package", "fargate", "--package", "fargate-agent", "--edges", EDGES,
        "--target", target, "--prefix", "none", "--format", "{p}",
    )  # fmt: skip
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    described = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    sums = checksums()
    key = {package["id"]: (package["name"], "v" + package["version"]) for package in described["packages"]}
    needs = {
        key[node["id"]]: tuple(
            sorted(
                key[other["pkg"]]
                for other in node["deps"]
                if key[other["pkg"]] in linked and any(kind["kind"] is None for kind in other["dep_kinds"])
            )
        )
        for node in described["resolve"]["nodes"]
    }
    found = [
        Crate(
            name=package["name"],
            version=package["version"],
            # An old way to write "or".
            licence=re.sub(r"\s*/\s*", " OR ", package["license"] or ""),
            authors=tuple(package["authors"]),
            repository=package["repository"] or "",
            folder=package["manifest_path"].removesuffix("/Cargo.toml"),
            checksum=sums.get((package["name"], package["version"]), ""),
            needs=needs[key[package["id"]]],
        )
        for package in described["packages"]
        if key[package["id"]] in linked
    ]
    missing = linked - {(crate.name, "v" + crate.version) for crate in found}
    if missing:
        raise LookupError(f"cargo metadata does not know {sorted(missing)}")
    return sorted(found)


def checksums():
    """SHA-256 of each crate's archive, from Cargo.lock."""
    text = (ROOT / "Cargo.lock").read_text()
    entries = re.findall(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"', text)
    return {(name, version): checksum for name, version, checksum in entries}
