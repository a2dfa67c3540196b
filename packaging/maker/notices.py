"""The licences of the libraries in the programs, as those licences ask for it."""

import pathlib
import re
import subprocess

from . import ROOT

FILE = re.compile(r"(?i)^(un)?(licen[sc]e|copying|notice|copyright)")
# What is compiled in beside crates.
STANDARD_LIBRARY = "the Rust standard library (MIT OR Apache-2.0)"

HEAD = """\
Third-party notices of fargate
==============================

The programs fargate and fargate-agent contain the libraries below, each under the licence that stands behind its
name. Where that is a choice ("OR"), MIT was taken if it is there, else Apache-2.0. The texts follow, each with the
libraries that it came with. COPYRIGHT-library.html names the parts of Rust's standard library.
"""

MUSL = """\
musl as a whole is licensed under the following standard MIT license:

Copyright © 2005-2020 Rich Felker, et al.
"""


def text(crates, is_static):
    """The notices: the list of libraries, then each text once."""
    foreign = [crate for crate in crates if not crate.folder.startswith(str(ROOT))]
    texts = {}
    bare = []
    for crate in foreign:
        found = sorted(file for file in pathlib.Path(crate.folder).iterdir() if file.is_file() and FILE.match(file.name))
        for file in found:
            texts.setdefault(tidy(file.read_text(errors="replace")), []).append(label(crate))
        if not found:
            bare.append(crate)
    mit, apache = known(texts, "Permission is hereby granted, free of charge"), known(texts, "Apache License")
    for crate in bare:
        # Its archive has no text: the licence is a standard one, and the authors are those that it names.
        own = apache if "Apache-2.0" in crate.licence else copyright_of(crate) + mit
        texts.setdefault(own, []).append(label(crate))
    beside = runtime(mit, is_static)
    for name, content in beside.items():
        texts.setdefault(content, []).append(name)
    names = [f"- {label(crate)}: {crate.licence} {crate.repository}".rstrip() for crate in foreign]
    blocks = [f"{'-' * 80}\n{', '.join(users)}\n{'-' * 80}\n\n{content}" for content, users in texts.items()]
    return "\n".join([HEAD, *names, *(f"- {name}" for name in beside), "", *blocks])


def label(crate):
    return f"{crate.name} {crate.version}"


def tidy(content):
    """Without differences that nobody sees, so that equal texts stand once."""
    return "\n".join(line.rstrip() for line in content.strip().splitlines()) + "\n"


def known(texts, mark):
    """The shortest text with these words, from them on."""
    found = min((content for content in texts if mark in content), key=len)
    return found[found.index(mark) :] if mark.startswith("Permission") else found


def copyright_of(crate):
    names = ", ".join(re.sub(r"\s*<.*?>", "", author) for author in crate.authors) or f"the authors of {crate.name}"
    return f"Copyright (c) {names}\n\n"


def runtime(mit, is_static):
    """Rust's own library, and the C library of a static program."""
    found = {STANDARD_LIBRARY: f"Copyright (c) The Rust Project Contributors\n\n{mit}"}
    if is_static:
        found["musl, the C library (MIT)"] = f"{MUSL}\n{mit}"
    return found


def of_standard_library():
    """What Rust's own release says of the parts of its standard library; nothing where it lacks that page."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], cwd=ROOT, capture_output=True, text=True, check=True)
    page = pathlib.Path(sysroot.stdout.strip()) / "share/doc/rust/COPYRIGHT-library.html"
    return page.read_bytes() if page.exists() else None
