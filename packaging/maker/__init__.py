"""Makes packages of programs that are built; `packaging/make` calls it."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "packaging/files"
# Whoever publishes packages names themselves; `.invalid` is nobody's (RFC 2606).
MAINTAINER = "fargate maintainers <maintainers@fargate.invalid>"
